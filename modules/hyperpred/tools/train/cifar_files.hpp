// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_CIFAR_FILES_HPP
#define HYPERPRED_TRAIN_CIFAR_FILES_HPP

#include <string>
#include <vector>

namespace cv {
namespace hyperpred {

const int kCifarEdge = 32;

// Images as the official files hold them, turned into rows of BGR pixels: N x 32 x 32 x 3.
struct CifarSet {
    std::vector<std::string> classNames;  // of the fine labels
    std::vector<int> labels;
    std::vector<unsigned char> pixels;
};

// The official files that `path` stands for, in order; empty where it stands for none. CIFAR-100: `train` or `test`,
// with `.bin` (binary form) or without (Python form). CIFAR-10: one `data_batch_N` or `test_batch`, or `data_batch`
// for all five.
std::vector<std::string> cifarFiles(const std::string& path);

// Reads them, with the class names from the file of names beside them. Throws Failure::BadFile, naming the file, where
// one is not what its name promises.
CifarSet readCifar(const std::vector<std::string>& files);

}  // namespace hyperpred
}  // namespace cv

#endif
