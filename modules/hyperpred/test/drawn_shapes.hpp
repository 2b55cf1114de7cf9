// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TEST_DRAWN_SHAPES_HPP
#define HYPERPRED_TEST_DRAWN_SHAPES_HPP

#include <opencv2/imgproc.hpp>
#include <random>
#include <vector>

namespace cv {
namespace hyperpred {
namespace test {

struct Images {
    std::vector<cv::Mat> images;
    std::vector<int> labels;
};

// Discs, bars, crosses and checks in random places and colours: `classes` kinds, `each` of a kind, odd sizes.
inline Images drawShapes(int classes, int each, unsigned seed) {
    std::mt19937 draw(seed);
    const auto in = [&](int low, int high) { return low + int(draw() % unsigned(high - low + 1)); };
    Images set;
    for (int c = 0; c < classes; ++c) {
        for (int i = 0; i < each; ++i) {
            cv::Mat image(in(21, 53), in(21, 53), CV_8UC3, cv::Scalar(in(0, 90), in(0, 90), in(0, 90)));
            const cv::Scalar ink(in(150, 255), in(150, 255), in(150, 255));
            const cv::Point centre(image.cols / 2 + in(-3, 3), image.rows / 2 + in(-3, 3));
            const int r = in(6, 9);
            if (c % 4 == 0) cv::circle(image, centre, r, ink, cv::FILLED);
            if (c % 4 == 1) cv::line(image, centre - cv::Point(r, 0), centre + cv::Point(r, 0), ink, 3);
            if (c % 4 == 2) cv::line(image, centre - cv::Point(0, r), centre + cv::Point(0, r), ink, 3);
            if (c % 4 == 3) cv::rectangle(image, centre - cv::Point(r, r), centre + cv::Point(r, r), ink, 2);
            set.images.push_back(image);
            set.labels.push_back(c);
        }
    }
    return set;
}

}  // namespace test
}  // namespace hyperpred
}  // namespace cv

#endif
