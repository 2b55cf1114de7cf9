// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "png_canvas.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <map>
#include <ostream>

#include "atomic_file.hpp"

namespace cv {
namespace hyperpred {

namespace {

// 3 x 5 letters; each octal digit is a row, its bits the pixels from left to right.
const char* glyph(char letter) {
    static const std::map<char, const char*> glyphs = {
        {'0', "75557"}, {'1', "26227"}, {'2', "71747"}, {'3', "71717"}, {'4', "55711"}, {'5', "74717"}, {'6', "74757"},
        {'7', "71122"}, {'8', "75757"}, {'9', "75717"}, {'A', "25755"}, {'B', "65656"}, {'C', "34443"}, {'D', "65556"},
        {'E', "74647"}, {'F', "74644"}, {'G', "34553"}, {'H', "55755"}, {'I', "72227"}, {'J', "11152"}, {'K', "55655"},
        {'L', "44447"}, {'M', "57755"}, {'N', "65555"}, {'O', "25552"}, {'P', "65644"}, {'Q', "25563"}, {'R', "65655"},
        {'S', "34216"}, {'T', "72222"}, {'U', "55557"}, {'V', "55552"}, {'W', "55775"}, {'X', "55255"}, {'Y', "55222"},
        {'Z', "71247"}, {'.', "00002"}, {',', "00024"}, {'-', "00700"}, {'_', "00007"}, {'/', "11244"}, {'%', "51245"},
        {'+', "02720"}, {':', "02020"}, {'(', "24442"}, {')', "21112"}, {' ', "00000"}};
    const auto found = glyphs.find(char(std::toupper(static_cast<unsigned char>(letter))));
    return found == glyphs.end() ? "77777" : found->second;
}

const int kScale = 2, kLetterWidth = 4 * kScale;

const uint8_t kPalette[16][3] = {{255, 255, 255}, {40, 40, 40},   {222, 222, 222}, {31, 90, 180},
                                 {214, 80, 20},   {40, 140, 60},  {180, 40, 50},   {120, 80, 170},
                                 {120, 85, 70},   {20, 150, 170}, {190, 150, 20},  {0, 0, 0},
                                 {0, 0, 0},       {0, 0, 0},      {0, 0, 0},       {0, 0, 0}};

void putBig(std::string& out, uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) out += char(uint8_t(value >> shift));
}

uint32_t crcOf(const std::string& bytes) {
    uint32_t crc = 0xffffffffu;
    for (const char c : bytes) {
        crc ^= uint8_t(c);
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320u : 0u);
    }
    return ~crc;
}

void putChunk(std::string& png, const std::string& kind, const std::string& data) {
    putBig(png, uint32_t(data.size()));
    png += kind + data;
    putBig(png, crcOf(kind + data));
}

// zlib with stored blocks (RFC 1950, RFC 1951 section 3.2.4).
std::string zlibStored(const std::string& data) {
    const size_t longest = 65535;
    std::string out = "\x78\x01";
    uint32_t a = 1, b = 0;
    for (size_t begin = 0; begin < data.size(); begin += longest) {
        const size_t length = std::min(longest, data.size() - begin);
        out += char(begin + length == data.size());
        for (const size_t word : {length, ~length}) {
            out += char(uint8_t(word));
            out += char(uint8_t(word >> 8));
        }
        out.append(data, begin, length);
    }
    for (const char c : data) {
        a = (a + uint8_t(c)) % 65521;
        b = (b + a) % 65521;
    }
    putBig(out, (b << 16) | a);
    return out;
}

}  // namespace

PngCanvas::PngCanvas(int width, int height)
    : width_(width), height_(height), pixels_(size_t(width) * size_t(height), uint8_t(Ink::Paper)) {}

void PngCanvas::set(int x, int y, Ink ink) {
    if (x < 0 || y < 0 || x >= width_ || y >= height_) return;
    pixels_[size_t(y) * size_t(width_) + size_t(x)] = uint8_t(ink);
}

Ink PngCanvas::at(int x, int y) const {
    return static_cast<Ink>(pixels_[size_t(y) * size_t(width_) + size_t(x)]);
}

void PngCanvas::line(int x0, int y0, int x1, int y1, Ink ink) {
    const int steps = std::max({std::abs(x1 - x0), std::abs(y1 - y0), 1});
    for (int i = 0; i <= steps; ++i) {
        set(x0 + int(int64_t(x1 - x0) * i / steps), y0 + int(int64_t(y1 - y0) * i / steps), ink);
    }
}

void PngCanvas::dot(int x, int y, Ink ink) {
    for (int row = -1; row <= 1; ++row) line(x - 1, y + row, x + 1, y + row, ink);
}

void PngCanvas::text(int x, int y, const std::string& text, Ink ink) {
    for (size_t i = 0; i < text.size(); ++i) {
        const char* rows = glyph(text[i]);
        for (int p = 0; p < 15 * kScale * kScale; ++p) {
            const int column = p % (3 * kScale), row = p / (3 * kScale);
            const bool on = ((rows[row / kScale] - '0') >> (2 - column / kScale) & 1) != 0;
            if (on) set(x + int(i) * kLetterWidth + column, y + row, ink);
        }
    }
}

int PngCanvas::textWidth(const std::string& text) {
    return int(text.size()) * kLetterWidth;
}

void PngCanvas::write(const std::string& path) const {
    std::string rows;
    for (int y = 0; y < height_; ++y) {
        rows += '\0';  // no filter
        for (int x = 0; x < width_; x += 2) {
            const int right = x + 1 < width_ ? int(at(x + 1, y)) : 0;
            rows += char(uint8_t(int(at(x, y)) << 4 | right));
        }
    }
    std::string header, palette, png = "\x89PNG\r\n\x1a\n";
    putBig(header, uint32_t(width_));
    putBig(header, uint32_t(height_));
    header += std::string("\x04\x03\x00\x00\x00", 5);  // 4 bits, palette, no interlacing
    for (const auto& colour : kPalette) palette.append(reinterpret_cast<const char*>(colour), 3);
    putChunk(png, "IHDR", header);
    putChunk(png, "PLTE", palette);
    putChunk(png, "IDAT", zlibStored(rows));
    putChunk(png, "IEND", "");
    writeAtomically(path, [&](std::ostream& out) { out.write(png.data(), std::streamsize(png.size())); });
}

}  // namespace hyperpred
}  // namespace cv
