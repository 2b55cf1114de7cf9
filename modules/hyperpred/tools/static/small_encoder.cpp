// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "small_encoder.hpp"

#include <csetjmp>
#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>

namespace cv {
namespace hyperpred {

namespace {

struct JpegFailure {
    jpeg_error_mgr manager;
    std::jmp_buf jump;
};

[[noreturn]] void leaveJpeg(j_common_ptr encoder) {
    std::longjmp(reinterpret_cast<JpegFailure*>(encoder->err)->jump, 1);
}

void say(j_common_ptr) {}

// Nothing with a destructor lives in here: an error jumps out of it.
bool writeJpeg(jpeg_compress_struct& encoder, JpegFailure& failure, const cv::Mat& image, int quality,
               unsigned char*& bytes, unsigned long& size) {
    if (setjmp(failure.jump)) return false;
    jpeg_create_compress(&encoder);
    jpeg_mem_dest(&encoder, &bytes, &size);
    encoder.image_width = JDIMENSION(image.cols);
    encoder.image_height = JDIMENSION(image.rows);
    encoder.input_components = 3;
    encoder.in_color_space = JCS_EXT_BGR;
    jpeg_set_defaults(&encoder);
    jpeg_set_quality(&encoder, quality, TRUE);
    encoder.optimize_coding = TRUE;
    jpeg_start_compress(&encoder, TRUE);
    while (encoder.next_scanline < encoder.image_height) {
        JSAMPROW line = const_cast<JSAMPROW>(image.ptr(int(encoder.next_scanline)));  // only read
        jpeg_write_scanlines(&encoder, &line, 1);
    }
    jpeg_finish_compress(&encoder);
    return true;
}

}  // namespace

std::vector<unsigned char> encodeJpeg(const cv::Mat& image, int quality) {
    CV_Assert(image.type() == CV_8UC3 && !image.empty());
    jpeg_compress_struct encoder = {};
    JpegFailure failure = {};
    encoder.err = jpeg_std_error(&failure.manager);
    failure.manager.error_exit = leaveJpeg;
    failure.manager.output_message = say;
    unsigned char* bytes = nullptr;
    unsigned long size = 0;
    const bool done = writeJpeg(encoder, failure, image, quality, bytes, size);
    jpeg_destroy_compress(&encoder);
    std::vector<unsigned char> result;
    if (done) result.assign(bytes, bytes + size);
    std::free(bytes);
    return result;
}

}  // namespace hyperpred
}  // namespace cv
