// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "command.hpp"

#include <iostream>
#include <opencv2/core/utility.hpp>

namespace cv {
namespace hyperpred {

namespace po = boost::program_options;

namespace {

// Where describeCommand waits for the page of the command that it runs; null in an ordinary run.
CommandPage* gAsked = nullptr;

// program_options tells a value's name and default only as "NAME (=default)".
OptionEntry entryOf(const po::option_description& option) {
    OptionEntry entry;
    entry.name = option.long_name();
    const std::string dashed = option.canonical_display_name(po::command_line_style::allow_dash_for_short);
    if (dashed.size() == 2 && dashed[1] != '-') entry.letter = dashed.substr(1);
    entry.meaning = option.description();
    const po::value_semantic& value = *option.semantic();
    entry.required = value.is_required();
    if (value.max_tokens() == 0) return entry;
    const std::string shown = value.name();
    const size_t equals = shown.find(" (=");
    if (equals != std::string::npos) entry.fallback = shown.substr(equals + 3, shown.size() - equals - 4);
    entry.value = shown.substr(0, equals);
    if (entry.value != po::arg) return entry;
    const bool number = dynamic_cast<const po::typed_value<int>*>(&value) != nullptr ||
                        dynamic_cast<const po::typed_value<double>*>(&value) != nullptr;
    entry.choices = number ? std::vector<std::string>() : choicesIn(entry.meaning);
    entry.value = number ? "N" : !entry.choices.empty() ? "NAME" : valueIn(entry.meaning);
    return entry;
}

std::vector<OptionEntry> entriesOf(const po::options_description& options) {
    std::vector<OptionEntry> entries;
    for (const auto& option : options.options()) entries.push_back(entryOf(*option));
    return entries;
}

}  // namespace

CommandPage describeCommand(const std::function<void()>& run) {
    CommandPage page;
    gAsked = &page;
    try {
        run();
    } catch (...) {
        gAsked = nullptr;
        throw;
    }
    gAsked = nullptr;
    return page;
}

Arguments::Arguments(const std::string& usage, const po::options_description& visible,
                     const std::vector<std::string>& positional, const std::vector<std::string>& arguments) {
    po::options_description all;
    all.add(visible);
    all.add_options()("help,h", "this text");
    if (gAsked != nullptr) {
        gAsked->usage = usage;
        gAsked->options = entriesOf(all);
        helped_ = true;
        return;
    }
    po::options_description hidden;
    po::positional_options_description order;
    std::vector<std::string> needed;
    for (const std::string& name : positional) {
        const bool rest = name.size() > 3 && name.compare(name.size() - 3, 3, "...") == 0;
        const bool optional = name.back() == '?';
        const std::string key = name.substr(0, name.size() - (rest ? 3 : optional ? 1 : 0));
        if (rest) {
            hidden.add_options()(key.c_str(), po::value<std::vector<std::string>>());
        } else {
            hidden.add_options()(key.c_str(), po::value<std::string>());
        }
        order.add(key.c_str(), rest ? -1 : 1);
        if (!optional) needed.push_back(key);
    }
    po::options_description accepted;
    accepted.add(all).add(hidden);
    try {
        po::store(po::command_line_parser(arguments).options(accepted).positional(order).run(), values_);
    } catch (const po::error& error) {
        throw WrongUse(std::string(error.what()) + " (usage: " + usage + ")");
    }
    if (values_.count("help") > 0) {
        CommandPage page;
        page.usage = usage;
        page.options = entriesOf(all);
        std::cout << helpText(page);
        helped_ = true;
        return;
    }
    for (const std::string& key : needed) {
        if (values_.count(key) == 0) throw WrongUse(key + " is missing (usage: " + usage + ")");
    }
    try {
        po::notify(values_);
    } catch (const po::error& error) {
        throw WrongUse(std::string(error.what()) + " (usage: " + usage + ")");
    }
}

bool Arguments::helped() const {
    return helped_;
}

bool Arguments::has(const std::string& name) const {
    return values_.count(name) > 0;
}

bool Arguments::given(const std::string& name) const {
    return has(name) && !values_[name].defaulted();
}

const std::vector<std::string>& Arguments::rest(const std::string& name) const {
    return get<std::vector<std::string>>(name);
}

void useThreads(const Arguments& arguments) {
    const int threads = arguments.get<int>("threads");
    if (threads < 0) throw WrongUse("--threads " + std::to_string(threads) + ": 0 (all cores) or more is expected");
    if (threads > 0) cv::setNumThreads(threads);
}

}  // namespace hyperpred
}  // namespace cv
