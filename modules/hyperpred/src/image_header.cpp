// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "image_header.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "error.hpp"

namespace cv {
namespace hyperpred {

namespace {

// The bytes of the file; every access is checked against their end.
struct Bytes {
    const uint8_t* data;
    size_t size;
    const std::string& where;

    [[noreturn]] void refuse(const std::string& reason) const { fail(Failure::BadFile, where + ": " + reason); }
    void need(size_t at, size_t count) const {
        if (at > size || count > size - at) {
            refuse("the file is truncated: it ends after " + std::to_string(size) + " bytes, inside its structure");
        }
    }
    uint32_t little(size_t at, size_t count) const {
        need(at, count);
        uint32_t value = 0;
        for (size_t i = count; i-- > 0;) value = value << 8 | data[at + i];
        return value;
    }
    uint32_t big(size_t at, size_t count) const {
        need(at, count);
        uint32_t value = 0;
        for (size_t i = 0; i < count; ++i) value = value << 8 | data[at + i];
        return value;
    }
    bool holds(size_t at, const char* text, size_t count) const {
        return at <= size && count <= size - at && std::memcmp(data + at, text, count) == 0;
    }
};

std::string sizeText(const ImageHeader& header) {
    return std::to_string(header.width) + " x " + std::to_string(header.height);
}

// --- PNG (ISO/IEC 15948): signature, then chunks of length, type, data, CRC-32.

uint32_t crc32(const uint8_t* bytes, size_t size) {
    static const std::array<uint32_t, 256> table = [] {
        std::array<uint32_t, 256> made{};
        for (uint32_t i = 0; i < 256; ++i) {
            uint32_t value = i;
            for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xEDB88320u : 0u);
            made[i] = value;
        }
        return made;
    }();
    uint32_t state = 0xFFFFFFFFu;
    for (size_t i = 0; i < size; ++i) state = table[(state ^ bytes[i]) & 0xFF] ^ (state >> 8);
    return ~state;
}

int64_t pngBitsPerPixel(const Bytes& png) {
    const uint32_t depth = png.big(24, 1), colour = png.big(25, 1);
    const int64_t channels[] = {1, 0, 3, 1, 2, 0, 4};
    const bool known = colour < 7 && channels[colour] != 0;
    const bool packed = depth == 1 || depth == 2 || depth == 4;  // grey and palette only
    const bool deep = depth == 16 && colour != 3;
    if (!known || !(depth == 8 || deep || (packed && (colour == 0 || colour == 3)))) {
        png.refuse("PNG of colour type " + std::to_string(colour) + " with " + std::to_string(depth) +
                   " bits a sample: the standard has no such kind");
    }
    return channels[colour] * int64_t(depth);
}

ImageHeader pngHeader(const Bytes& png) {
    ImageHeader header;
    header.format = "PNG";
    if (!png.holds(8, "\0\0\0\x0DIHDR", 8)) {
        png.need(8, 25);
        png.refuse("PNG without its header chunk IHDR at the beginning");
    }
    header.width = png.big(16, 4);
    header.height = png.big(20, 4);
    int64_t compressed = 0;
    for (size_t at = 8;;) {
        const size_t length = png.big(at, 4);
        png.need(at, 12);
        png.need(at + 12, length);
        const bool critical = (png.data[at + 4] & 0x20) == 0;
        if (critical && crc32(png.data + at + 4, length + 4) != png.big(at + 8 + length, 4)) {
            png.refuse("the file is damaged: wrong checksum of the PNG chunk at byte " + std::to_string(at));
        }
        if (png.holds(at + 4, "IDAT", 4)) compressed += int64_t(length);
        if (png.holds(at + 4, "IEND", 4)) break;
        at += 12 + length;
    }
    // Deflate never expands by more than 1,032 to 1.
    const int64_t pixels = std::min(header.width, int64_t(1) << 31) * std::min(header.height, int64_t(1) << 31);
    if (pixels / 8 > 1032 * compressed / pngBitsPerPixel(png)) {
        png.refuse("false size: the PNG claims " + sizeText(header) + " pixels, but its " +
                   std::to_string(compressed) + " bytes of data cannot hold them");
    }
    return header;
}

// --- JPEG (ITU T.81): segments of marker, length, data; a scan's entropy-coded data runs to the next marker.

bool isFrame(uint8_t marker) {
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

bool standsAlone(uint8_t marker) {
    return marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8);
}

// Position of the next marker's code byte from `at` on, or the end of the file. Inside a scan FF 00 is data and
// restart markers are passed over.
size_t nextMarker(const Bytes& jpeg, size_t at) {
    while (at < jpeg.size) {
        const void* found = std::memchr(jpeg.data + at, 0xFF, jpeg.size - at);
        if (found == nullptr) return jpeg.size;
        at = size_t(static_cast<const uint8_t*>(found) - jpeg.data) + 1;
        while (at < jpeg.size && jpeg.data[at] == 0xFF) ++at;
        if (at < jpeg.size && jpeg.data[at] != 0 && !standsAlone(jpeg.data[at])) return at;
    }
    return jpeg.size;
}

// `at`: the frame segment's length field.
void readJpegFrame(const Bytes& jpeg, size_t at, uint8_t marker, ImageHeader& header) {
    if (header.width != 0) jpeg.refuse("JPEG with two frame headers");
    const uint32_t bits = jpeg.big(at + 2, 1);
    header.height = jpeg.big(at + 3, 2);
    header.width = jpeg.big(at + 5, 2);
    if (bits != 8) jpeg.refuse("JPEG with " + std::to_string(bits) + " bits a sample: only 8 are supported");
    // Huffman coding spends at least one bit on a block, and a block covers at most 32 x 32 pixels (sampling 4 x 4).
    if (marker < 0xC8 && header.width * header.height / 8192 > int64_t(jpeg.size)) {
        jpeg.refuse("false size: the JPEG claims " + sizeText(header) + " pixels, but its " +
                    std::to_string(jpeg.size) + " bytes cannot hold them");
    }
}

// CMYK is written as it is or inverted. Only Adobe's marker says that it is inverted, which is what OpenCV takes for
// granted: without the marker the colours would come out wrong, in silence.
void checkJpegColours(const Bytes& jpeg, uint32_t components, bool adobe) {
    if (components != 1 && components != 3 && components != 4) {
        jpeg.refuse("JPEG with " + std::to_string(components) + " components: 1, 3 or 4 are supported");
    }
    if (components == 4 && !adobe) {
        jpeg.refuse("CMYK JPEG without Adobe's marker, so its colours are ambiguous: save it as RGB");
    }
}

ImageHeader jpegHeader(const Bytes& jpeg) {
    ImageHeader header;
    header.format = "JPEG";
    uint32_t components = 0;
    bool adobe = false, scanned = false;
    for (size_t at = 2;;) {
        at = nextMarker(jpeg, at);
        if (at >= jpeg.size) {
            jpeg.refuse("the file is truncated: the JPEG's end marker is missing after " +
                        std::to_string(jpeg.size) + " bytes");
        }
        const uint8_t marker = jpeg.data[at++];
        if (marker == 0xD9) break;
        const size_t length = jpeg.big(at, 2);
        if (length < 2) jpeg.refuse("the file is damaged: JPEG segment without length at byte " + std::to_string(at));
        jpeg.need(at, length);
        if (isFrame(marker)) {
            readJpegFrame(jpeg, at, marker, header);
            components = jpeg.big(at + 7, 1);
        }
        adobe = adobe || (marker == 0xEE && length >= 14 && jpeg.holds(at + 2, "Adobe", 5));
        scanned = scanned || marker == 0xDA;
        at += length;
    }
    if (header.width == 0 || !scanned) jpeg.refuse("JPEG without an image in it");
    checkJpegColours(jpeg, components, adobe);
    return header;
}

// --- BMP: file header of 14 bytes, then the core header (12 bytes) or an info header (40 and more).

ImageHeader bmpHeader(const Bytes& bmp) {
    ImageHeader header;
    header.format = "BMP";
    const bool core = bmp.little(14, 4) == 12;
    const auto asSigned = [](uint32_t value) { return int64_t(int32_t(value)); };
    header.width = core ? int64_t(bmp.little(18, 2)) : asSigned(bmp.little(18, 4));
    header.height = core ? int64_t(bmp.little(20, 2)) : asSigned(bmp.little(22, 4));
    if (header.height < 0) header.height = -header.height;  // negative: rows from the top
    const int64_t bits = bmp.little(core ? 24 : 28, 2);
    const uint32_t compression = core ? 0 : bmp.little(30, 4);
    const int64_t rowBytes = std::max((header.width * bits + 31) / 32 * 4, int64_t(1));
    const bool plain = compression == 0 || compression == 3;
    if (plain && (int64_t(bmp.size) - int64_t(bmp.little(10, 4))) / rowBytes < header.height) {
        bmp.refuse("the file is truncated: a BMP of " + sizeText(header) + " pixels needs " + std::to_string(rowBytes) +
                   " bytes a row, the file has " + std::to_string(bmp.size) + " bytes");
    }
    return header;
}

// --- WebP (RFC 9649): RIFF with one of VP8, VP8L, VP8X as its first chunk.

ImageHeader webpHeader(const Bytes& webp) {
    ImageHeader header;
    header.format = "WebP";
    webp.need(8, webp.little(4, 4));
    if (webp.holds(12, "VP8X", 4)) {
        if ((webp.little(20, 1) & 2) != 0) webp.refuse("animated WebP: only still images are supported");
        header.width = int64_t(webp.little(24, 3)) + 1;
        header.height = int64_t(webp.little(27, 3)) + 1;
    } else if (webp.holds(12, "VP8L", 4)) {
        const uint32_t packed = webp.little(21, 4);
        header.width = int64_t(packed & 0x3FFF) + 1;
        header.height = int64_t((packed >> 14) & 0x3FFF) + 1;
    } else if (webp.holds(12, "VP8 ", 4)) {
        header.width = int64_t(webp.little(26, 2) & 0x3FFF);
        header.height = int64_t(webp.little(28, 2) & 0x3FFF);
    } else {
        webp.refuse("WebP without an image in it");
    }
    return header;
}

// --- TIFF 6.0: the first directory is the image; entries of tag, type, count, value or offset.

struct Tiff {
    const Bytes& bytes;
    bool bigEndian;

