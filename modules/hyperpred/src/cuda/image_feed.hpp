// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_IMAGE_FEED_HPP
#define HYPERPRED_CUDA_IMAGE_FEED_HPP

#include <memory>

#include "cuda/memory.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

// Image bytes, one chunk after the other, each on its way while the chunk before is still being worked on: two places
// in turn, and of each the moment from which it may be written again.
class ImageFeed {
public:
    ImageFeed(MemoryPool& pool, size_t bytes) : pool_(pool), bytes_(bytes) {}

    // `given` bytes of images and zeros up to the chunk's end, for launches that follow.
    const uint8_t* send(const uint8_t* images, size_t given);
    // Everything that reads what send() gave last has been launched.
    void done();

private:
    struct Place {
        Memory memory;
        std::unique_ptr<Mark> free;
    };
    MemoryPool& pool_;
    size_t bytes_;
    Place places_[2];
    int turn_ = 0;
};

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
