// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_IMAGES_PARTS_HPP
#define HYPERPRED_IMAGES_PARTS_HPP

#include <functional>
#include <string>
#include <vector>

#include "random.hpp"
#include "solids.hpp"

namespace cv {
namespace hyperpred {

// A solid that rests on the plane z = 0 around the origin. Its unit of length is about half its extent.
struct Part {
    std::function<double(const Vec&)> distance;
    double radius = 1;    // everything lies within this circle around the z axis ...
    double height = 0;    // ... and below this; 0: nothing lies on the table
    bool turned = false;  // tool marks run around the z axis, not along x
};

// Names of the ten classes in alphabetical order.
const std::vector<std::string>& partNames();
// A new individual of the class: its own proportions and details.
Part makePart(const std::string& name, Random& random);

// Things that belong to no class. `kind` 0..kOtherKinds-1; the last one is an empty table.
const int kOtherKinds = 13;
Part makeOther(int kind, Random& random);

// Classes of random solids for meta-training, none of which is one of the ten: plates, turned bodies, shafts, bent
// wires and blocks. `kind` is the class, `random` the individual.
Part makeSolid(int kind, Random& random);

}  // namespace hyperpred
}  // namespace cv

#endif
