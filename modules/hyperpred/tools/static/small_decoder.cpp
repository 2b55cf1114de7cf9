// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "small_decoder.hpp"

#include <jpeglib.h>
#include <png.h>
#include <csetjmp>
#include <cstdio>
#include <cstring>

namespace cv {
namespace hyperpred {

namespace {

// The TIFF structure of an EXIF block: the orientation, 1..8, or 1 where there is none.
class ExifBlock {
public:
    ExifBlock(const unsigned char* bytes, size_t size) : bytes_(bytes), size_(size) {}

    int orientation() const {
        if (size_ < 8) return 1;
        const bool little = bytes_[0] == 'I' && bytes_[1] == 'I', big = bytes_[0] == 'M' && bytes_[1] == 'M';
        if (!little && !big) return 1;
        const size_t directory = number(4, 4, big);
        if (directory > size_ - 2) return 1;
        const size_t entries = number(directory, 2, big);
        for (size_t i = 0; i < entries && directory + 2 + 12 * (i + 1) <= size_; ++i) {
            const size_t entry = directory + 2 + 12 * i;
            if (number(entry, 2, big) != 0x112) continue;
            const size_t value = number(entry + 8, 2, big);
            return value >= 1 && value <= 8 ? int(value) : 1;
        }
        return 1;
    }

private:
    size_t number(size_t at, size_t length, bool big) const {
        size_t value = 0;
        for (size_t i = 0; i < length; ++i) value = value << 8 | bytes_[at + (big ? i : length - 1 - i)];
        return value;
    }

