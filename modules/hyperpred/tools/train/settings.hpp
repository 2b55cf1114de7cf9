// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_SETTINGS_HPP
#define HYPERPRED_TRAIN_SETTINGS_HPP

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "hypernetwork.hpp"

namespace cv {
namespace hyperpred {

// Which images of a packed file take part: classes by index or name.
struct DataRule {
    std::string file, name;
    int excludeModulo = 0, excludeRemainder = 0;  // classes whose index % modulo == remainder are left out
    int onlyModulo = 0, onlyRemainder = 0;        // all others are left out
    int excludeLastOfRest = 0;                    // then so many of the rest, from the end
    int onlyLastOfRest = 0;                       // or only so many
    std::vector<std::string> excludeNames;
};

// A training run's configuration: a JSON document of the sections architecture, data, validation, test, hypernetwork,
// base, meta, run. Every number and word has a default and a range (numberSettings, wordSettings; doc/training.md).
struct Settings {
    std::string architectureFile;
    std::vector<DataRule> data, validation, test;
    HyperConfig hyper;
    std::vector<std::pair<double, int>> resolutions;  // base: from this share of the training on, this edge

    double number(const std::string& key) const;  // "base.lr"
    int integer(const std::string& key) const;
    const std::string& word(const std::string& key) const;

    std::string document;  // the JSON this came from, overrides applied

    std::map<std::string, double> numbers;
    std::map<std::string, std::string> words;
};

struct NumberSetting {
    const char* key;
    double fallback, lowest, highest;
    bool whole;
    const char* meaning;
};
struct WordSetting {
    const char* key;
    const char* fallback;
    std::vector<std::string> allowed;  // empty: any
    const char* meaning;
};
const std::vector<NumberSetting>& numberSettings();
const std::vector<WordSetting>& wordSettings();

// `overrides`: "section.key=value" each. Throws with the file's name and the key on anything unknown or out of range.
Settings parseSettings(const std::string& json, const std::string& origin, const std::vector<std::string>& overrides);
Settings loadSettings(const std::string& path, const std::vector<std::string>& overrides);

}  // namespace hyperpred
}  // namespace cv

#endif
