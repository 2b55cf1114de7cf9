// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "parts.hpp"

#include <map>
#include <stdexcept>

namespace cv {
namespace hyperpred {

namespace {

Part makePlainWasher(Random& random) {
    const double hole = random.uniform(0.32, 0.62), thickness = random.uniform(0.07, 0.2);
    const double edge = std::min(0.4 * thickness, random.uniform(0.01, 0.07));
    Part part;
    part.height = thickness;
    part.turned = true;
    part.distance = [=](const Vec& p) {
        const double r = length(p[0], p[1]), half = (1 - hole) / 2;
        return extrude(std::abs(r - 1 + half) - half, std::abs(p[2] - thickness / 2) - thickness / 2, edge);
    };
    return part;
}

// Split spring washer: a ring of rectangular section that climbs by `lift` from one end to the other.
Part makeLockWasher(Random& random) {
    const double hole = random.uniform(0.52, 0.7), thickness = random.uniform(0.15, 0.26);
    const double lift = random.uniform(0.04, 0.4), gap = random.uniform(0.13, 0.22), slant = random.uniform(-0.6, 0.9);
    const double edge = random.uniform(0.015, 0.05);
    Part part;
    part.height = thickness + lift;
    part.turned = true;
    part.distance = [=](const Vec& p) {
        const double r = length(p[0], p[1]), half = (1 - hole) / 2;
        // The gap is at angle +-pi, slanted; height jumps in the middle of it, where there is no metal.
        const double y = p[1] + slant * (p[0] + (1 + hole) / 2) * smoothStep(0, 0.3, -p[0]);
        const double middle = thickness / 2 + lift * (std::atan2(y, p[0]) + kPi) / (2 * kPi);
        const double ring = extrude(std::abs(r - 1 + half) - half, std::abs(p[2] - middle) - thickness / 2, edge);
        const double slit = std::max(std::abs(y) - gap / 2, p[0]) / (1 + 0.4 * std::abs(slant));
        return 0.75 * cut(ring, slit);
    };
    return part;
}

// Bore with an inner thread and a chamfer on both faces, to be cut from a nut of this height.
double threadedBore(const Vec& p, double bore, double height, double pitch) {
    const double r = length(p[0], p[1]);
    const double thread = r - bore - 0.05 * threadRidge(p[2], std::atan2(p[1], p[0]), pitch);
    const double depth = std::min(p[2], height - p[2]);
    return std::min(0.8 * thread, 0.7 * (r - bore - 0.11 + depth));
}

Part makeNut(Random& random, int sides, double lowest, double highest) {
    const double apothem = std::cos(kPi / sides), bore = apothem * random.uniform(0.5, 0.68);
    const double height = random.uniform(lowest, highest), pitch = random.uniform(0.12, 0.17);
    const bool both = random.chance(0.5);
    // The turned chamfer that rounds the corners of a nut; a square nut may have none.
    const bool chamfer = sides == 6 || random.chance(0.6);
    const double bevel = random.uniform(0.9, 0.99) * mix(apothem, 1, 0.35);
    const double flange = sides == 6 && random.chance(0.12) ? random.uniform(0.08, 0.14) : 0;
    const double shrink = flange > 0 ? 0.8 : 1;
    Part part;
    part.height = height;
    part.distance = [=](const Vec& p) {
        const double r = length(p[0], p[1]);
        double body =
            extrude(polygon(p[0], p[1], sides, apothem * shrink), std::abs(p[2] - height / 2) - height / 2, 0.02);
        const double depth = both ? std::min(p[2], height - p[2]) : height - p[2];
        if (chamfer) body = intersect(body, 0.86 * (r - bevel * shrink - 1.7 * depth));
        if (flange > 0) body = unite(body, cylinder(r, p[2], 1, 0, flange, 0.03));
        return 0.9 * cut(body, threadedBore(p, bore * shrink, height, pitch));
    };
    return part;
}

Part makeHexNut(Random& random) {
    return makeNut(random, 6, 0.35, 0.8);
}
Part makeSquareNut(Random& random) {
    return makeNut(random, 4, 0.25, 0.6);
}

// A long part made along +x from x = -1 (head) to x = +1, around its own axis, laid down so that the wider head and
// the tip both touch the table.
struct Lying {
    double headRadius = 0, tipRadius = 0, roll = 0;

