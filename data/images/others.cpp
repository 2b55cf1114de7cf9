// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <array>

#include "parts.hpp"

namespace cv {
namespace hyperpred {

namespace {

double flatPlate(double outline, double z, double thickness) {
    return extrude(outline, std::abs(z - thickness / 2) - thickness / 2, 0.015);
}

Part makeKey(Random& random) {
    const double bow = random.uniform(0.3, 0.42), thickness = random.uniform(0.08, 0.13);
    const double eye = bow * random.uniform(0.25, 0.5), blade = random.uniform(0.12, 0.17);
    const bool square = random.chance(0.4);
    std::array<double, 6> bits;
    for (double& bit : bits) bit = random.uniform(0, 0.75) * blade;
    Part part;
    part.radius = 1.05;
    part.height = thickness;
    part.distance = [=](const Vec& p) {
        const double x = p[0] + 1 - bow;
        double outline = square ? rectangle(x, p[1], 0.8 * bow, 0.8 * bow) - 0.2 * bow : length(x, p[1]) - bow;
        double rod = rectangle(p[0] - 0.3, p[1], 0.7, blade);
        for (size_t i = 0; i < bits.size(); ++i) {
            rod = cut(rod, rectangle(p[0] - 0.2 - 0.13 * double(i), p[1] - blade, 0.05, bits[i]));
        }
        outline = cut(blend(outline, rod, 0.05), length(x + 0.35 * bow, p[1]) - eye);
        const double groove = rectangle(p[0] - 0.3, p[1] + 0.25 * blade, 0.75, 0.02);
        return 0.9 * cut(flatPlate(outline, p[2], thickness), std::max(groove, 0.7 * thickness - p[2]));
    };
    return part;
}

Part makeCotterPin(Random& random) {
    const double wire = random.uniform(0.055, 0.08), eye = random.uniform(0.17, 0.25);
    const double spread = random.uniform(0.0, 0.3), shorter = random.uniform(0.05, 0.35);
    Part part;
    part.radius = 1.05;
    part.height = 2.2 * wire;
    part.distance = [=](const Vec& p) {
        const double x = p[0] + 0.95 - eye, z = p[2] - 1.1 * wire;
        const double ring = length(length(x, p[1]) - eye, z) - wire;
        const double neck = -0.95 + 2 * eye;
        const double upper = length(segment(p[0], p[1], neck, wire, 0.95, wire + spread), z) - wire;
        const double lower = length(segment(p[0], p[1], neck, -wire, 0.95 - shorter, -wire - 0.3 * spread), z) - wire;
        return 0.95 * unite(ring, unite(upper, lower));
    };
    return part;
}

Part makePaperClip(Random& random) {
    const double wire = random.uniform(0.035, 0.05), w = random.uniform(0.2, 0.26);
    Part part;
    part.radius = 1.05;
    part.height = 2 * wire;
    part.distance = [=](const Vec& p) {
        // Straight runs, and half circles at the ends.
        const auto bend = [&](double cx, double cy, double radius, double side) {
            const double dx = (p[0] - cx) * side, dy = p[1] - cy;
            return dx > 0 ? std::abs(length(dx, dy) - radius) : length(dx, std::abs(dy) - radius);
        };
        double line = segment(p[0], p[1], -0.55, w, 0.65, w);
        line = unite(line, bend(0.65, 0, w, 1));
        line = unite(line, segment(p[0], p[1], 0.65, -w, -0.72, -w));
        line = unite(line, bend(-0.72, -0.03, w - 0.03, -1));
        line = unite(line, segment(p[0], p[1], -0.72, w - 0.06, 0.45, w - 0.06));
        line = unite(line, bend(0.45, 0.03, w - 0.09, 1));
        line = unite(line, segment(p[0], p[1], 0.45, 0.12 - w, -0.5, 0.12 - w));
        return 0.95 * (length(line, p[2] - wire) - wire);
    };
    return part;
}

Part makeCoin(Random& random) {
    const double thickness = random.uniform(0.08, 0.14);
    const uint64_t seed = random.bits();
    Part part;
    part.height = thickness;
    part.distance = [=](const Vec& p) {
        const double r = length(p[0], p[1]);
        const double relief = 0.05 * smoothStep(0.45, 0.6, cloud(4 * p[0], 4 * p[1], seed)) * double(r < 0.72);
        const double sunk = r < 0.86 ? 0.035 : 0;
        return 0.6 * cylinder(r, p[2], 1, 0, thickness - sunk + std::min(relief, sunk), 0.01);
    };
    return part;
}

Part makeBracket(Random& random) {
    const double width = random.uniform(0.35, 0.6), wall = random.uniform(0.06, 0.1);
    const double rise = random.uniform(0.5, 0.9), hole = random.uniform(0.1, 0.17);
    Part part;
    part.radius = 1.1;
    part.height = rise;
    part.distance = [=](const Vec& p) {
        double base = box(p - Vec(0.05, 0, wall), {0.8, width, wall}, 0.02);
        base = cut(base, std::min(length(p[0] - 0.5, p[1]), length(p[0] - 0.05, p[1])) - hole);
        double back = box(p - Vec(-0.75, 0, rise / 2), {wall, width, rise / 2}, 0.02);
        back = cut(back, length(p[2] - 0.6 * rise, p[1]) - hole);
        return 0.95 * blend(base, back, 0.08);
    };
    return part;
}

// Plates with holes, and washers of other outlines: star, clover, D, oval.
Part makePlate(Random& random) {
    const int outline = random.below(4), lobes = random.integer(3, 8);
    const double thickness = random.uniform(0.08, 0.2), hole = random.uniform(0.2, 0.4);
    Part part;
    part.height = thickness;
    part.distance = [=](const Vec& p) {
        const double r = length(p[0], p[1]), side = foldAngle(std::atan2(p[1], p[0]), lobes);
        double flat = 0, bore = r - hole;
        if (outline == 0) flat = r - (0.8 + 0.2 * std::cos(lobes * side));
        if (outline == 1) flat = intersect(r - 1, std::abs(p[0] - 0.3) - 0.8);
        if (outline == 2) {
            flat = rectangle(p[0], p[1], 0.45, 0.0) - 0.5;
            bore = length(std::abs(p[0]) - 0.45, p[1]) - 0.6 * hole;
        }
        if (outline == 3) {
            const double corner = foldAngle(std::atan2(p[1], p[0]) + kPi / 3, 3);
            flat = polygon(p[0], p[1], 3, 0.48);
            bore = length(r * std::cos(corner) - 0.5, r * std::sin(corner)) - 0.4 * hole;
            bore = std::min(bore, r - 0.4 * hole);
        }
        return 0.6 * flatPlate(cut(flat, bore), p[2], thickness);
    };
    return part;
}

Part makeRetainingClip(Random& random) {
    const double thickness = random.uniform(0.07, 0.12), inner = random.uniform(0.6, 0.7);
    const double open = random.uniform(0.35, 0.6);
    Part part;
    part.height = thickness;
    part.distance = [=](const Vec& p) {
        const double r = length(p[0], p[1]), angle = std::atan2(p[1], p[0]);
        double flat = intersect(r - 1, inner - r);
        const double tooth = rectangle(r - 0.55, foldAngle(angle + kPi / 3, 3) * r, 0.2, 0.14);
        flat = unite(flat, intersect(tooth, r - 0.9));
        flat = cut(flat, intersect(std::abs(p[1]) - open, p[0]));
        return 0.8 * flatPlate(flat, p[2], thickness);
    };
    return part;
}

Part makeBrick(Random& random) {
    const int along = random.integer(1, 2), across = random.integer(1, 2);
    const double unitEdge = 0.8 / std::max(along, across), height = unitEdge * random.uniform(0.5, 1.1);
    Part part;
    part.radius = 1.15;
    part.height = height + 0.35 * unitEdge;
    part.distance = [=](const Vec& p) {
        const double body = box(p - Vec(0, 0, height / 2), {unitEdge * along, unitEdge * across, height / 2}, 0.02);
        const auto cell = [&](double x, int count) { return std::abs(x) - (count == 1 ? 0.0 : unitEdge); };
        const double r = length(cell(p[0], along), cell(p[1], across));
        return 0.95 * unite(body, cylinder(r, p[2], 0.55 * unitEdge, 0, height + 0.35 * unitEdge, 0.02));
    };
    return part;
}

Part makeButton(Random& random) {
    const int holes = random.chance(0.6) ? 4 : 2;
    const double thickness = random.uniform(0.15, 0.25), dish = random.uniform(0.6, 0.75);
    Part part;
    part.height = thickness;
    part.distance = [=](const Vec& p) {
        const double r = length(p[0], p[1]), side = foldAngle(std::atan2(p[1], p[0]), holes);
        double body = cylinder(r, p[2], 1, 0, thickness, 0.06);
        body = cut(body, length(Vec(p[0], p[1], p[2] - thickness - 1.6)) - length(dish, 1.6));
        return 0.85 * cut(body, length(r * std::cos(side) - 0.28, r * std::sin(side)) - 0.11);
    };
    return part;
}

Part makeBalls(Random& random) {
    const int count = random.integer(1, 4);
    std::array<Vec, 4> centres;
    for (int i = 0; i < 4; ++i) {
        const double angle = 2 * kPi * i / count + random.uniform(-0.3, 0.3), size = random.uniform(0.22, 0.34);
        const double away = count == 1 ? 0 : 0.65;
        centres[size_t(i)] = {away * std::cos(angle), away * std::sin(angle), count == 1 ? 2 * size : size};
    }
    Part part;
    part.height = count == 1 ? 1.4 : 0.7;
    part.distance = [=](const Vec& p) {
        double nearest = 10;
        for (size_t i = 0; i < size_t(count); ++i) {
            nearest = std::min(nearest, length(p - centres[i]) - centres[i][2]);
        }
        return nearest;
    };
    return part;
}

// Links of a chain.
Part makeChain(Random& random) {
    const int links = random.integer(2, 4);
    const double wire = random.uniform(0.05, 0.075), half = 0.9 / links, wide = random.uniform(0.2, 0.26);
    Part part;
    part.radius = 1.15;
    part.height = 2 * wide + 2 * wire;
    part.distance = [=](const Vec& p) {
        double nearest = 10;
        for (int i = 0; i < links; ++i) {
            const double x = p[0] + 0.9 - half - 1.8 * i / links;
            const double reach = half * 1.25 - wide * 0.6;
            // Every second link stands upright.
            const double y = i % 2 ? p[2] - wide - wire : p[1], z = i % 2 ? p[1] : p[2] - wide - wire;
            const double loop = std::abs(length(std::max(std::abs(x) - reach, 0.0), y) - wide * 0.8);
            nearest = std::min(nearest, length(loop, z) - wire);
        }
        return 0.95 * nearest;
    };
    return part;
}

// Loose chips, swarf and grit.
Part makeClutter(Random& random) {
    struct Chip {
        Vec centre, half;
        double cosine = 1, sine = 0;
    };
    std::array<Chip, 12> chips;
    for (Chip& chip : chips) {
        const double angle = random.uniform(0, 2 * kPi), away = random.uniform(0, 0.9), turn = random.uniform(0, kPi);
        chip.half = {random.uniform(0.06, 0.3), random.uniform(0.04, 0.12), random.uniform(0.03, 0.12)};
        chip.centre = {away * std::cos(angle), away * std::sin(angle), chip.half[2]};
        chip.cosine = std::cos(turn);
        chip.sine = std::sin(turn);
    }
    Part part;
    part.radius = 1.2;
    part.height = 0.25;
    part.distance = [=](const Vec& p) {
        double nearest = 10;
        for (const Chip& chip : chips) {
            const Vec d = p - chip.centre;
            const Vec turned(chip.cosine * d[0] + chip.sine * d[1], chip.cosine * d[1] - chip.sine * d[0], d[2]);
            nearest = std::min(nearest, box(turned, chip.half, 0.02));
        }
        return 0.95 * nearest;
    };
    return part;
}

Part makeNothing(Random&) {
    return Part();
}

}  // namespace

Part makeOther(int kind, Random& random) {
    using Maker = Part (*)(Random&);
    static const std::array<Maker, kOtherKinds> makers = {
        makeKey,   makeCotterPin, makePaperClip, makeCoin,  makeBracket, makePlate,  makeRetainingClip,
        makeBrick, makeButton,    makeBalls,     makeChain, makeClutter, makeNothing};
    return makers.at(size_t(kind))(random);
}

}  // namespace hyperpred
}  // namespace cv
