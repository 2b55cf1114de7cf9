// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "settings.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "error.hpp"
#include "strict_json.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::json;

const char* const kSections[] = {"base", "meta", "run"};

[[noreturn]] void refuse(const std::string& origin, const std::string& sentence) {
    fail(Failure::BadFile, "configuration \"" + origin + "\": " + sentence);
}

int whole(const Json& value, const std::string& origin, const std::string& key) {
    if (!value.is_number_integer() || value.get<int64_t>() < 0 || value.get<int64_t>() > 1000000) {
        refuse(origin, "\"" + key + "\" must be an integer of 0..1000000, got " + value.dump());
    }
    return value.get<int>();
}

DataRule parseRule(const Json& json, const std::string& origin) {
    DataRule rule;
    if (!json.is_object())
        refuse(origin, "each entry of data, validation and test must be an object, got " + json.dump());
    for (const auto& item : json.items()) {
        const Json& value = item.value();
        const std::string& key = item.key();
        if (key == "file" && value.is_string()) {
            rule.file = value.get<std::string>();
        } else if (key == "name" && value.is_string()) {
            rule.name = value.get<std::string>();
        } else if (key == "exclude_modulo" && value.is_array() && value.size() == 2) {
            rule.excludeModulo = whole(value[0], origin, key);
            rule.excludeRemainder = whole(value[1], origin, key);
        } else if (key == "only_modulo" && value.is_array() && value.size() == 2) {
            rule.onlyModulo = whole(value[0], origin, key);
            rule.onlyRemainder = whole(value[1], origin, key);
        } else if (key == "exclude_last_of_rest") {
            rule.excludeLastOfRest = whole(value, origin, key);
        } else if (key == "only_last_of_rest") {
            rule.onlyLastOfRest = whole(value, origin, key);
        } else if (key == "exclude_names" && value.is_array()) {
            for (const Json& name : value) {
                if (!name.is_string()) refuse(origin, "exclude_names must hold strings, got " + name.dump());
                rule.excludeNames.push_back(name.get<std::string>());
            }
        } else {
            refuse(origin, "data entry: key \"" + key + "\" with value " + value.dump() + " is not known");
        }
    }
    if (rule.file.empty()) refuse(origin, "a data entry names no \"file\"");
    // The name goes into the model file, which tells nothing of the machine: without the folder.
    if (rule.name.empty()) rule.name = std::filesystem::path(rule.file).stem().string();
    if (rule.name.find_first_of(",\"\r\n") != std::string::npos) {
        refuse(origin, "the data set's name " + inQuotes(rule.name) +
                           " heads a column of log.csv and must hold no comma, quote or line break");
    }
    return rule;
}

std::vector<DataRule> parseRules(const Json& document, const std::string& key, const std::string& origin) {
    std::vector<DataRule> rules;
    if (!document.contains(key)) return rules;
    if (!document[key].is_array()) refuse(origin, "\"" + key + "\" must be a list");
    for (const Json& entry : document[key]) rules.push_back(parseRule(entry, origin));
    return rules;
}

void parseResolutions(const Json& list, Settings& settings, const std::string& origin) {
    settings.resolutions.clear();
    if (!list.is_array()) refuse(origin, "base.resolutions must be a list of [share, edge]");
    double before = -1;
    for (const Json& pair : list) {
        const bool good = pair.is_array() && pair.size() == 2 && pair[0].is_number() && pair[1].is_number_integer();
        if (!good || pair[0].get<double>() <= before || pair[0].get<double>() >= 1 || pair[1].get<int64_t>() < 8 ||
            pair[1].get<int64_t>() > 1024) {
            refuse(origin, "base.resolutions: " + pair.dump() +
                               " must be [share, edge], shares ascending below 1, "
                               "edges 8..1024");
        }
        before = pair[0].get<double>();
        settings.resolutions.emplace_back(before, pair[1].get<int>());
    }
}

void setOne(Settings& settings, const std::string& key, const Json& value, const std::string& origin) {
    for (const NumberSetting& setting : numberSettings()) {
        if (key != setting.key) continue;
        const bool good = setting.whole ? value.is_number_integer() : value.is_number();
        if (!good || value.get<double>() < setting.lowest || value.get<double>() > setting.highest) {
            refuse(origin, "\"" + key + "\" is " + value.dump() + ", must be " +
                               (setting.whole ? "an integer in " : "a number in ") + Json(setting.lowest).dump() +
                               ".." + Json(setting.highest).dump());
        }
        settings.numbers[key] = value.get<double>();
        return;
    }
    for (const WordSetting& setting : wordSettings()) {
        if (key != setting.key) continue;
        const bool known = value.is_string() &&
                           (setting.allowed.empty() ||
                            std::count(setting.allowed.begin(), setting.allowed.end(), value.get<std::string>()) > 0);
        if (!known) {
            refuse(origin, "\"" + key + "\" is " + value.dump() + ", must be " +
                               (setting.allowed.empty() ? "a string" : "one of " + Json(setting.allowed).dump()));
        }
        settings.words[key] = value.get<std::string>();
        return;
    }
    refuse(origin, "key \"" + key + "\" is not known");
}

Json applyOverrides(Json document, const std::vector<std::string>& overrides, const std::string& origin) {
    for (const std::string& text : overrides) {
        const size_t equals = text.find('='), dot = text.find('.');
        if (equals == std::string::npos) refuse(origin, "--set \"" + text + "\": section.key=value is expected");
        Json value = Json::parse(text.substr(equals + 1), nullptr, false);
        if (value.is_discarded()) value = text.substr(equals + 1);
        if (dot < equals) {
            Json& section = document[text.substr(0, dot)];
            if (!section.is_object() && !section.is_null()) {
                refuse(origin, "--set \"" + text + "\": \"" + text.substr(0, dot) + "\" is no section");
            }
            section[text.substr(dot + 1, equals - dot - 1)] = value;
        } else {
            document[text.substr(0, equals)] = value;
        }
    }
    return document;
}

}  // namespace

const std::vector<NumberSetting>& numberSettings() {
    static const std::vector<NumberSetting> settings = {
        {"base.epochs", 30, 0.01, 10000, false, "passes over the training images"},
        {"base.batch", 128, 2, 65536, true, "images a step"},
        {"base.lr", 0.2, 1e-7, 10, false, "highest learning rate"},
        {"base.momentum", 0.9, 0, 0.9999, false, "Nesterov momentum (sgd)"},
        {"base.weight_decay", 5e-4, 0, 1, false, "on kernels and classifier, not on gamma, beta, bias"},
        {"base.warmup_epochs", 0.3, 0, 1000, false, "linear warm-up"},
        {"base.label_smoothing", 0.1, 0, 0.9, false, "share of the target spread over the data set's classes"},
        {"base.mixup", 0, 0, 1, false, "probability that a batch is mixed up"},
        {"base.cutmix", 0.5, 0, 1, false, "probability that a batch gets patches of its own permutation"},
        {"base.quiet_end", 0.15, 0, 1, false, "share at the end without mixup and cutmix"},
        {"base.scale_low", 0.65, 0.1, 2, false, "random resized crop: least edge, as a share of the image"},
        {"base.scale_high", 1.05, 0.1, 2, false, "random resized crop: greatest edge"},
        {"base.aspect", 0.2, 0, 1, false, "random aspect, +- in log"},
        {"base.flip", 0.5, 0, 1, false, "probability of a mirror image"},
        {"base.colour", 0.2, 0, 1, false, "brightness factor 1 +- this; channel offsets of +- 60 times this"},
        {"base.erase", 0, 0, 1, false, "probability that a square of an image is greyed out"},
        {"base.transform", 0.25, 0, 1, false, "probability that a batch gets one data-set transform"},
        {"base.ema", 0.999, 0, 0.99999, false, "decay a step of the averaged weights"},
        {"base.validate_every", 1, 0.01, 10000, false, "epochs between validations and tests"},
        {"meta.tasks", 2000, 1, 10000000, true, "tasks in all"},
        {"meta.lr", 5e-4, 1e-8, 1, false, "highest learning rate of the hypernetwork (AdamW)"},
        {"meta.base_lr", 0, 0, 1, false, "the same for base weights; 0: frozen"},
        {"meta.weight_decay", 1e-4, 0, 1, false, "on matrices of the hypernetwork"},
        {"meta.warmup_tasks", 50, 0, 1000000, true, "linear warm-up"},
        {"meta.clip", 1, 1e-4, 1e6, false, "greatest norm of the gradient"},
        {"meta.least_classes", 5, 2, 1000, true, "classes a task, least"},
        {"meta.most_classes", 20, 2, 1000, true, "classes a task, most"},
        {"meta.support_images", 200, 4, 100000, true, "support images a task, in all"},
        {"meta.query_images", 100, 2, 100000, true, "query images a task, in all"},
        {"meta.augment", 0.5, 0, 1, false, "share of tasks whose images are cropped and coloured as in stage 1"},
        {"meta.identity", 0.333, 0, 1, false, "share of tasks without a data-set transform"},
        {"meta.all_weight", 0.5, 0, 100, false, "a: weight of the loss over all meta-training classes"},
        {"meta.kl_weight", 0.1, 0, 100, false, "b: weight of the alignment of both predictions"},
        {"meta.ema", 0.99, 0, 0.99999, false, "decay a task of the averaged weights"},
        {"meta.validate_every", 200, 1, 1000000, true, "tasks between validations"},
        {"meta.validation_tasks", 2, 1, 1000, true, "validation tasks a transform"},
        {"run.seed", 1, 0, 1000000000, true, "of everything random"},
        {"run.threads", 0, 0, 1024, true, "0: all cores"},
        {"run.checkpoint_minutes", 10, 0.01, 10000, false, "between checkpoints"},
        {"run.stop_after_steps", 0, 0, 1000000000, true, "checkpoint and end after so many steps of a session; 0: never"},
        {"run.stop_after_minutes", 0, 0, 100000, false, "the same after so many minutes; `resume` goes on"},
    };
    return settings;
}

