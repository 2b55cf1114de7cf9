// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_PROGRAM_PAGE_HPP
#define HYPERPRED_TOOL_PROGRAM_PAGE_HPP

#include <string>
#include <utility>
#include <vector>

namespace cv {
namespace hyperpred {

// An option as --help, the manual and the completion of the shells show it.
struct OptionEntry {
    std::string name;                  // "head", without dashes
    std::string letter;                // "o" for -o, or empty
    std::string value;                 // what follows it: FILE, FOLDER, N (a number) or another word; empty: a switch
    std::vector<std::string> choices;  // the only values, where there are such
    std::string fallback;              // the value without the option, or empty
    bool required = false;
    std::string meaning;
};

// One command of a program. What the command itself parses by is what stands here: there is no second list.
struct CommandPage {
    std::string name;     // "predict"
    std::string usage;    // "hyperpred predict DIR --out NET [options]"
    std::string summary;  // "predicts a network for a folder of classes"
    std::vector<OptionEntry> options;
};

// A heading of the manual with its terms, each explained: ("ENVIRONMENT", {("TMPDIR", "where ...")}).
struct ManualSection {
    std::string title;
    std::vector<std::pair<std::string, std::string>> entries;
};

struct ProgramPage {
    std::string name;         // "hyperpred"
    std::string version;      // "0.1.0"
    std::string summary;      // "predicts image classifiers ...", lower case and without a full stop
    std::string description;  // sentences
    std::vector<CommandPage> commands;
    std::vector<ManualSection> sections;  // behind the commands
    std::vector<std::string> seeAlso;     // other programs
};

const CommandPage* findCommand(const ProgramPage& program, const std::string& name);  // null where there is none

// A description that is a list of words, or ends or begins with one and a colon ("auto, cpu or cuda", "how to
// pool: rms or mean"), names the only values of its option; anything else gives no choice. So who describes an option
// this way completes it, too.
std::vector<std::string> choicesIn(const std::string& meaning);
// FILE, FOLDER or VALUE, by what the description of a text option speaks of.
std::string valueIn(const std::string& meaning);

std::string helpText(const ProgramPage& program);
std::string helpText(const CommandPage& command);

}  // namespace hyperpred
}  // namespace cv

#endif
