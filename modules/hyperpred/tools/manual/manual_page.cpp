// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "manual_page.hpp"

#include <algorithm>
#include <cctype>

namespace cv {
namespace hyperpred {

namespace {

// Text that no formatter takes for a request or an escape. `literal`: what is typed or a name, where a hyphen must stay
// the ASCII one, so that it can be searched for and copied.
std::string escaped(const std::string& text, bool literal) {
    std::string result;
    for (const char c : text) {
        if (c == '\\') {
            result += "\\e";
        } else if (c == '-' && literal) {
            result += "\\-";
        } else if (c == '\'' && literal) {
            result += "\\(aq";
        } else {
            result += c;
        }
    }
    return !result.empty() && (result[0] == '.' || result[0] == '\'') ? "\\&" + result : result;
}

std::string bold(const std::string& text) {
    return "\\fB" + escaped(text, true) + "\\fR";
}

std::string italic(const std::string& text) {
    return "\\fI" + escaped(text, true) + "\\fR";
}

std::string capitals(std::string text) {
    for (char& c : text) c = char(std::toupper(static_cast<unsigned char>(c)));
    return text;
}

// A line of the source a sentence, as man-pages(7) asks.
std::string sentences(const std::string& text) {
    std::string lines;
    for (size_t at = 0; at < text.size();) {
        const size_t stop = text.find(". ", at);
        const size_t end = stop == std::string::npos ? text.size() : stop + 1;
        lines += escaped(text.substr(at, end - at), false) + "\n";
        at = end + 1;
    }
    return lines;
}

std::string optionEntry(const OptionEntry& option) {
    std::string text = ".TP\n";
    if (!option.letter.empty()) text += bold("-" + option.letter) + ", ";
    text += bold("--" + option.name);
    if (!option.value.empty()) text += " " + italic(option.value);
    text += "\n";
    std::string meaning = option.meaning;
    if (option.required) meaning += " (required)";
    if (!option.fallback.empty()) meaning += " (default: " + option.fallback + ")";
    return text + sentences(meaning);
}

std::string date(std::time_t day) {
    std::tm parts{};
    gmtime_r(&day, &parts);
    char text[16];
    std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
    return text;
}

}  // namespace

std::string manualPage(const ProgramPage& program, std::time_t day) {
    std::string text = ".TH " + escaped(capitals(program.name), true) + " 1 " + date(day) + " \"" + program.name + " " +
                       program.version + "\" \"User Commands\"\n";
    text += ".SH NAME\n" + escaped(program.name, true) + " \\- " + escaped(program.summary, false) + "\n";
    text += ".SH SYNOPSIS\n" + bold(program.name) + " " + italic("COMMAND") + " ...\n.br\n" + bold(program.name) + " " +
            bold("help") + " [" + italic("COMMAND") + "]\n.br\n" + bold(program.name + " --version") + "\n";
    text += ".SH DESCRIPTION\n" + sentences(program.description);
    text += ".SH COMMANDS\n";
    for (const CommandPage& command : program.commands) {
        text += ".SS " + escaped(command.name, true) + "\n" + bold(command.usage) + "\n.PP\n";
        text += sentences(command.summary + ".");
        for (const OptionEntry& option : command.options) text += optionEntry(option);
    }
    for (const ManualSection& section : program.sections) {
        text += ".SH " + escaped(section.title, false) + "\n";
        for (const auto& entry : section.entries) text += ".TP\n" + bold(entry.first) + "\n" + sentences(entry.second);
    }
    text += ".SH SEE ALSO\n";
    for (size_t i = 0; i < program.seeAlso.size(); ++i) {
        text +=
            ".BR " + escaped(program.seeAlso[i], true) + " (1)" + (i + 1 < program.seeAlso.size() ? " ," : "") + "\n";
    }
    return text;
}

}  // namespace hyperpred
}  // namespace cv
