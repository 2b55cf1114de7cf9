// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_ACCURACY_INTERVAL_HPP
#define HYPERPRED_ACCURACY_INTERVAL_HPP

namespace cv {
namespace hyperpred {

// Where the true share lies, with 95 % confidence.
struct AccuracyInterval {
    double low = 0, high = 1;
};

// Wilson's score interval of `right` of `images` (Wilson 1927): unlike the usual mean plus or minus two deviations it
// stays within 0..1 and holds for few images and for shares near 0 or 1. It takes the images for independent draws.
// 0..1 for no images.
AccuracyInterval wilsonInterval(int right, int images);

}  // namespace hyperpred
}  // namespace cv

#endif
