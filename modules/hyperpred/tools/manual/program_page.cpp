// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "program_page.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace cv {
namespace hyperpred {

namespace {

const size_t kWidth = 100;     // columns of a help text
const size_t kMeaningAt = 26;  // where the second column starts

// A word of a list of choices: "rms", "onnx-fp16", "all"; not ".html" or "3,4".
bool isChoice(const std::string& word) {
    return !word.empty() && std::islower(static_cast<unsigned char>(word[0])) != 0 &&
           std::all_of(word.begin(), word.end(), [](unsigned char c) {
               return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '-' || c == '_';
           });
}

// The words of "auto, cpu, cuda or reference"; none where anything else stands among them.
std::vector<std::string> listedWords(const std::string& list) {
    const size_t last = list.rfind(" or ");
    if (last == std::string::npos) return {};
    std::vector<std::string> words;
    for (size_t at = 0; at <= last;) {
        const size_t comma = std::min(list.find(", ", at), last);
        words.push_back(list.substr(at, comma - at));
        at = comma + 2;
    }
    words.push_back(list.substr(last + 4));
    return std::all_of(words.begin(), words.end(), isChoice) ? words : std::vector<std::string>();
}

// Words broken at the width, every line but the first behind `indent` blanks.
std::string wrapped(const std::string& text, size_t column, size_t indent) {
    std::istringstream words(text);
    std::string result;
    bool first = true;
    for (std::string word; words >> word; first = false) {
        if (!first && column + 1 + word.size() > kWidth) {
            result += "\n" + std::string(indent, ' ');
            column = indent;
        } else if (!first) {
            result += ' ';
            ++column;
        }
        result += word;
        column += word.size();
    }
    return result;
}

std::string row(const std::string& term, const std::string& meaning) {
    std::string line = "  " + term;
    if (line.size() + 2 > kMeaningAt) {
        line += "\n" + std::string(kMeaningAt, ' ');
    } else {
        line.resize(kMeaningAt, ' ');
    }
    return line + wrapped(meaning, kMeaningAt, kMeaningAt) + "\n";
}

}  // namespace

const CommandPage* findCommand(const ProgramPage& program, const std::string& name) {
    for (const CommandPage& command : program.commands) {
        if (command.name == name) return &command;
    }
    return nullptr;
}

std::vector<std::string> choicesIn(const std::string& meaning) {
    const size_t first = meaning.find(": "), last = meaning.rfind(": ");
    const std::vector<std::string> choices = listedWords(meaning.substr(last == std::string::npos ? 0 : last + 2));
    return choices.empty() && first != std::string::npos ? listedWords(meaning.substr(0, first)) : choices;
}

std::string valueIn(const std::string& meaning) {
    if (meaning.find("folder") != std::string::npos) return "FOLDER";
    // The ending of a file: a dot in front of a word ("(.json)"), not within one ("e.g.").
    for (size_t dot = meaning.find('.'); dot != std::string::npos; dot = meaning.find('.', dot + 1)) {
        const bool starts = dot == 0 || std::isalnum(static_cast<unsigned char>(meaning[dot - 1])) == 0;
        if (starts && dot + 1 < meaning.size() && std::islower(static_cast<unsigned char>(meaning[dot + 1])) != 0) {
            return "FILE";
        }
    }
    return meaning.find("file") != std::string::npos ? "FILE" : "VALUE";
}

std::string helpText(const ProgramPage& program) {
    std::string text = "usage: " + program.name + " COMMAND ...\n\n" + wrapped(program.description, 0, 0) + "\n\n";
    text += "commands:\n";
    for (const CommandPage& command : program.commands) text += row(command.name, command.summary);
    text += "\n" + program.name + " COMMAND --help lists a command's options, " + program.name +
            " --version tells the version.\n";
    for (const ManualSection& section : program.sections) {
        std::string title = section.title;
        for (size_t i = 0; i < title.size(); ++i) title[i] = char(std::tolower(static_cast<unsigned char>(title[i])));
        text += "\n" + title + ":\n";
        for (const auto& entry : section.entries) text += row(entry.first, entry.second);
    }
    return text;
}

std::string helpText(const CommandPage& command) {
    std::string text = "usage: " + command.usage + "\n\noptions:\n";
    for (const OptionEntry& option : command.options) {
        std::string term = option.letter.empty() ? "    " : "-" + option.letter + ", ";
        term += "--" + option.name + (option.value.empty() ? "" : " " + option.value);
        std::string meaning = option.meaning;
        if (option.required) meaning += " (required)";
        if (!option.fallback.empty()) meaning += " (default: " + option.fallback + ")";
        text += row(term, meaning);
    }
    return text;
}

}  // namespace hyperpred
}  // namespace cv
