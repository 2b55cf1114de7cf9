// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_CIFAR_PICKLE_HPP
#define HYPERPRED_TRAIN_CIFAR_PICKLE_HPP

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cv {
namespace hyperpred {

// What a pickle of plain data holds. Nothing in the file is executed: a name of a function or a class, and what it
// would be called with, are kept as data.
struct Pickled {
    enum class Kind { None, Integer, Text, List, Dictionary, Object };

    Kind kind = Kind::None;
    int64_t integer = 0;
    std::string_view text;              // into the bytes that were parsed
    std::vector<const Pickled*> items;  // of lists and tuples; of an object: the state it would be given
    std::vector<std::pair<const Pickled*, const Pickled*>> entries;

    // The entry of this name, or null.
    const Pickled* find(std::string_view name) const;
};

// Reads the part of the pickle protocols up to 4 that the Python files of CIFAR use. `bytes` must outlive the result.
// Throws Failure::BadFile with `where` and the position for anything else. The result owns all values below it, however
// deep they lie and even where they hold each other.
std::shared_ptr<const Pickled> parsePickle(std::string_view bytes, const std::string& where);

}  // namespace hyperpred
}  // namespace cv

#endif
