// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_VERSION_HPP
#define HYPERPRED_VERSION_HPP

namespace cv {
namespace hyperpred {

const char kVersion[] = "0.1.0";

}  // namespace hyperpred
}  // namespace cv

#endif
