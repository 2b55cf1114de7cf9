// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "help_command.hpp"

#include <cstdlib>
#include <ctime>
#include <iostream>

#include "manual_page.hpp"
#include "shell_completion.hpp"

namespace cv {
namespace hyperpred {

namespace {

OptionEntry form(const char* name, const char* meaning) {
    OptionEntry option;
    option.name = name;
    option.meaning = meaning;
    return option;
}

// https://reproducible-builds.org/docs/source-date-epoch: the same package from the same source, whenever it is built.
std::time_t pageDay() {
    const char* given = std::getenv("SOURCE_DATE_EPOCH");
    const long long seconds = given == nullptr ? 0 : std::strtoll(given, nullptr, 10);
    return seconds > 0 ? std::time_t(seconds) : std::time(nullptr);
}

}  // namespace

CommandPage helpCommandPage(const std::string& program) {
    return {"help",
            program + " help [COMMAND | --man | --bash | --zsh | --fish]",
            "explains a command, or writes the manual page or a shell's completion",
            {form("man", "the manual page, for `man -l -`"), form("bash", "the completion for bash, to be sourced"),
             form("zsh", "the completion for zsh, to be put into a folder of fpath"),
             form("fish", "the completion for fish")}};
}

int runHelp(const ProgramPage& program, const std::vector<std::string>& arguments) {
    const std::string what = arguments.empty() ? "" : arguments[0];
    const CommandPage* command = findCommand(program, what);
    if (arguments.size() > 1) {
        std::cerr << program.name << " help: one thing at a time; \"" << arguments[1] << "\" is too much\n";
        return 2;
    }
    if (what.empty() || what == "--help" || what == "-h") {
        std::cout << helpText(program);
    } else if (what == "--man") {
        std::cout << manualPage(program, pageDay());
    } else if (what == "--bash") {
        std::cout << bashCompletion(program);
    } else if (what == "--zsh") {
        std::cout << zshCompletion(program);
    } else if (what == "--fish") {
        std::cout << fishCompletion(program);
    } else if (command != nullptr) {
        std::cout << helpText(*command);
    } else {
        std::cerr << program.name << " help: there is no command \"" << what << "\"; " << program.name
                  << " --help lists them\n";
        return 2;
    }
    if (!std::cout.flush()) {  // a page that is cut short would be installed
        std::cerr << program.name << " help: the standard output cannot be written, so some of it is missing\n";
        return 1;
    }
    return 0;
}

}  // namespace hyperpred
}  // namespace cv
