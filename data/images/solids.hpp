// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_IMAGES_SOLIDS_HPP
#define HYPERPRED_IMAGES_SOLIDS_HPP

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>

namespace cv {
namespace hyperpred {

// Signed distances (negative inside) to simple solids, from which the parts are cut and joined by min and max. Where
// a distance is not exact it is too small, so that a ray that steps by it never jumps through a wall.
using Vec = cv::Vec3d;

const double kPi = 3.14159265358979323846;

inline double clamp01(double x) {
    return std::min(1.0, std::max(0.0, x));
}
inline double mix(double a, double b, double share) {
    return a + (b - a) * share;
}
inline double smoothStep(double low, double high, double x) {
    const double t = clamp01((x - low) / (high - low));
    return t * t * (3 - 2 * t);
}
inline double length(double x, double y) {
    return std::sqrt(x * x + y * y);
}
inline double length(const Vec& v) {
    return std::sqrt(v.dot(v));
}
inline Vec unit(const Vec& v) {
    return v * (1 / length(v));
}

inline double unite(double a, double b) {
    return std::min(a, b);
}
inline double intersect(double a, double b) {
    return std::max(a, b);
}
inline double cut(double a, double b) {
    return std::max(a, -b);
}
// Union with a fillet of about `r`.
inline double blend(double a, double b, double r) {
    const double h = std::max(r - std::abs(a - b), 0.0) / r;
    return std::min(a, b) - h * h * r / 4;
}

// From a distance within a plane and one across it (|z| - half height): a prism with its edges rounded by `round`.
inline double extrude(double flat, double across, double round = 0) {
    const double a = flat + round, b = across + round;
    return std::min(std::max(a, b), 0.0) + length(std::max(a, 0.0), std::max(b, 0.0)) - round;
}
// A disc or cylinder about z from `low` to `high`.
inline double cylinder(double r, double z, double radius, double low, double high, double round = 0) {
    return extrude(r - radius, std::abs(z - (low + high) / 2) - (high - low) / 2, round);
}
inline double rectangle(double x, double y, double halfX, double halfY) {
    const double a = std::abs(x) - halfX, b = std::abs(y) - halfY;
    return std::min(std::max(a, b), 0.0) + length(std::max(a, 0.0), std::max(b, 0.0));
}
inline double box(const Vec& p, const Vec& half, double round = 0) {
    return extrude(rectangle(p[0], p[1], half[0] - round, half[1] - round) - round, std::abs(p[2]) - half[2], round);
}
// Distance from (x, y) to the segment a - b.
inline double segment(double x, double y, double ax, double ay, double bx, double by) {
    const double dx = bx - ax, dy = by - ay;
    const double t = clamp01(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy));
    return length(x - ax - t * dx, y - ay - t * dy);
}
// Angle folded into -pi/n .. pi/n: one tooth, hole or side stands for all n.
inline double foldAngle(double angle, int n) {
    const double sector = 2 * kPi / n;
    return angle - sector * std::floor(angle / sector + 0.5);
}
// Regular polygon of n sides with the given distance from centre to side, one side facing +x.
inline double polygon(double x, double y, int n, double apothem) {
    return length(x, y) * std::cos(foldAngle(std::atan2(y, x), n)) - apothem;
}
// Helical ridge in 0..1: triangular profile with a flattened crest, one turn every `pitch`.
inline double threadRidge(double along, double angle, double pitch) {
    const double turn = along / pitch + angle / (2 * kPi);
    const double triangle = 2 * std::abs(turn - std::floor(turn) - 0.5);
    return clamp01(1.3 * triangle - 0.15);
}

}  // namespace hyperpred
}  // namespace cv

#endif
