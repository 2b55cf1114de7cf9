// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "command.hpp"

#include <iostream>

namespace cv {
namespace hyperpred {

namespace po = boost::program_options;

Arguments::Arguments(const std::string& usage, const po::options_description& visible,
                     const std::vector<std::string>& positional, const std::vector<std::string>& arguments) {
    po::options_description all;
    all.add(visible);
    all.add_options()("help,h", "this text");
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
        std::cout << "usage: " << usage << "\n" << all;
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

}  // namespace hyperpred
}  // namespace cv
