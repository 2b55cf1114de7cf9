// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
// cv::VideoCapture of the static tool: opens nothing. Debian's videoio wants FFmpeg and GStreamer, which have no static
// libraries there.
#include <opencv2/videoio.hpp>

namespace cv {

VideoCapture::VideoCapture() = default;
VideoCapture::VideoCapture(int, int) {}
VideoCapture::~VideoCapture() = default;
bool VideoCapture::open(const String&, int) {
    return false;
}
bool VideoCapture::open(const String&, int, const std::vector<int>&) {
    return false;
}
bool VideoCapture::open(int, int) {
    return false;
}
bool VideoCapture::open(int, int, const std::vector<int>&) {
    return false;
}
bool VideoCapture::isOpened() const {
    return false;
}
void VideoCapture::release() {}
bool VideoCapture::grab() {
    return false;
}
bool VideoCapture::retrieve(OutputArray, int) {
    return false;
}
VideoCapture& VideoCapture::operator>>(Mat&) {
    return *this;
}
VideoCapture& VideoCapture::operator>>(UMat&) {
    return *this;
}
bool VideoCapture::read(OutputArray) {
    return false;
}
bool VideoCapture::set(int, double) {
    return false;
}
double VideoCapture::get(int) const {
    return 0;
}

}  // namespace cv