    uint32_t read(size_t at, size_t count) const {
        return bigEndian ? bytes.big(at, count) : bytes.little(at, count);
    }
    size_t count(size_t entry) const { return read(entry + 4, 4); }
    // Element `index` of the entry's values, which are of 16 or 32 bits.
    uint32_t value(size_t entry, size_t index) const {
        const uint32_t type = read(entry + 2, 2);
        if ((type != 3 && type != 4) || index >= count(entry)) {
            bytes.refuse("TIFF tag " + std::to_string(read(entry, 2)) + " is no list of 16 or 32 bit numbers");
        }
        const size_t width = type == 3 ? 2 : 4;
        const size_t begin = count(entry) * width <= 4 ? entry + 8 : read(entry + 8, 4);
        return read(begin + index * width, width);
    }
};

// The entry's values must lie inside the file, also of tags that only the decoder reads.
void checkTiffEntry(const Tiff& tiff, size_t entry) {
    const size_t widths[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4};  // bytes by type, TIFF 6.0 section 2
    const uint32_t type = tiff.read(entry + 2, 2);
    const size_t bytes = type < 14 ? widths[type] * tiff.count(entry) : 0;
    if (bytes > 4) tiff.bytes.need(tiff.read(entry + 8, 4), bytes);
}

// Every strip or tile must lie inside the file.
void checkTiffData(const Tiff& tiff, size_t offsets, size_t lengths) {
    if (offsets == 0 || lengths == 0) tiff.bytes.refuse("TIFF without an image in it");
    if (tiff.count(offsets) != tiff.count(lengths)) {
        tiff.bytes.refuse("TIFF with " + std::to_string(tiff.count(offsets)) + " strips or tiles but " +
                          std::to_string(tiff.count(lengths)) + " lengths of them");
    }
    for (size_t i = 0; i < tiff.count(offsets); ++i) {
        tiff.bytes.need(tiff.value(offsets, i), tiff.value(lengths, i));
    }
}

ImageHeader tiffHeader(const Bytes& bytes) {
    const Tiff tiff{bytes, bytes.data[0] == 'M'};
    if (tiff.read(2, 2) == 43) bytes.refuse("BigTIFF is not supported: save it as plain TIFF or PNG");
    ImageHeader header;
    header.format = "TIFF";
    const size_t directory = tiff.read(4, 4);
    const size_t entries = tiff.read(directory, 2);
    size_t offsets = 0, lengths = 0;
    int64_t tileWidth = 0, tileHeight = 0;
    for (size_t i = 0; i < entries; ++i) {
        const size_t entry = directory + 2 + 12 * i;
        checkTiffEntry(tiff, entry);
        // Of a tag given twice libtiff keeps one; the larger is the one to fear.
        const auto largest = [&](int64_t known) { return std::max(known, int64_t(tiff.value(entry, 0))); };
        switch (tiff.read(entry, 2)) {
            case 256: header.width = largest(header.width); break;
            case 257: header.height = largest(header.height); break;
            case 322: tileWidth = largest(tileWidth); break;
            case 323: tileHeight = largest(tileHeight); break;
            case 273: case 324: offsets = entry; break;
            case 279: case 325: lengths = entry; break;
            default: break;
        }
    }
    if (tileWidth > header.width + 4096 || tileHeight > header.height + 4096) {
        bytes.refuse("TIFF of " + sizeText(header) + " pixels in tiles of " + std::to_string(tileWidth) + " x " +
                     std::to_string(tileHeight));
    }
    checkTiffData(tiff, offsets, lengths);
    return header;
}

// --- PNM (Netpbm): P1 to P6, then width, height and (but for bitmaps) the largest value as text.

int64_t pnmNumber(const Bytes& pnm, size_t& at) {
    while (pnm.big(at, 1) == '#' || std::strchr(" \t\r\n", int(pnm.data[at])) != nullptr) {
        if (pnm.data[at] == '#') {
            while (pnm.big(at, 1) != '\n') ++at;
        } else if (pnm.data[at] == 0) {
            break;
        }
        ++at;
    }
    int64_t number = -1;
    for (; pnm.big(at, 1) >= '0' && pnm.data[at] <= '9' && number < (int64_t(1) << 32); ++at) {
        number = std::max(number, int64_t(0)) * 10 + (pnm.data[at] - '0');
    }
    if (number <= 0 || number >= (int64_t(1) << 31)) pnm.refuse("PNM header without three positive numbers");
    return number;
}

ImageHeader pnmHeader(const Bytes& pnm) {
    ImageHeader header;
    header.format = "PNM";
    const char kind = char(pnm.data[1]);
    const bool bitmap = kind == '1' || kind == '4', text = kind <= '3';
    size_t at = 2;
    header.width = pnmNumber(pnm, at);
    header.height = pnmNumber(pnm, at);
    const int64_t largest = bitmap ? 1 : pnmNumber(pnm, at);
    if (!bitmap && largest != 255 && largest != 65535) {
        pnm.refuse("PNM with values up to " + std::to_string(largest) + ": only 255 and 65535 are supported");
    }
    const int64_t channels = kind == '3' || kind == '6' ? 3 : 1;
    const int64_t rowBytes = kind == '4'  ? (header.width + 7) / 8
                             : bitmap     ? header.width
                             : text       ? header.width * channels * 2 - 1  // a digit and a blank each
                                          : header.width * channels * (largest > 255 ? 2 : 1);
    const int64_t left = int64_t(pnm.size - at) - 1;
    if (left / rowBytes < header.height) {
        pnm.refuse("the file is truncated: a PNM of " + sizeText(header) + " pixels needs more than the " +
                   std::to_string(left) + " bytes after its header");
    }
    return header;
}

bool isTiff(const Bytes& file) {
    return file.holds(0, "II\x2A\0", 4) || file.holds(0, "MM\0\x2A", 4) ||  // classic
           file.holds(0, "II\x2B\0", 4) || file.holds(0, "MM\0\x2B", 4);    // BigTIFF
}

bool isPnm(const Bytes& file) {
    return file.size > 2 && file.data[0] == 'P' && file.data[1] >= '1' && file.data[1] <= '6' &&
           std::strchr(" \t\r\n#", int(file.data[2])) != nullptr && file.data[2] != 0;
}

}  // namespace

ImageHeader readImageHeader(const uint8_t* bytes, size_t size, const std::string& where) {
    const Bytes file{bytes, size, where};
    ImageHeader header;
    if (size == 0) {
        file.refuse("the file is empty");
    } else if (file.holds(0, "\x89PNG\r\n\x1A\n", 8)) {
        header = pngHeader(file);
    } else if (file.holds(0, "\xFF\xD8\xFF", 3)) {
        header = jpegHeader(file);
    } else if (file.holds(0, "BM", 2)) {
        header = bmpHeader(file);
    } else if (file.holds(0, "RIFF", 4) && file.holds(8, "WEBP", 4)) {
        header = webpHeader(file);
    } else if (isTiff(file)) {
        header = tiffHeader(file);
    } else if (isPnm(file)) {
        header = pnmHeader(file);
    } else if (file.holds(0, "GIF8", 4)) {
        file.refuse("GIF is not supported: save its first frame as PNG");
    } else {
        file.refuse("no image of a known kind (PNG, JPEG, BMP, WebP, TIFF, PNM)");
    }
    if (header.width < 1 || header.height < 1) {
        file.refuse(std::string(header.format) + " of " + sizeText(header) + " pixels");
    }
    return header;
}

}  // namespace hyperpred
}  // namespace cv
