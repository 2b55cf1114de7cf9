// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CPU_BACKEND_HPP
#define HYPERPRED_CPU_BACKEND_HPP

#include <memory>

#include "backend.hpp"

namespace cv {
namespace hyperpred {

std::unique_ptr<Backend> createCpuBackend(std::shared_ptr<const HyperNetwork> hypernetwork, int threads);

}  // namespace hyperpred
}  // namespace cv

#endif
