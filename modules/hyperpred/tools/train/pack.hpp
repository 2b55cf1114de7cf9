// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_PACK_HPP
#define HYPERPRED_TRAIN_PACK_HPP

#include <string>

namespace cv {
namespace hyperpred {

// Reads a folder per class, a CSV list or official CIFAR files (cifar_files.hpp) and writes a packed file of
// size x size images.
void packImages(const std::string& source, int size, const std::string& out, bool strict);

}  // namespace hyperpred
}  // namespace cv

#endif
