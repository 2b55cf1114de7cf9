// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "surface.hpp"

namespace cv {
namespace hyperpred {

namespace {

Vec blendColours(const Vec& a, const Vec& b, double share) {
    return a + (b - a) * share;
}

Vec varied(const Vec& colour, double by, Random& random) {
    const double brightness = 1 + random.uniform(-by, by);
    Vec result;
    for (int c = 0; c < 3; ++c) result[c] = colour[c] * brightness * (1 + random.uniform(-by, by) / 3);
    return result;
}

// A point in the ground's own frame.
struct Place {
    double x = 0, y = 0;
};
Place inGround(const Ground& ground, double x, double y) {
    const double c = std::cos(ground.angle) * ground.scale, s = std::sin(ground.angle) * ground.scale;
    return {c * x + s * y, c * y - s * x};
}

double beltPattern(const Ground& ground, const Place& p) {
    switch (ground.variant) {
        case 0: {  // diamonds
            const double a = std::sin(5 * (p.x + p.y)), b = std::sin(5 * (p.x - p.y));
            return smoothStep(-0.2, 0.9, a * b);
        }
        case 1: return 0.5 + 0.5 * std::sin(12 * p.y);  // ribs
        case 2: {                                       // fabric
            const double a = std::sin(16 * p.x), b = std::sin(16 * p.y);
            return 0.5 + 0.25 * (a + b) + 0.25 * a * b;
        }
        default: return cloud(9 * p.x, 9 * p.y, ground.seed + 5);  // plain rubber
    }
}

// Lines of something like print: blocks of word length, cut into strokes.
double printedText(const Ground& ground, const Place& p) {
    const double row = std::floor(p.y * 4), inRow = p.y * 4 - row;
    if (inRow < 0.3 || inRow > 0.8 || latticeValue(int64_t(row), 7, ground.seed) < 0.15) return 0;
    const double word = std::floor(p.x * 2.2 + 3 * latticeValue(int64_t(row), 1, ground.seed));
    if (latticeValue(int64_t(word), int64_t(row), ground.seed) < 0.22) return 0;
    const double stroke = noise(26 * p.x, 30 * inRow * 0.25 + 40 * row, ground.seed + 3);
    return smoothStep(0.45, 0.6, stroke);
}

double paperPattern(const Ground& ground, const Place& p) {
    const auto line = [](double v, double width) {
        return 1 - smoothStep(0.5 * width, width, std::abs(v - std::floor(v + 0.5)));
    };
    switch (ground.variant) {
        case 0: return printedText(ground, p);
        case 1: return 0.55 * std::max(line(2.5 * p.x, 0.05), line(2.5 * p.y, 0.05));  // squared
        case 2: {                                                                      // bar code
            const double bar = latticeValue(int64_t(std::floor(9 * p.x)), 0, ground.seed);
            return bar > 0.5 && std::abs(p.y - std::floor(p.y / 2 + 0.5) * 2) < 0.65 ? 1 : 0;
        }
        default: return 0.9 * smoothStep(0.0, 0.03, std::sin(1.3 * p.x + 2)) * smoothStep(0.0, 0.03, std::sin(p.y));
    }
}

// Share of the second colour, 0..1.
double patternAt(const Ground& ground, const Place& p) {
    switch (ground.kind) {
        case GroundKind::Belt: return beltPattern(ground, p);
        case GroundKind::Steel:
            return 0.6 * noise(0.8 * p.x, 45 * p.y, ground.seed) + 0.4 * noise(2 * p.x, 90 * p.y, ground.seed + 1);
        case GroundKind::Wood: {
            const double bend = 1.2 * cloud(0.5 * p.x, 1.5 * p.y, ground.seed);
            const double ring = 0.5 + 0.5 * std::sin(14 * (0.6 * p.y + bend));
            return 0.65 * ring * ring + 0.35 * noise(2.5 * p.x, 40 * p.y, ground.seed + 9);
        }
        case GroundKind::Felt:
            return 0.5 * cloud(14 * p.x, 14 * p.y, ground.seed) +
                   0.5 * noise(9 * p.x + 4 * noise(6 * p.x, 6 * p.y, ground.seed + 7), 38 * p.y, ground.seed + 8);
        case GroundKind::Cardboard: return 0.3 + 0.2 * std::sin(11 * p.y) + 0.4 * cloud(2 * p.x, 12 * p.y, ground.seed);
        case GroundKind::Paper: return paperPattern(ground, p);
    }
    return 0;
}

void chooseGroundColours(Ground& ground, Random& random) {
    static const Vec feltColours[] = {{0.05, 0.13, 0.07},  {0.06, 0.08, 0.2}, {0.22, 0.05, 0.05}, {0.2, 0.2, 0.2},
                                      {0.05, 0.05, 0.055}, {0.36, 0.3, 0.15}, {0.15, 0.09, 0.19}};
    static const Vec beltColours[] = {
        {0.03, 0.03, 0.032}, {0.02, 0.1, 0.06}, {0.05, 0.13, 0.25}, {0.5, 0.51, 0.5}, {0.16, 0.16, 0.16}};
    static const Vec inkColours[] = {{0.03, 0.03, 0.03}, {0.03, 0.05, 0.3}, {0.45, 0.05, 0.04}, {0.04, 0.25, 0.1}};
    switch (ground.kind) {
        case GroundKind::Belt:
            ground.first = varied(beltColours[random.below(5)], 0.3, random);
            ground.second = ground.first * random.uniform(1.2, 1.7);
            break;
        case GroundKind::Steel:
            ground.first = varied({0.3, 0.3, 0.31}, 0.4, random);
            ground.second = ground.first * random.uniform(1.25, 1.6);
            break;
        case GroundKind::Wood:
            ground.first = varied(random.chance(0.5) ? Vec(0.5, 0.31, 0.15) : Vec(0.2, 0.1, 0.045), 0.25, random);
            ground.second = ground.first * random.uniform(0.45, 0.75);
            break;
        case GroundKind::Felt:
            ground.first = varied(feltColours[random.below(7)], 0.25, random);
            ground.second = ground.first * random.uniform(1.5, 2.2);
            break;
        case GroundKind::Cardboard:
            ground.first = varied({0.42, 0.29, 0.16}, 0.2, random);
            ground.second = ground.first * random.uniform(0.6, 0.8);
            break;
        case GroundKind::Paper:
            ground.first = varied({0.72, 0.71, 0.67}, 0.12, random);
            ground.second = inkColours[random.below(4)];
            break;
    }
}

}  // namespace

Material drawMaterial(Random& random) {
    struct Stock {
        Vec mirror, body;
        double roughLow, roughHigh, brushed;
    };
    static const Stock stocks[] = {
        {{0.56, 0.57, 0.58}, {0.03, 0.03, 0.03}, 0.18, 0.42, 0.35},  // bright steel
        {{0.5, 0.5, 0.5}, {0.05, 0.05, 0.05}, 0.35, 0.6, 0.5},       // brushed steel
        {{0.6, 0.62, 0.66}, {0.1, 0.1, 0.11}, 0.3, 0.55, 0.25},      // zinc
        {{0.62, 0.56, 0.38}, {0.1, 0.085, 0.04}, 0.25, 0.5, 0.2},    // yellow zinc
        {{0.68, 0.5, 0.2}, {0.04, 0.028, 0.01}, 0.15, 0.45, 0.35},   // brass
        {{0.7, 0.4, 0.27}, {0.04, 0.02, 0.012}, 0.2, 0.5, 0.3},      // copper
        {{0.1, 0.1, 0.105}, {0.018, 0.018, 0.02}, 0.25, 0.5, 0.25},  // black oxide
        {{0.22, 0.23, 0.25}, {0.05, 0.05, 0.055}, 0.4, 0.65, 0.15},  // phosphated
    };
    const Stock& stock = stocks[random.below(8)];
    Material material;
    material.mirror = varied(stock.mirror, 0.12, random);
    material.body = varied(stock.body, 0.2, random);
    material.roughness = random.uniform(stock.roughLow, stock.roughHigh);
    material.brushed = stock.brushed * random.uniform(0.3, 1.2);
    material.dirt = random.chance(0.5) ? random.uniform(0.1, 0.7) : 0;
    material.rust = random.chance(0.2) ? random.uniform(0.2, 0.7) : 0;
    material.scratches = random.chance(0.5) ? random.uniform(0.2, 1) : 0;
    material.seed = random.bits();
    return material;
}

Finish finishAt(const Material& m, const Vec& place, bool turned) {
    // Coordinates along and across the tool marks; z mixed in so that side walls are not streaked through and through.
    const double r = length(place[0], place[1]);
    const double along = turned ? 1.5 * std::atan2(place[1], place[0]) : place[0] + 0.7 * place[2];
    const double across = turned ? r + 0.4 * place[2] : place[1] + 0.9 * place[2];
    Finish finish;
    finish.marks = m.brushed * (noise(2 * along, 42 * across, m.seed) - 0.5);
    finish.marks += 0.07 * (cloud(3 * place[0] + 5 * place[2], 3 * place[1], m.seed + 11) - 0.5);
    const double scratch =
        std::abs(noise(2.2 * place[0] + 3.1 * place[1], 7 * (place[0] - place[1]), m.seed + 21) - 0.5);
    finish.marks += 0.5 * m.scratches * (1 - smoothStep(0.0, 0.012, scratch));
    const double wear = cloud(4 * place[0] + 2 * place[2], 4 * place[1] + 3 * place[2], m.seed + 31);
    const double rust = m.rust * smoothStep(0.5, 0.66, wear);
    const double grime = m.dirt * smoothStep(0.42, 0.75, cloud(6 * place[0], 6 * place[1] + 4 * place[2], m.seed + 41));
    const double shade = (1 - rust) * (1 - 0.75 * grime) * mix(0.85, 1.1, wear);
    finish.mirror = m.mirror * shade;
    finish.body = blendColours(blendColours(m.body, {0.2, 0.075, 0.025}, rust), {0.045, 0.038, 0.03}, grime);
    finish.roughness = clamp01(m.roughness + 0.35 * rust + 0.2 * grime + 0.15 * (wear - 0.5));
    return finish;
}

Ground drawGround(Random& random) {
    Ground ground;
    ground.kind = GroundKind(random.below(kGroundKinds));
    chooseGroundColours(ground, random);
    ground.angle = random.uniform(0, 2 * kPi);
    ground.scale = random.uniform(0.6, 1.4);
    ground.variant = random.below(4);
    ground.gloss = ground.kind == GroundKind::Steel ? random.uniform(0.25, 0.6) : random.uniform(0.0, 0.06);
    const double reliefs[kGroundKinds] = {0.03, 0.002, 0.004, 0.02, 0.008, 0.0};
    ground.relief = reliefs[size_t(ground.kind)] * random.uniform(0.4, 1.2);
    ground.dirt = random.chance(0.5) ? random.uniform(0.1, 0.7) : 0;
    const int scratches = random.chance(0.5) ? random.integer(1, 5) : 0;
    for (int i = 0; i < scratches; ++i) {
        ground.scratches.push_back({random.uniform(-2, 2), random.uniform(-2, 2), random.uniform(0, kPi)});
    }
    ground.seed = random.bits();
    return ground;
}

double groundHeight(const Ground& ground, double x, double y) {
    return ground.relief * patternAt(ground, inGround(ground, x, y));
}

Vec groundColour(const Ground& ground, double x, double y) {
    const Place p = inGround(ground, x, y);
    Vec colour = blendColours(ground.first, ground.second, patternAt(ground, p));
    colour *= mix(0.82, 1.15, cloud(1.1 * x, 1.1 * y, ground.seed + 51));
    if (ground.kind == GroundKind::Cardboard || ground.kind == GroundKind::Felt) {  // single fibres
        const double fibre = noise(30 * p.x, 30 * p.y, ground.seed + 61);
        colour *= 1 + 0.35 * smoothStep(0.8, 0.95, fibre) - 0.3 * smoothStep(0.8, 0.95, 1 - fibre);
    }
    if (ground.dirt > 0) {
        const double stain = smoothStep(0.55, 0.8, cloud(1.5 * x + 9, 1.5 * y, ground.seed + 71));
        const double speck = smoothStep(0.86, 0.93, noise(11 * x, 11 * y, ground.seed + 81));
        colour = blendColours(colour, {0.04, 0.035, 0.03}, ground.dirt * std::max(0.5 * stain, speck));
    }
    for (const Vec& s : ground.scratches) {
        const double c = std::cos(s[2]), t = std::sin(s[2]);
        const double distance = segment(x, y, s[0] - 0.6 * c, s[1] - 0.6 * t, s[0] + 0.6 * c, s[1] + 0.6 * t);
        colour = blendColours(colour, ground.first * 1.6, 0.6 * (1 - smoothStep(0.005, 0.02, distance)));
    }
    return colour;
}

}  // namespace hyperpred
}  // namespace cv