    // Into the part's own frame: axis along x, rolled about it.
    Vec operator()(const Vec& p) const {
        const double slope = (headRadius - tipRadius) / 1.9, norm = std::sqrt(1 + slope * slope);
        const double z = p[2] - (headRadius + tipRadius) / 2;
        const double along = (p[0] - slope * z) / norm, up = (z + slope * p[0]) / norm;
        const double c = std::cos(roll), s = std::sin(roll);
        return {along, c * p[1] - s * up, s * p[1] + c * up};
    }
};

Part makeBolt(Random& random) {
    const double shank = random.uniform(0.15, 0.22), across = shank * random.uniform(1.55, 1.8);
    const double head = shank * random.uniform(1.1, 1.5), pitch = shank * random.uniform(0.62, 0.85);
    const double threadStart = -1 + head + random.uniform(0.0, 0.75);
    const bool flange = random.chance(0.3);
    Lying lying;
    lying.headRadius = across;
    lying.tipRadius = shank;
    lying.roll = kPi / 6 + random.uniform(-0.12, 0.12) + kPi / 3 * random.below(2);
    Part part;
    part.radius = 1.08;
    part.height = 2.4 * across;
    part.distance = [=](const Vec& world) {
        const Vec p = lying(world);
        const double r = length(p[1], p[2]), x = p[0];
        double top = extrude(polygon(p[1], p[2], 6, across), std::abs(x + 1 - head / 2) - head / 2, 0.015);
        top = intersect(top, 0.86 * (r - across * 1.06 - 1.7 * (x + 1)));
        if (flange) top = unite(top, cylinder(r, x, across * 1.22, -1 + 0.8 * head, -1 + head, 0.02));
        double rod = cylinder(r, x, shank, -1 + head / 2, 1, 0.02);
        rod = intersect(rod, 0.7 * (r + x - 1 - 0.55 * shank));  // chamfered end
        if (x > threadStart) {
            rod += 0.17 * shank * (1 - threadRidge(x, std::atan2(p[2], p[1]), pitch));
        }
        return 0.8 * unite(top, rod);
    };
    return part;
}

enum class ScrewHead { Countersunk, Pan, Round };

double screwHead(ScrewHead kind, double r, double x, double radius, double depth) {
    switch (kind) {
        case ScrewHead::Countersunk:
            return intersect(intersect(-1 - x, x + 1 - depth), 0.72 * (r - radius + std::max(0.0, x + 1 - 0.04)));
        case ScrewHead::Pan: return cylinder(r, x, radius, -1, -1 + depth, 0.4 * depth);
        case ScrewHead::Round: {
            const double flat = depth / radius;  // an ellipsoid cut in half
            const double ball = (length((x + 1 - depth) / flat, r) - radius) * std::min(1.0, flat);
            return intersect(ball, x + 1 - depth);
        }
    }
    return 1;
}

Part makeScrew(Random& random) {
    const double shank = random.uniform(0.13, 0.19), radius = shank * random.uniform(1.85, 2.3);
    const ScrewHead kind = ScrewHead(random.below(3));
    const double depth = kind == ScrewHead::Countersunk ? radius - 0.7 * shank : shank * random.uniform(0.9, 1.3);
    const double pitch = shank * random.uniform(0.95, 1.35), smooth = -1 + depth + random.uniform(0.0, 0.55);
    const double tip = random.uniform(0.3, 0.5), slotWidth = radius * random.uniform(0.11, 0.17);
    const double slotDepth = depth * random.uniform(0.45, 0.65);
    const bool cross = random.chance(0.45);
    Lying lying;
    lying.headRadius = radius;
    lying.tipRadius = 0.5 * shank;
    lying.roll = random.uniform(0, 2 * kPi);
    Part part;
    part.radius = 1.08;
    part.height = 2.2 * radius;
    part.distance = [=](const Vec& world) {
        const Vec p = lying(world);
        const double r = length(p[1], p[2]), x = p[0];
        double head = screwHead(kind, r, x, radius, depth);
        const double reach = cross ? std::max(std::abs(p[1]), std::abs(p[2])) - 0.62 * radius : -1.0;
        const double slot = cross ? std::min(std::abs(p[1]), std::abs(p[2])) : std::abs(p[1]);
        head = cut(head, intersect(intersect(slot - slotWidth, reach), x + 1 - slotDepth));
        // The core narrows to a point; the thread is a thin ridge that stands out from it.
        const double taper = clamp01((1 - x) / tip);
        double core = shank;
        if (x > smooth) {
            const double ridge = threadRidge(x, std::atan2(p[2], p[1]), pitch);
            core = shank * (0.66 + 0.42 * ridge * ridge);
        }
        core *= std::pow(taper, 0.8);
        const double rod = std::max(0.75 * (r - core), std::max(x - 1, -1 + 0.5 * depth - x));
        return 0.75 * unite(head, rod);
    };
    return part;
}

struct GearShape {
    int teeth = 12, holes = 0;
    double root = 0.8, bore = 0.2, height = 0.3, hub = 0, hubRise = 0, web = 0, twist = 0, keyway = 0;
};

double gearBody(const GearShape& g, const Vec& p) {
    const double r = length(p[0], p[1]), angle = std::atan2(p[1], p[0]);
    // Flanks as slanted planes: a tooth is wide at the root and narrow at the tip.
    const double side = foldAngle(angle + g.twist * p[2], g.teeth), pitchWidth = 2 * kPi / g.teeth;
    const double halfWidth = mix(0.33, 0.16, clamp01((r - g.root) / (1 - g.root))) * pitchWidth;
    const double tooth = intersect(r - 1, (std::abs(side) - halfWidth) * std::min(r, 1.0) * 0.85);
    const double outline = unite(tooth, r - g.root);
    double body = extrude(outline, std::abs(p[2] - g.height / 2) - g.height / 2, 0.015);
    if (g.web > 0) {  // recess between rim and hub
        const double rim = g.root - 0.12;
        const double recess = std::max(std::abs(r - (rim + g.hub) / 2) - (rim - g.hub) / 2, g.height - g.web - p[2]);
        body = cut(body, recess);
    }
    if (g.holes > 0) {
        const double middle = (g.root - 0.12 + std::max(g.hub, g.bore)) / 2;
        const double hole = 0.38 * (g.root - 0.12 - std::max(g.hub, g.bore));
        const double a = foldAngle(angle, g.holes);
        body = cut(body, length(r * std::cos(a) - middle, r * std::sin(a)) - hole);
    }
    if (g.hubRise > 0) body = unite(body, cylinder(r, p[2], g.hub, 0, g.height + g.hubRise, 0.02));
    body = cut(body, r - g.bore);
    if (g.keyway > 0) body = cut(body, rectangle(p[0] - g.bore, p[1], g.keyway, g.keyway));
    return body;
}

Part makeGear(Random& random) {
    GearShape g;
    g.teeth = random.integer(9, 20);
    g.root = 1 - random.uniform(2.1, 2.6) / (g.teeth + 2.0);
    g.bore = random.uniform(0.12, 0.28);
    g.height = random.uniform(0.18, 0.45);
    g.hub = g.bore + random.uniform(0.1, 0.18);
    if (random.chance(0.45)) g.hubRise = random.uniform(0.06, 0.25);
    if (random.chance(0.5)) g.web = random.uniform(0.2, 0.5) * g.height;
    if (random.chance(0.45)) g.holes = random.integer(3, 6);
    if (random.chance(0.25)) g.twist = random.uniform(-0.5, 0.5);
    if (random.chance(0.4)) g.keyway = 0.3 * g.bore;
    Part part;
    part.height = g.height + g.hubRise;
    part.turned = random.chance(0.6);
    part.distance = [g](const Vec& p) { return 0.85 * gearBody(g, p); };
    return part;
}

// Compression spring on its side; some are conical, some have hooked (extension) ends.
Part makeSpring(Random& random) {
    const double turns = random.integer(5, 9) + random.uniform(0, 1), pitch = 1.86 / turns;
    const double wide = random.uniform(0.3, 0.5), narrow = random.chance(0.2) ? random.uniform(0.5, 0.75) * wide : wide;
    const double wire = std::min(0.3 * pitch, random.uniform(0.045, 0.085));
    const bool closed = random.chance(0.5);
    const double roll = random.uniform(0, 2 * kPi);
    Part part;
    part.radius = 1.1;
    part.height = 2 * wide + 2 * wire;
    part.distance = [=](const Vec& p) {
        const double radius = mix(wide, narrow, clamp01((p[0] + 1) / 2));
        const double y = p[1], z = p[2] - radius - wire;
        const double angle = std::atan2(z, y) + roll, r = length(y, z);
        // The nearest turn of the helix at this angle, but only turns between the ends.
        const double phase = angle / (2 * kPi), wanted = (p[0] + 0.93) / pitch - phase;
        const double first = std::ceil(-phase), last = std::floor(turns - phase);
        const double turn = std::min(last, std::max(first, std::floor(wanted + 0.5)));
        const double coil = length(r - radius, (p[0] + 0.93 - (turn + phase) * pitch) * 0.97) - wire;
        if (!closed) return 0.7 * coil;
        const double end = std::min(length(r - wide, p[0] + 0.93), length(r - narrow, p[0] - 0.93)) - wire;
        return 0.7 * unite(coil, end);
    };
    return part;
}

Part makeBearing(Random& random) {
    const int balls = random.integer(7, 11);
    const double bore = random.uniform(0.32, 0.45), height = random.uniform(0.3, 0.5);
    const double middle = (1 + bore) / 2, gap = (1 - bore) * random.uniform(0.18, 0.24);
    const double ball = std::min(0.46 * height, std::min(gap + 0.04, 0.88 * middle * std::sin(kPi / balls)));
    const double turn = random.uniform(0, 1);
    const bool cage = random.chance(0.55);
    Part part;
    part.height = height;
    part.turned = true;
    part.distance = [=](const Vec& p) {
        const double r = length(p[0], p[1]), z = p[2] - height / 2;
        const double across = std::abs(z) - height / 2, outerHalf = (1 - middle - gap) / 2;
        const double innerHalf = (middle - gap - bore) / 2;
        double rings = unite(extrude(std::abs(r - 1 + outerHalf) - outerHalf, across, 0.03),
                             extrude(std::abs(r - bore - innerHalf) - innerHalf, across, 0.03));
        rings = cut(rings, length(r - middle, z) - 1.04 * ball);  // raceways
        const double a = foldAngle(std::atan2(p[1], p[0]) + turn, balls);
        const double ballDistance = length(Vec(r * std::cos(a) - middle, r * std::sin(a), z)) - ball;
        double body = unite(rings, ballDistance);
        if (cage) body = unite(body, extrude(std::abs(r - middle) - 0.45 * gap, std::abs(z + 0.02) - 0.06, 0.01));
        return 0.9 * unite(body, extrude(std::abs(r - middle) - gap - 0.02, std::abs(p[2] - 0.02) - 0.02));
    };
    return part;
}

// Body of a wing nut about z, its two ears in the plane y = 0.
struct WingShape {
    double base = 0.36, top = 0.28, bodyHeight = 0.5, bore = 0.17, earX = 0.68, earZ = 0.55, earRadius = 0.3;
    double thickness = 0.08;
};

double wingNut(const WingShape& w, const Vec& p) {
    const double r = length(p[0], p[1]);
    const double radius = mix(w.base, w.top, clamp01(p[2] / w.bodyHeight));
    const double body = intersect(0.95 * (r - radius), std::abs(p[2] - w.bodyHeight / 2) - w.bodyHeight / 2);
    const double x = std::abs(p[0]);
    const double disc = length(x - w.earX, p[2] - w.earZ) - w.earRadius;
    const double arm = segment(x, p[2], 0.2, 0.6 * w.bodyHeight, w.earX, w.earZ) - 0.72 * w.earRadius;
    const double ears = extrude(blend(disc, arm, 0.12), std::abs(p[1]) - w.thickness, 0.05);
    double nut = intersect(blend(body, ears, 0.1), -p[2]);
    nut = cut(nut, intersect(r - w.base * 0.92, w.bodyHeight - p[2]));  // no ear above the bore
    return cut(nut, r - w.bore - 0.03 * threadRidge(p[2], std::atan2(p[1], p[0]), 0.11));
}

Part makeWingNut(Random& random) {
    WingShape w;
    w.base = random.uniform(0.32, 0.42);
    w.top = w.base * random.uniform(0.7, 0.95);
    w.bodyHeight = random.uniform(0.4, 0.6);
    w.bore = w.top * random.uniform(0.5, 0.65);
    w.earRadius = random.uniform(0.22, 0.32);
    w.earX = 1 - w.earRadius;
    w.earZ = random.uniform(0.45, 0.75);
    w.thickness = random.uniform(0.06, 0.1);
    const bool lying = random.chance(0.5);  // on its side, ears flat, or on its base
    Part part;
    part.radius = 1.1;
    part.height = lying ? 2 * w.base : w.earZ + w.earRadius + 0.02;
    const double base = w.base, centre = (w.earZ + w.earRadius) / 2;
    part.distance = [=](const Vec& p) { return 0.8 * wingNut(w, lying ? Vec(p[0], p[2] - base, centre + p[1]) : p); };
    return part;
}

using Maker = Part (*)(Random&);

const std::map<std::string, Maker>& makers() {
    static const std::map<std::string, Maker> list = {{"bearing", makeBearing},
                                                      {"bolt", makeBolt},
                                                      {"gear", makeGear},
                                                      {"hex_nut", makeHexNut},
                                                      {"lock_washer", makeLockWasher},
                                                      {"screw", makeScrew},
                                                      {"spring", makeSpring},
                                                      {"square_nut", makeSquareNut},
                                                      {"washer", makePlainWasher},
                                                      {"wing_nut", makeWingNut}};
    return list;
}

}  // namespace

const std::vector<std::string>& partNames() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> result;
        for (const auto& maker : makers()) result.push_back(maker.first);
        return result;
    }();
    return names;
}

Part makePart(const std::string& name, Random& random) {
    const auto found = makers().find(name);
    if (found == makers().end()) throw std::invalid_argument("no part is called \"" + name + "\"");
    return found->second(random);
}

}  // namespace hyperpred
}  // namespace cv
