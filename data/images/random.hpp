// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_IMAGES_RANDOM_HPP
#define HYPERPRED_IMAGES_RANDOM_HPP

#include <cmath>
#include <cstdint>

namespace cv {
namespace hyperpred {

// One step of splitmix64: a bijection that mixes all bits. The distributions of <random> differ among standard
// libraries, so everything random about the pictures comes from this.
inline uint64_t mixBits(uint64_t x) {
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

inline double unitFromBits(uint64_t bits) {
    return double(bits >> 11) * 0x1p-53;
}

class Random {
public:
    explicit Random(uint64_t seed) : state_(mixBits(seed)) {}

    uint64_t bits() {
        state_ += 0x9e3779b97f4a7c15ULL;
        return mixBits(state_);
    }
    double uniform(double low, double high) { return low + (high - low) * unitFromBits(bits()); }
    bool chance(double probability) { return unitFromBits(bits()) < probability; }
    int below(int count) { return int(unitFromBits(bits()) * count); }
    int integer(int low, int high) { return low + below(high - low + 1); }  // both ends included
    // Sum of four uniforms, scaled to deviation 1: near enough to a Gaussian, and without a logarithm.
    double normal() {
        double sum = 0;
        for (int i = 0; i < 4; ++i) sum += uniform(-1, 1);
        return sum * 0.8660254037844386;
    }

private:
    uint64_t state_;
};

// Smooth noise in 0..1 with one independent value at each integer point of the plane.
inline double latticeValue(int64_t x, int64_t y, uint64_t seed) {
    return unitFromBits(mixBits(mixBits(uint64_t(x) * 0x632be59bd9b4e019ULL + seed) ^ uint64_t(y)));
}
inline double noise(double x, double y, uint64_t seed) {
    const double fx = std::floor(x), fy = std::floor(y);
    const int64_t ix = int64_t(fx), iy = int64_t(fy);
    const double dx = x - fx, dy = y - fy;
    const double u = dx * dx * (3 - 2 * dx), v = dy * dy * (3 - 2 * dy);
    const double top = latticeValue(ix, iy, seed) * (1 - u) + latticeValue(ix + 1, iy, seed) * u;
    const double bottom = latticeValue(ix, iy + 1, seed) * (1 - u) + latticeValue(ix + 1, iy + 1, seed) * u;
    return top * (1 - v) + bottom * v;
}
// Four octaves of it, still 0..1.
inline double cloud(double x, double y, uint64_t seed) {
    double sum = 0, weight = 0.5;
    for (uint64_t octave = 0; octave < 4; ++octave) {
        sum += weight * noise(x, y, seed + octave);
        x = 2 * x + 17.3;
        y = 2 * y + 31.7;
        weight *= 0.5;
    }
    return sum / 0.9375;
}

}  // namespace hyperpred
}  // namespace cv

#endif
