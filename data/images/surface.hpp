// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_IMAGES_SURFACE_HPP
#define HYPERPRED_IMAGES_SURFACE_HPP

#include <vector>

#include "random.hpp"
#include "solids.hpp"

namespace cv {
namespace hyperpred {

// Colours are linear RGB reflectances.

// What the part is made of. Drawn without a look at the class.
struct Material {
    Vec mirror;              // colour of the reflection at right angles
    Vec body;                // colour of the diffuse part
    double roughness = 0.3;  // of the reflection, 0..1
    double brushed = 0;      // depth of the tool marks
    double dirt = 0, rust = 0, scratches = 0;
    uint64_t seed = 0;
};
Material drawMaterial(Random& random);

// What a point of the part's surface looks like, `place` in the part's own frame: `marks` is the slope of the tool
// marks along `across`, the direction that they do not follow.
struct Finish {
    Vec mirror, body;
    double roughness = 0.3;
    double marks = 0;
};
Finish finishAt(const Material& material, const Vec& place, bool turned);

// What the part lies on.
enum class GroundKind { Belt, Steel, Wood, Felt, Cardboard, Paper };
const int kGroundKinds = 6;
struct Ground {
    GroundKind kind = GroundKind::Belt;
    Vec first, second;  // two colours that the pattern mixes
    double angle = 0, scale = 1;
    double gloss = 0;   // mirror share
    double relief = 0;  // depth of the pattern
    int variant = 0;
    double dirt = 0;
    std::vector<Vec> scratches;  // x, y, direction in radians
    uint64_t seed = 0;
};
Ground drawGround(Random& random);

Vec groundColour(const Ground& ground, double x, double y);
// The pattern's height at a point, in the ground's own scale.
double groundHeight(const Ground& ground, double x, double y);

}  // namespace hyperpred
}  // namespace cv

#endif
