// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <array>
#include <vector>

#include "parts.hpp"

namespace cv {
namespace hyperpred {

namespace {

// Numbers of one individual: those of its class, each a few percent larger or smaller.
class Sizes {
public:
    Sizes(Random& kind, Random& individual) : kind_(kind), individual_(individual) {}
    double operator()(double low, double high) {
        return kind_.uniform(low, high) * individual_.uniform(1 - kSpread, 1 + kSpread);
    }
    int count(int low, int high) { return kind_.integer(low, high); }
    bool chance(double probability) { return kind_.chance(probability); }
    Random& individual() { return individual_; }

private:
    static constexpr double kSpread = 0.13;
    Random& kind_;
    Random& individual_;
};

using Outline = std::function<double(double x, double y)>;

// Closed curve r(angle) = mean + sum of two waves, as a distance that is never too large.
Outline wavyOutline(Sizes& size) {
    const int first = size.count(2, 5), second = size.count(3, 9);
    const double a = size(0.06, 0.22), b = size(0.0, 0.1), phase = size(0.5, 3);
    const double mean = 1 - a - b, steepest = (a * first + b * second) / (mean - a - b);
    const double factor = 1 / std::sqrt(1 + steepest * steepest);
    return [=](double x, double y) {
        const double angle = std::atan2(y, x);
        return factor * (length(x, y) - mean - a * std::cos(first * angle) - b * std::cos(second * angle + phase));
    };
}

// Triangle, pentagon, heptagon or octagon with corners more or less rounded; four and six sides are nuts.
Outline polygonOutline(Sizes& size) {
    const int sides = std::array<int, 4>{3, 5, 7, 8}[size_t(size.count(0, 3))];
    const double round = size(0.01, 0.3);
    const double apothem = std::cos(kPi / sides) * (1 - round);
    return [=](double x, double y) { return polygon(x, y, sides, apothem) - 0.5 * round; };
}

// Arms around a hub.
Outline armsOutline(Sizes& size) {
    const int arms = size.count(2, 6);
    const double width = size(0.1, 0.24), hub = size(0.2, 0.5), tip = size(0.0, 0.3);
    return [=](double x, double y) {
        const double a = foldAngle(std::atan2(y, x), arms), r = length(x, y);
        const double u = r * std::cos(a), v = r * std::sin(a);
        const double arm = rectangle(u - 0.45, v, 0.45, width);
        const double head = length(u - 0.95 + 0.8 * tip, v) - 0.8 * tip;
        return 0.9 * unite(blend(arm, r - hub, 0.1), head);
    };
}

// Bars joined to letters: L, T, U, Z, H.
Outline barsOutline(Sizes& size) {
    const int letter = size.count(0, 4);
    const double w = size(0.12, 0.26), h = size(0.55, 0.85), tall = size(0.7, 0.9);
    return [=](double x, double y) {
        const double left = rectangle(x + h - w, y, w, tall), right = rectangle(x - h + w, y, w, tall);
        const double low = rectangle(x, y + tall - w, h, w), high = rectangle(x, y - tall + w, h, w);
        const double middle = rectangle(x, y, w, tall), bar = rectangle(x, y, h, w);
        switch (letter) {
            case 0: return unite(left, low);
            case 1: return unite(middle, high);
            case 2: return unite(unite(left, right), low);
            case 3:
                return unite(unite(low, high),
                             0.7 * (std::abs(x * tall - y * h) - w) + 0.5 * std::max(0.0, std::abs(y) - tall));
            default: return unite(unite(left, right), bar);
        }
    };
}

Outline ovalOutline(Sizes& size) {
    const double half = size(0.25, 0.6), flat = size(0.3, 1.0);
    return [=](double x, double y) {
        return intersect(segment(x, y, half - 1, 0, 1 - half, 0) - half, std::abs(y - 0.1) - flat * half - 0.1);
    };
}

Outline anyOutline(Sizes& size) {
    switch (size.count(0, 4)) {
        case 0: return wavyOutline(size);
        case 1: return polygonOutline(size);
        case 2: return armsOutline(size);
        case 3: return barsOutline(size);
        default: return ovalOutline(size);
    }
}

// Holes to cut: none, a ring of holes, a pair, a slot or a polygon. Never one round hole in the centre, which would
// come near the washers and nuts.
Outline anyHoles(Sizes& size) {
    const int kind = size.count(0, 4), count = size.count(3, 7);
    const double radius = size(0.06, 0.16), at = size(0.3, 0.6), edge = size(0.15, 0.35);
    return [=](double x, double y) {
        switch (kind) {
            case 1: {
                const double a = foldAngle(std::atan2(y, x), count), r = length(x, y);
                return length(r * std::cos(a) - at, r * std::sin(a)) - radius;
            }
            case 2: return length(std::abs(x) - at, y) - 1.3 * radius;
            case 3: return segment(x, y, -at, 0.1, at, 0.1) - 0.8 * radius;
            case 4: return polygon(x, y, count < 5 ? 3 : 5, edge);
            default: return 1.0;
        }
    };
}

Part makePlateSolid(Sizes& size) {
    const Outline outline = anyOutline(size), holes = anyHoles(size);
    const double thickness = size(0.1, 0.6), round = size(0.01, 0.06);
    const bool boss = size.chance(0.4), sunk = size.chance(0.3);
    const double scale = size(0.4, 0.7), rise = size(0.1, 0.4), rim = size(0.1, 0.2);
    Part part;
    part.radius = 1.35;
    part.height = thickness + (boss ? rise : 0);
    part.turned = size.chance(0.3);
    part.distance = [=](const Vec& p) {
        const double flat = outline(p[0], p[1]);
        double body = extrude(flat, std::abs(p[2] - thickness / 2) - thickness / 2, round);
        if (boss) {
            const double top = scale * outline(p[0] / scale, p[1] / scale);
            body = unite(body, extrude(top, std::abs(p[2] - part.height / 2) - part.height / 2, round));
        } else if (sunk) {
            body = cut(body, std::max(flat + rim, 0.6 * thickness - p[2]));
        }
        return 0.8 * cut(body, holes(p[0], p[1]));
    };
    return part;
}

// Turned body of a few steps, standing.
Part makeTurnedSolid(Sizes& size) {
    const int steps = size.count(2, 4), flats = size.count(0, 5);
    std::array<double, 4> radius{}, top{};
    double z = 0;
    for (size_t i = 0; i < size_t(steps); ++i) {
        radius[i] = size(0.25, 1.0);
        z += size(0.1, 0.5);
        top[i] = z;
    }
    radius[size_t(size.count(0, steps - 1))] = 1;
    const bool cone = size.chance(0.3), dome = size.chance(0.3), crossHole = size.chance(0.3);
    const double well = size(0.1, 0.5), depth = size(0.1, 0.5), cross = size(0.08, 0.15);
    Part part;
    part.radius = 1.2;
    part.height = z;
    part.turned = true;
    part.distance = [=](const Vec& p) {
        const double r = length(p[0], p[1]);
        double body = 10;
        for (size_t i = 0; i < size_t(steps); ++i) {
            const double low = i == 0 ? 0 : top[i - 1] - 0.05;
            double outer = r;
            if (flats >= 3 && i == 0) outer = polygon(p[0], p[1], flats + (flats == 4 ? 4 : 0), 1) + 0;
            const double wider = cone ? 0.35 * (p[2] - low) : 0;
            body = unite(body, 0.9 * cylinder(outer + wider, p[2], radius[i], low, top[i], 0.02));
        }
        if (dome) body = unite(body, length(Vec(p[0], p[1], (p[2] - z + 0.3))) - 0.3);
        if (!dome) body = cut(body, std::max(r - well * radius[size_t(steps - 1)], z - depth - p[2]));
        if (crossHole) body = cut(body, length(p[1], p[2] - 0.5 * top[0]) - cross);
        return 0.8 * intersect(body, -p[2]);
    };
    return part;
}

// A lying shaft of several diameters, round or with sides, smooth or with rings.
Part makeShaftSolid(Sizes& size) {
    const int pieces = size.count(2, 5), sides = size.count(0, 6), rings = size.count(0, 9);
    std::array<double, 5> radius{};
    double widest = 0;
    for (size_t i = 0; i < size_t(pieces); ++i) {
        radius[i] = size(0.07, 0.42);
        widest = std::max(widest, radius[i]);
    }
    const double fork = size(0.05, 0.12), eye = size(0.08, 0.2);
    const bool forked = size.chance(0.25), eyed = size.chance(0.25), bent = size.chance(0.2);
    const double bend = size(0.2, 0.5);
    Part part;
    part.radius = 1.4;
    part.height = 2 * widest;
    part.distance = [=](const Vec& p) {
        const double y = bent ? p[1] - bend * (p[0] * p[0] - 0.4) : p[1], q = p[2] - widest;
        const double r = sides >= 3 ? polygon(y, q, sides, 1) + 1 : length(y, q);
        double body = 10;
        for (size_t i = 0; i < size_t(pieces); ++i) {
            const double low = -1 + 2 * double(i) / pieces, high = -1 + 2 * double(i + 1) / pieces;
            const double groove = rings > 2 && i % 2 == 0 ? 0.03 * (1 + std::cos(2 * kPi * rings * p[0])) : 0;
            body = unite(body, 0.8 * cylinder(r + groove, p[0], radius[i], low, high, 0.02));
        }
        if (forked) body = cut(body, std::max(std::abs(y) - fork, 0.6 - p[0]));
        if (eyed) body = cut(body, length(p[0] + 0.8, y) - std::min(eye, 0.8 * radius[0]));
        return (bent ? 0.6 : 0.8) * body;
    };
    return part;
}

// Bent wire or tube along a polyline of the class.
Part makeWireSolid(Sizes& size) {
    const int points = size.count(4, 7), shape = size.count(0, 2);
    std::vector<std::array<double, 2>> path;
    for (int i = 0; i < points; ++i) {
        const double along = -0.95 + 1.9 * i / (points - 1), angle = 2 * kPi * i / points;
        if (shape == 0) path.push_back({along, (i % 2 ? 1 : -1) * size(0.15, 0.7)});
        if (shape == 1) path.push_back({size(0.4, 1.0) * std::cos(angle), size(0.4, 1.0) * std::sin(angle)});
        if (shape == 2)
            path.push_back({(0.3 + 0.65 * i / points) * std::cos(2 * angle), size(0.2, 0.9) * std::sin(2 * angle)});
    }
    const double wire = size(0.05, 0.15), flat = size(0.5, 1.2);
    const bool knobs = size.chance(0.35);
    const double knob = wire * size(1.3, 2);
    Part part;
    part.radius = 1.4;
    part.height = 2 * (knobs ? knob : wire);
    part.distance = [=](const Vec& p) {
        double line = 10;
        for (size_t i = 1; i < path.size(); ++i) {
            line = unite(line, segment(p[0], p[1], path[i - 1][0], path[i - 1][1], path[i][0], path[i][1]));
        }
        const double z = p[2] - part.height / 2;
        double body = flat < 0.75 ? extrude(line - wire, std::abs(z) - 0.6 * wire, 0.01) : length(line, z) - wire;
        if (knobs) {
            body = unite(body, length(Vec(p[0] - path.front()[0], p[1] - path.front()[1], z)) - knob);
            body = unite(body, length(Vec(p[0] - path.back()[0], p[1] - path.back()[1], z)) - knob);
        }
        return 0.85 * body;
    };
    return part;
}

// Blocks and posts on a base.
Part makeBlockSolid(Sizes& size) {
    struct Block {
        Vec at, half;
        bool round;
    };
    const int count = size.count(1, 4);
    const Vec base(size(0.5, 0.95), size(0.3, 0.7), size(0.05, 0.2));
    std::vector<Block> blocks;
    double height = 2 * base[2];
    for (int i = 0; i < count; ++i) {
        Block block;
        block.half = Vec(size(0.08, 0.35), size(0.08, 0.4), size(0.1, 0.4));
        const double side = size.chance(0.5) ? 1 : -1, other = size.chance(0.5) ? 1 : -1;
        block.at = Vec(side * size(0, 0.6), other * size(0, 0.4), block.half[2]);
        block.round = size.chance(0.5);
        height = std::max(height, 2 * block.half[2]);
        blocks.push_back(block);
    }
    const Outline holes = anyHoles(size);
    Part part;
    part.radius = 1.5;
    part.height = height;
    part.distance = [=](const Vec& p) {
        double body = cut(box(p - Vec(0, 0, base[2]), base, 0.02), holes(p[0], p[1]));
        for (const Block& block : blocks) {
            const Vec q = p - block.at;
            body = unite(body, block.round
                                   ? extrude(length(q[0], q[1]) - block.half[0], std::abs(q[2]) - block.half[2], 0.02)
                                   : box(q, block.half, 0.02));
        }
        return 0.9 * body;
    };
    return part;
}

}  // namespace

Part makeSolid(int kind, Random& random) {
    Random recipe(mixBits(uint64_t(kind) * 7919 + 20261124));
    Sizes size(recipe, random);
    switch (kind % 5) {
        case 0: return makePlateSolid(size);
        case 1: return makeTurnedSolid(size);
        case 2: return makeShaftSolid(size);
        case 3: return makeWireSolid(size);
        default: return makeBlockSolid(size);
    }
}

}  // namespace hyperpred
}  // namespace cv
