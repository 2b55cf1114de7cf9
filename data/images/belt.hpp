// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_IMAGES_BELT_HPP
#define HYPERPRED_IMAGES_BELT_HPP

#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace cv {
namespace hyperpred {

// A clip of a belt that carries parts past an inspection camera, from left to right and one at a time. Before the first
// part and between two of them the belt is empty for a moment.
struct Passing {
    std::string name;         // the part's class, or "unknown"
    int first = 0, last = 0;  // frames in which some of it may be in view
};
const std::vector<Passing>& beltPassings();
int beltFrames();
const int kBeltFramesASecond = 10;

// One frame as JPEG; each can be drawn alone.
std::vector<uchar> encodedBeltFrame(int frame);

}  // namespace hyperpred
}  // namespace cv

#endif
