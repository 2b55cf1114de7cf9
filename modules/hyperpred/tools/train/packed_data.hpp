// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_PACKED_DATA_HPP
#define HYPERPRED_TRAIN_PACKED_DATA_HPP

#include <torch/torch.h>

#include <map>
#include <string>
#include <vector>

#include "settings.hpp"

namespace cv {
namespace hyperpred {

// A packed file whole in memory (layout: doc/training.md): N x S x S x 3 BGR bytes with labels.
struct PackedFile {
    std::vector<std::string> classNames;
    torch::Tensor labels;  // N, int64
    torch::Tensor pixels;  // N x S x S x 3, uint8, BGR
};
PackedFile readPackedFile(const std::string& path);
void writePackedFile(const std::string& path, int size, const std::vector<std::string>& classNames,
                     const std::vector<int>& labels, const std::vector<unsigned char>& pixels);

// The classes of one data set that a rule selects, with contiguous labels.
struct DataSet {
    std::string name, file;
    std::vector<std::string> classNames;
    torch::Tensor pixels;                // all images of the file; shared, not copied
    std::vector<torch::Tensor> classes;  // rows of `pixels` of each selected class, int64
    int firstLabel = 0;                  // of its classes among all data sets together
};
// Data sets with labels concatenated in the order of the rules. `files` caches files that several rules name.
std::vector<DataSet> selectData(const std::vector<DataRule>& rules, std::map<std::string, PackedFile>& files);

// Puts the images of the sets onto the device, each file once (`files` keeps them), so that no batch waits for the bus.
// What does not fit into its memory stays on the host: gatherImages then copies batch by batch.
void moveToDevice(std::vector<DataSet>& sets, std::map<std::string, PackedFile>& files, const torch::Device& device);

// Rows of `pixels` as N x 3 x S x S floats, RGB, 0..255.
torch::Tensor gatherImages(const torch::Tensor& pixels, const torch::Tensor& rows, const torch::Device& device);

}  // namespace hyperpred
}  // namespace cv

#endif
