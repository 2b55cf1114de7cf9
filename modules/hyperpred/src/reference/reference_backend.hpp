// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_REFERENCE_BACKEND_HPP
#define HYPERPRED_REFERENCE_BACKEND_HPP

#include <memory>

#include "backend.hpp"

namespace cv {
namespace hyperpred {

// Plain loops on one thread, sums in double: the judge of every other backend.
std::unique_ptr<Backend> createReferenceBackend(std::shared_ptr<const HyperNetwork> hypernetwork);

}  // namespace hyperpred
}  // namespace cv

#endif
