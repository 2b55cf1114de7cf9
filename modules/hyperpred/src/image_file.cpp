// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <opencv2/imgcodecs.hpp>
#include <system_error>
#include <vector>

#include "error.hpp"
#include "image_header.hpp"
#include "images.hpp"
#include "quoted_path.hpp"

namespace cv {
namespace hyperpred {

namespace {

const int64_t kMaxImageSide = int64_t(1) << 20;  // the limit of OpenCV's own decoders

struct File {
    explicit File(const std::string& path)
        // Without O_NONBLOCK a named pipe would block until somebody writes.
        : descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
    ~File() {
        if (descriptor >= 0) ::close(descriptor);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int descriptor;
};

std::string systemReason(int error) {
    return std::generic_category().message(error);
}

// Length of an open regular file that is no larger than an image may be.
size_t checkedLength(int descriptor, const std::string& where) {
    struct stat status;
    if (::fstat(descriptor, &status) != 0) fail(Failure::BadFile, where + ": " + systemReason(errno));
    if (S_ISDIR(status.st_mode)) fail(Failure::BadFile, where + ": is a folder, not an image file");
    if (!S_ISREG(status.st_mode)) fail(Failure::BadFile, where + ": is no regular file");
    if (int64_t(status.st_size) > kMaxImageBytes) {
        fail(Failure::BadFile, where + ": " + std::to_string(status.st_size) + " bytes; at most " +
                                   std::to_string(kMaxImageBytes >> 20) + " MiB are accepted");
    }
    return size_t(status.st_size);
}

std::vector<uint8_t> readBytes(const std::string& path, const std::string& where) {
    const File file(path);
    if (file.descriptor < 0) fail(Failure::BadFile, where + ": " + systemReason(errno));
    std::vector<uint8_t> bytes(checkedLength(file.descriptor, where));
    for (size_t done = 0; done < bytes.size();) {
        const ssize_t got = ::read(file.descriptor, bytes.data() + done, bytes.size() - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail(Failure::BadFile, where + ": " + systemReason(errno));
        if (got == 0) fail(Failure::BadFile, where + ": became shorter while it was read");
        done += size_t(got);
    }
    return bytes;
}

void checkDeclaredSize(const ImageHeader& header, const std::string& where) {
    if (header.width > kMaxImageSide || header.height > kMaxImageSide ||
        header.width * header.height > kMaxImagePixels) {
        fail(Failure::BadFile, where + ": the " + header.format + " declares " + std::to_string(header.width) + " x " +
                                   std::to_string(header.height) + " pixels; at most " +
                                   std::to_string(kMaxImagePixels >> 20) + " Mi pixels and " +
                                   std::to_string(kMaxImageSide) + " a side are accepted");
    }
}

// A folder run skips what cannot be read, but an image that conversion refuses later (a TIFF of integers, of NaN)
// would end it: such a file counts as unreadable.
void checkConvertible(const cv::Mat& image, const std::string& where) {
    if (image.depth() == CV_8U || image.depth() == CV_16U) return;
    try {
        uint8_t pixel[3];
        convertImage(image, 1, where, pixel);
    } catch (const cv::Exception& error) {
        fail(Failure::BadFile, error.err);
    }
}

// 16 bits a channel are kept, alpha is dropped, EXIF rotation is applied (IMREAD_UNCHANGED would not).
int decodeFlags(const ImageHeader& header, int enoughSide) {
    if (enoughSide <= 0) return cv::IMREAD_COLOR | cv::IMREAD_ANYDEPTH;
    const int64_t times = std::min(header.width, header.height) / enoughSide;
    if (times >= 8) return cv::IMREAD_REDUCED_COLOR_8;
    if (times >= 4) return cv::IMREAD_REDUCED_COLOR_4;
    return times >= 2 ? cv::IMREAD_REDUCED_COLOR_2 : cv::IMREAD_COLOR;
}

}  // namespace

cv::Mat readImage(const std::string& path, int enoughSide) {
    const std::string where = quotedPath(path);
    const std::vector<uint8_t> bytes = readBytes(path, where);
    const ImageHeader header = readImageHeader(bytes.data(), bytes.size(), where);
    checkDeclaredSize(header, where);
    cv::Mat image;
    std::string reason = "it is damaged, or of a kind that OpenCV's decoder does not know";
    try {
        image = cv::imdecode(bytes, decodeFlags(header, enoughSide));
    } catch (const cv::Exception& error) {
        reason = error.err;
    }
    if (image.empty()) fail(Failure::BadFile, where + ": the " + header.format + " cannot be decoded: " + reason);
    checkConvertible(image, where);
    return image;
}

}  // namespace hyperpred
}  // namespace cv
