// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <iomanip>
#include <iostream>

#include "command.hpp"
#include "health.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::ordered_json;

const char* stateName(Finding::State state) {
    return state == Finding::State::Ok ? "ok" : state == Finding::State::Note ? "note" : "FAILED";
}

Json toJson(const std::vector<Finding>& findings, bool well) {
    Json checks = Json::array();
    for (const Finding& finding : findings) {
        Json check = {{"check", finding.subject},
                      {"state", finding.state == Finding::State::Failed ? "failed" : stateName(finding.state)},
                      {"text", finding.sentence}};
        for (const auto& item : finding.data.items()) check[item.key()] = item.value();
        checks.push_back(check);
    }
    return {{"well", well}, {"checks", checks}};
}

}  // namespace

int runDoctor(const std::vector<std::string>& given) {
    boost::program_options::options_description options("options");
    options.add_options()("json", "print as JSON");
    const Arguments arguments("hyperpred doctor [--json]", options, {}, given);
    if (arguments.helped()) return 0;
    const std::vector<Finding> findings = examineInstallation();
    int failures = 0;
    std::string first;
    for (const Finding& finding : findings) {
        if (finding.state != Finding::State::Failed) continue;
        if (failures++ == 0) first = finding.subject + ": " + finding.sentence;
    }
    if (arguments.has("json")) {
        std::cout << toJson(findings, failures == 0).dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
    } else {
        for (const Finding& finding : findings) {
            std::cout << std::left << std::setw(8) << stateName(finding.state) << std::setw(14) << finding.subject
                      << finding.sentence << "\n";
        }
    }
    std::cout.flush();
    if (failures > 0) {
        throw CannotDo(std::to_string(failures) + " of " + std::to_string(findings.size()) + " checks failed; " +
                       first);
    }
    return 0;
}

}  // namespace hyperpred
}  // namespace cv
