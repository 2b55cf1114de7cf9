// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_FALLBACK_BACKEND_HPP
#define HYPERPRED_FALLBACK_BACKEND_HPP

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "backend.hpp"

namespace cv {
namespace hyperpred {

// What a backend throws when its device, not its caller, is at fault.
class DeviceFailure : public std::runtime_error {
public:
    // OutOfMemory: a smaller piece may fit. Unusable: the device answers no more in this process.
    enum class Kind { OutOfMemory, Unusable };
    DeviceFailure(Kind kind, const std::string& sentence) : std::runtime_error(sentence), kind_(kind) {}
    Kind kind() const { return kind_; }

private:
    Kind kind_;
};

// `primary` until it throws DeviceFailure; that call and all later ones are then done by what `second` makes, from the
// same arguments. device() says which one it is and why.
std::unique_ptr<Backend> createFallbackBackend(std::unique_ptr<Backend> primary,
                                               std::function<std::unique_ptr<Backend>()> second);

}  // namespace hyperpred
}  // namespace cv

#endif
