// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cuda/image_feed.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

const uint8_t* ImageFeed::send(const uint8_t* images, size_t given) {
    Device& device = pool_.device();
    Place& place = places_[turn_ ^= 1];
    if (!place.memory) {
        place.memory = pool_.take(bytes_);
        // The block may come from the pool, and earlier launches may still use it.
        place.free = device.mark(nullptr);
    }
    uint8_t* to = place.memory.as<uint8_t>();
    device.uploadAhead(to, images, given, *place.free);
    if (given < bytes_) device.clear(to + given, bytes_ - given);
    return to;
}

void ImageFeed::done() {
    Place& place = places_[turn_];
    place.free = pool_.device().mark(std::move(place.free));
}

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv
