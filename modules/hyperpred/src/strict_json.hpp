// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_STRICT_JSON_HPP
#define HYPERPRED_STRICT_JSON_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "error.hpp"

// JSON as this module accepts it from files: bounded nesting, no key twice in one object, nothing coerced. `where`
// opens every error sentence ("architecture "my.json", layer "conv1""); every failure is Failure::BadFile.

namespace cv {
namespace hyperpred {

// Text from a file as it may appear in a sentence: quoted, escaped to printable ASCII, never long.
inline std::string inQuotes(const std::string& text) {
    const size_t longest = 120;
    const bool cut = text.size() > longest;
    const auto lenient = nlohmann::json::error_handler_t::replace;
    return nlohmann::json(text.substr(0, longest)).dump(-1, ' ', true, lenient) + (cut ? "..." : "");
}

inline std::string kindOf(const nlohmann::json& value) {
    if (value.is_number_integer()) return "the integer " + value.dump();
    if (value.is_number()) return "the number " + value.dump();
    if (value.is_string()) return "the string " + inQuotes(value.get_ref<const std::string&>());
    if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
    if (value.is_array()) return "an array of " + std::to_string(value.size());
    return value.is_object() ? "an object" : "null";
}

// Builds the value itself: nlohmann's parser callback has no place for a depth limit that is linear in time, and
// its plain parser keeps the last of two equal keys in silence.
class StrictJsonReader : public nlohmann::json_sax<nlohmann::json> {
public:
    StrictJsonReader(const std::string& text, size_t maxNesting, const std::string& where)
        : text_(text), where_(where), maxNesting_(maxNesting) {}

    nlohmann::json take() { return std::move(root_); }

    bool null() override { return add(nullptr); }
    bool boolean(bool value) override { return add(value); }
    bool number_integer(number_integer_t value) override { return add(value); }
    bool number_unsigned(number_unsigned_t value) override { return add(value); }
    bool number_float(number_float_t value, const string_t&) override { return add(value); }
    bool string(string_t& value) override { return add(std::move(value)); }
    bool binary(binary_t&) override { return false; }
    bool start_object(std::size_t) override { return open(nlohmann::json::object()); }
    bool start_array(std::size_t) override { return open(nlohmann::json::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }

    bool key(string_t& value) override {
        if (stack_.back()->contains(value)) {
            fail(Failure::BadFile, where_ + ": the key " + inQuotes(value) + " stands twice in one object");
        }
        key_ = std::move(value);
        return true;
    }

    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
        const size_t end = std::min(position > 0 ? position - 1 : 0, text_.size());
        const auto line = 1 + std::count(text_.begin(), text_.begin() + std::ptrdiff_t(end), '\n');
        fail(Failure::BadFile, where_ + ", line " + std::to_string(line) + ": not valid JSON: " + reason(error.what()));
    }

private:
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error ..." -> "syntax error ...".
    static std::string reason(std::string message) {
        const size_t id = message.find("] ");
        if (id != std::string::npos) message.erase(0, id + 2);
        const size_t place = message.compare(0, 11, "parse error") == 0 ? message.find(": ") : std::string::npos;
        if (place != std::string::npos) message.erase(0, place + 2);
        if (message.size() > 160) message = message.substr(0, 160) + "...";
        for (char& c : message) {
            if (c < ' ' || c > '~') c = '?';
        }
        return message;
    }

    nlohmann::json* place(nlohmann::json value) {
        if (stack_.empty()) {
            root_ = std::move(value);
            return &root_;
        }
        nlohmann::json& parent = *stack_.back();
        if (parent.is_object()) return &(parent[key_] = std::move(value));
        parent.push_back(std::move(value));
        return &parent.back();
    }

    bool add(nlohmann::json value) {
        place(std::move(value));
        return true;
    }

    bool open(nlohmann::json value) {
        if (stack_.size() >= maxNesting_) {
            fail(Failure::BadFile, where_ + ": nested deeper than " + std::to_string(maxNesting_) + " levels");
        }
        stack_.push_back(place(std::move(value)));
        return true;
    }

    bool close() {
        stack_.pop_back();
        return true;
    }

    const std::string& text_;
    const std::string& where_;
    size_t maxNesting_;
    nlohmann::json root_;
    std::vector<nlohmann::json*> stack_;  // open objects and arrays; none grows while a child of it is open
    std::string key_;
};

inline nlohmann::json readStrictJson(const std::string& text, size_t maxNesting, const std::string& where) {
    StrictJsonReader reader(text, maxNesting, where);
    nlohmann::json::sax_parse(text, &reader);
    return reader.take();
}

inline void requireObject(const nlohmann::json& value, const std::string& where) {
    if (!value.is_object()) fail(Failure::BadFile, where + ": must be an object, is " + kindOf(value));
}

// `allowed` holds every key the object may have.
inline void refuseUnknownKeys(const nlohmann::json& object, std::initializer_list<const char*> allowed,
                              const std::string& where) {
    for (const auto& item : object.items()) {
        if (std::find(allowed.begin(), allowed.end(), item.key()) != allowed.end()) continue;
        std::string list;
        for (const char* key : allowed) list += (list.empty() ? "" : ", ") + std::string(key);
        fail(Failure::BadFile, where + ": unknown key " + inQuotes(item.key()) + "; allowed are " + list);
    }
}

inline const nlohmann::json& required(const nlohmann::json& object, const char* key, const std::string& where) {
    const auto found = object.find(key);
    if (found == object.end()) fail(Failure::BadFile, where + ": the key \"" + key + "\" is missing");
    return *found;
}

inline const std::string& stringAt(const nlohmann::json& object, const char* key, const std::string& where) {
    const nlohmann::json& value = required(object, key, where);
    if (!value.is_string()) {
        fail(Failure::BadFile, where + ": \"" + key + "\" must be a string, is " + kindOf(value));
    }
    return value.get_ref<const std::string&>();
}

inline const nlohmann::json& arrayAt(const nlohmann::json& object, const char* key, const std::string& where) {
    const nlohmann::json& value = required(object, key, where);
    if (!value.is_array()) {
        fail(Failure::BadFile, where + ": \"" + key + "\" must be an array, is " + kindOf(value));
    }
    return value;
}

inline int integerAt(const nlohmann::json& object, const char* key, int low, int high, const std::string& where) {
    const nlohmann::json& value = required(object, key, where);
    const bool tooBig = value.is_number_unsigned() && value.get<uint64_t>() > uint64_t(INT64_MAX);
    const int64_t number = value.is_number_integer() && !tooBig ? value.get<int64_t>() : int64_t(low) - 1;
    if (number < low || number > high) {
        fail(Failure::BadFile, where + ": \"" + key + "\" must be an integer in " + std::to_string(low) + ".." +
                                   std::to_string(high) + ", is " + kindOf(value));
    }
    return static_cast<int>(number);
}

inline int integerOr(const nlohmann::json& object, const char* key, int otherwise, int low, int high,
                     const std::string& where) {
    return object.contains(key) ? integerAt(object, key, low, high, where) : otherwise;
}

// `what` names the value in the sentence, e.g. "\"mean\"[0]".
inline float numberIn(const nlohmann::json& value, double low, double high, const std::string& what,
                      const std::string& where) {
    const double number = value.is_number() ? value.get<double>() : std::nan("");
    if (!(number >= low && number <= high)) {
        fail(Failure::BadFile, where + ": " + what + " must be a number in " + nlohmann::json(low).dump() + ".." +
                                   nlohmann::json(high).dump() + ", is " + kindOf(value));
    }
    return static_cast<float>(number);
}

}  // namespace hyperpred
}  // namespace cv

#endif
