// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_IMAGES_MOTION_JPEG_HPP
#define HYPERPRED_IMAGES_MOTION_JPEG_HPP

#include <opencv2/core.hpp>
#include <vector>

namespace cv {
namespace hyperpred {

// An AVI file (RIFF) of JPEG frames with an index. Written here and not by cv::VideoWriter, so that the frames keep the
// very bytes that imencode gave and can be compared one by one.
std::vector<uchar> motionJpeg(const std::vector<std::vector<uchar>>& frames, int edge, int framesASecond);
// The frames of such a file; empty where it is none.
std::vector<std::vector<uchar>> framesOf(const std::vector<uchar>& avi);

}  // namespace hyperpred
}  // namespace cv

#endif
