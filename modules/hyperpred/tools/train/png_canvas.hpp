// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_PNG_CANVAS_HPP
#define HYPERPRED_TRAIN_PNG_CANVAS_HPP

#include <cstdint>
#include <string>
#include <vector>

namespace cv {
namespace hyperpred {

// Colours of the canvas; First and the following are those of curves.
enum class Ink { Paper, Dark, Faint, First };
const int kCurveInks = 8;

// A picture of lines and text, written as a PNG file with 16 colours and stored (uncompressed) data, so that the
// trainer needs neither libpng nor OpenCV.
class PngCanvas {
public:
    PngCanvas(int width, int height);
    void line(int x0, int y0, int x1, int y1, Ink ink);
    void dot(int x, int y, Ink ink);                            // 3 x 3
    void text(int x, int y, const std::string& text, Ink ink);  // upper left corner; 10 rows high, capitals only
    static int textWidth(const std::string& text);
    Ink at(int x, int y) const;
    void write(const std::string& path) const;

private:
    void set(int x, int y, Ink ink);

    int width_, height_;
    std::vector<uint8_t> pixels_;
};

}  // namespace hyperpred
}  // namespace cv

#endif