const std::vector<WordSetting>& wordSettings() {
    static const std::vector<WordSetting> settings = {
        {"base.optimiser", "sgd", {"sgd", "adamw"}, "SGD with Nesterov momentum, or AdamW"},
        {"base.schedule",
         "cosine",
         {"cosine", "constant", "one_cycle"},
         "after the warm-up; one_cycle: up over the first 30 %, momentum the other way, no warm-up of its own"},
        {"base.softmax", "per_set", {"per_set", "joint"}, "classes compete within their data set, or all with all"},
        {"base.init", "", {}, "checkpoint or safetensors with base weights to start from"},
        {"base.classifier", "random", {"random", "means"},
         "first classifier: small numbers, or nearest means of images"},
        {"meta.init", "", {}, "checkpoint or safetensors with base weights to start from; empty: from scratch"},
        {"meta.head", "ridge", {"ridge", "cosine"}, "closed-form head inside the loss"},
        {"run.precision",
         "auto",
         {"auto", "bf16", "f32"},
         "of convolutions while training; auto: bf16 where the device computes in it, else f32"},
        {"run.device", "cpu", {"cpu", "cuda"}, "where the training runs"},
        {"run.out", "train-out", {}, "folder for checkpoints, log.csv and curves.png"},
    };
    return settings;
}

double Settings::number(const std::string& key) const {
    return numbers.at(key);
}

int Settings::integer(const std::string& key) const {
    return int(numbers.at(key));
}

const std::string& Settings::word(const std::string& key) const {
    return words.at(key);
}

Settings parseSettings(const std::string& json, const std::string& origin, const std::vector<std::string>& overrides) {
    const Json given = readStrictJson(json, 32, "configuration \"" + origin + "\"");
    if (!given.is_object()) refuse(origin, "an object {...} is expected");
    const Json document = applyOverrides(given, overrides, origin);
    Settings settings;
    for (const NumberSetting& setting : numberSettings()) settings.numbers[setting.key] = setting.fallback;
    for (const WordSetting& setting : wordSettings()) settings.words[setting.key] = setting.fallback;
    for (const auto& section : document.items()) {
        const std::string& name = section.key();
        if (std::count(std::begin(kSections), std::end(kSections), name) > 0) {
            if (!section.value().is_object()) refuse(origin, "\"" + name + "\" must be an object");
            for (const auto& item : section.value().items()) {
                if (name + "." + item.key() == "base.resolutions") {
                    parseResolutions(item.value(), settings, origin);
                } else {
                    setOne(settings, name + "." + item.key(), item.value(), origin);
                }
            }
        } else if (name == "architecture" && section.value().is_string()) {
            settings.architectureFile = section.value().get<std::string>();
        } else if (name == "hypernetwork") {
            settings.hyper = parseHyperConfig(section.value().dump(), origin);
        } else if (name != "data" && name != "validation" && name != "test") {
            refuse(origin, "key \"" + name + "\" is not known");
        }
    }
    if (settings.architectureFile.empty()) refuse(origin, "\"architecture\" must name a file");
    settings.data = parseRules(document, "data", origin);
    settings.validation = parseRules(document, "validation", origin);
    settings.test = parseRules(document, "test", origin);
    if (settings.data.empty()) refuse(origin, "\"data\" must name at least one packed file");
    settings.document = document.dump(2);
    return settings;
}

Settings loadSettings(const std::string& path, const std::vector<std::string>& overrides) {
    std::ifstream in(path, std::ios::binary);
    if (!in) fail(Failure::NotFound, "configuration \"" + path + "\": cannot be opened");
    const std::string json((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    return parseSettings(json, path, overrides);
}

}  // namespace hyperpred
}  // namespace cv