    const unsigned char* bytes_;
    size_t size_;
};

void turnUpright(cv::Mat& image, int orientation) {
    if (orientation >= 5) cv::transpose(image, image);
    switch (orientation) {
        case 2:
        case 6: cv::flip(image, image, 1); break;
        case 3:
        case 7: cv::flip(image, image, -1); break;
        case 4:
        case 8: cv::flip(image, image, 0); break;
        default: break;
    }
}

// ---- JPEG ----

struct JpegFailure {
    jpeg_error_mgr manager;
    std::jmp_buf jump;
};

[[noreturn]] void leaveJpeg(j_common_ptr decoder) {
    std::longjmp(reinterpret_cast<JpegFailure*>(decoder->err)->jump, 1);
}

void say(j_common_ptr) {}

void cmykToBgr(const unsigned char* from, int pixels, unsigned char* to) {
    for (int i = 0; i < pixels; ++i, from += 4, to += 3) {
        const int k = from[3];
        for (int c = 0; c < 3; ++c) to[2 - c] = static_cast<unsigned char>(k - ((255 - from[c]) * k >> 8));
    }
}

// Nothing with a destructor lives in here: an error jumps out of it.
bool readJpeg(jpeg_decompress_struct& decoder, JpegFailure& failure, const unsigned char* bytes, size_t size,
              cv::Mat& image, std::vector<unsigned char>& row, int& orientation) {
    if (setjmp(failure.jump)) return false;
    jpeg_create_decompress(&decoder);
    jpeg_mem_src(&decoder, bytes, static_cast<unsigned long>(size));
    jpeg_save_markers(&decoder, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(&decoder, TRUE);
    for (jpeg_saved_marker_ptr marker = decoder.marker_list; marker; marker = marker->next) {
        if (marker->data_length < 6 || std::memcmp(marker->data, "Exif\0\0", 6) != 0) continue;
        orientation = ExifBlock(marker->data + 6, marker->data_length - 6).orientation();
        break;
    }
    const bool cmyk = decoder.num_components == 4;
    decoder.out_color_space = cmyk ? JCS_CMYK : JCS_EXT_BGR;
    jpeg_start_decompress(&decoder);
    image.create(int(decoder.output_height), int(decoder.output_width), CV_8UC3);
    if (cmyk) row.resize(4 * size_t(decoder.output_width));
    while (decoder.output_scanline < decoder.output_height) {
        unsigned char* const to = image.ptr(int(decoder.output_scanline));
        JSAMPROW line = cmyk ? row.data() : to;
        jpeg_read_scanlines(&decoder, &line, 1);
        if (cmyk) cmykToBgr(row.data(), image.cols, to);
    }
    jpeg_finish_decompress(&decoder);
    return true;
}

// Lets go of what libjpeg has allocated, also where memory for the image is missing.
struct JpegDecoder {
    jpeg_decompress_struct state = {};
    JpegFailure failure = {};

    JpegDecoder() {
        state.err = jpeg_std_error(&failure.manager);
        failure.manager.error_exit = leaveJpeg;
        failure.manager.output_message = say;
    }
    ~JpegDecoder() { jpeg_destroy_decompress(&state); }
    JpegDecoder(const JpegDecoder&) = delete;
    JpegDecoder& operator=(const JpegDecoder&) = delete;
};

cv::Mat decodeJpeg(const unsigned char* bytes, size_t size) {
    JpegDecoder decoder;
    cv::Mat image;
    std::vector<unsigned char> row;
    int orientation = 1;
    if (!readJpeg(decoder.state, decoder.failure, bytes, size, image, row, orientation)) return {};
    turnUpright(image, orientation);
    return image;
}

// ---- PNG ----

struct PngBytes {
    const unsigned char* at;
    size_t left;
};

void givePng(png_structp decoder, png_bytep out, size_t count) {
    PngBytes* const source = static_cast<PngBytes*>(png_get_io_ptr(decoder));
    if (count > source->left) png_error(decoder, "ends early");
    std::memcpy(out, source->at, count);
    source->at += count;
    source->left -= count;
}

[[noreturn]] void leavePng(png_structp decoder, png_const_charp) {
    png_longjmp(decoder, 1);
}

void ignore(png_structp, png_const_charp) {}

bool readPng(png_structp decoder, png_infop info, PngBytes& source, cv::Mat& image, std::vector<png_bytep>& rows) {
    if (setjmp(png_jmpbuf(decoder))) return false;
    png_set_read_fn(decoder, &source, givePng);
    png_read_info(decoder, info);
    const bool wide = png_get_bit_depth(decoder, info) == 16;
    png_set_expand(decoder);
    png_set_strip_alpha(decoder);
    png_set_gray_to_rgb(decoder);
    png_set_bgr(decoder);
    if (wide) png_set_swap(decoder);
    png_set_interlace_handling(decoder);
    png_read_update_info(decoder, info);
    image.create(int(png_get_image_height(decoder, info)), int(png_get_image_width(decoder, info)),
                 wide ? CV_16UC3 : CV_8UC3);
    if (png_get_rowbytes(decoder, info) != image.cols * image.elemSize()) return false;
    for (int y = 0; y < image.rows; ++y) rows.push_back(image.ptr(y));
    png_read_image(decoder, rows.data());
    png_read_end(decoder, info);
    return true;
}

// The same for libpng.
struct PngDecoder {
    png_structp state = png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, leavePng, ignore);
    png_infop info = state ? png_create_info_struct(state) : nullptr;

    PngDecoder() = default;
    ~PngDecoder() { png_destroy_read_struct(&state, &info, nullptr); }
    PngDecoder(const PngDecoder&) = delete;
    PngDecoder& operator=(const PngDecoder&) = delete;
};

cv::Mat decodePng(const unsigned char* bytes, size_t size) {
    PngDecoder decoder;
    PngBytes source = {bytes, size};
    cv::Mat image;
    std::vector<png_bytep> rows;
    if (!decoder.info || !readPng(decoder.state, decoder.info, source, image, rows)) return {};
    png_bytep exif = nullptr;
    png_uint_32 length = 0;
    if (png_get_eXIf_1(decoder.state, decoder.info, &length, &exif) != 0) {
        turnUpright(image, ExifBlock(exif, length).orientation());
    }
    return image;
}

}  // namespace

cv::Mat decodeJpegOrPng(const unsigned char* bytes, size_t size) {
    if (size > 3 && bytes[0] == 0xff && bytes[1] == 0xd8) return decodeJpeg(bytes, size);
    if (size > 8 && png_sig_cmp(bytes, 0, 8) == 0) return decodePng(bytes, size);
    CV_Error(cv::Error::StsNotImplemented, "this build of hyperpred decodes JPEG and PNG alone");
}

}  // namespace hyperpred
}  // namespace cv
