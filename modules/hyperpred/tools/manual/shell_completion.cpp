// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "shell_completion.hpp"

namespace cv {
namespace hyperpred {

namespace {

std::string replaced(std::string text, const std::string& what, const std::string& by) {
    for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
        text.replace(at, what.size(), by);
    }
    return text;
}

// In single quotes; bash and zsh end the quotes for a quote, fish escapes it.
std::string quoted(const std::string& text) {
    return "'" + replaced(text, "'", "'\\''") + "'";
}

std::string quotedForFish(const std::string& text) {
    return "'" + replaced(replaced(text, "\\", "\\\\"), "'", "\\'") + "'";
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

std::vector<std::string> commandNames(const ProgramPage& program) {
    std::vector<std::string> names;
    for (const CommandPage& command : program.commands) names.push_back(command.name);
    return names;
}

// The name of a shell function: letters, digits and underscores.
std::string functionName(const ProgramPage& program) {
    return "_" + replaced(program.name, "-", "_");
}

std::string replyWith(const std::vector<std::string>& words) {
    return "mapfile -t COMPREPLY < <(compgen -W " + quoted(joined(words)) + " -- \"$word\")";
}

// What bash does behind an option: a line of a `case`.
std::string bashValue(const CommandPage& command, const OptionEntry& option) {
    std::string pattern = command.name + ":--" + option.name;
    if (!option.letter.empty()) pattern += "|" + command.name + ":-" + option.letter;
    std::string action = "return";  // an empty reply: readline completes files
    if (!option.choices.empty()) {
        action = replyWith(option.choices) + "; return";
    } else if (option.value == "FOLDER") {
        action = "compopt -o dirnames; return";
    } else if (option.value == "N") {
        action = "compopt +o default; return";  // nothing to offer
    }
    return "        " + pattern + ") " + action + " ;;\n";
}

std::string zshSpecification(const OptionEntry& option) {
    std::string meaning = replaced(option.meaning, "\\", "\\\\");
    for (const char* special : {"[", "]", ":"}) meaning = replaced(meaning, special, std::string("\\") + special);
    std::string value;
    if (!option.value.empty()) {
        value = ":" + option.value + ":";
        if (!option.choices.empty()) {
            value += "(" + joined(option.choices) + ")";
        } else if (option.value == "FOLDER") {
            value += "_files -/";
        } else if (option.value != "N") {
            value += "_files";
        }
    }
    const std::string text = "[" + meaning + "]" + value;
    if (option.letter.empty()) return quoted("--" + option.name + text);
    return quoted("(-" + option.letter + " --" + option.name + ")") + "{-" + option.letter + ",--" + option.name + "}" +
           quoted(text);
}

std::string fishOption(const ProgramPage& program, const CommandPage& command, const OptionEntry& option) {
    std::string line =
        "complete -c " + program.name + " -n '__fish_seen_subcommand_from " + command.name + "' -l " + option.name;
    if (!option.letter.empty()) line += " -s " + option.letter;
    if (!option.choices.empty()) {
        line += " -x -a " + quotedForFish(joined(option.choices));
    } else if (option.value == "FOLDER") {
        line += " -x -a '(__fish_complete_directories)'";
    } else if (option.value == "N") {
        line += " -x";
    } else if (!option.value.empty()) {
        line += " -r -F";
    }
    return line + " -d " + quotedForFish(option.meaning) + "\n";
}

}  // namespace

std::string bashCompletion(const ProgramPage& program) {
    std::vector<std::string> first = commandNames(program);
    first.insert(first.end(), {"--help", "--version"});
    std::string text = "# bash completion for " + program.name + ", written by `" + program.name + " help --bash`\n" +
                       functionName(program) +
                       "() {\n"
                       "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
                       "    COMPREPLY=()\n"
                       "    # --head=ri comes as three words\n"
                       "    if [ \"$word\" = = ]; then\n"
                       "        word=\n"
                       "    elif [ \"$before\" = = ] && [ \"$COMP_CWORD\" -gt 2 ]; then\n"
                       "        before=${COMP_WORDS[COMP_CWORD - 2]}\n"
                       "    fi\n"
                       "    if [ \"$COMP_CWORD\" = 1 ]; then\n        " +
                       replyWith(first) +
                       "\n        return\n    fi\n"
                       "    case ${COMP_WORDS[1]}:$before in\n";
    for (const CommandPage& command : program.commands) {
        for (const OptionEntry& option : command.options) {
            if (!option.value.empty()) text += bashValue(command, option);
        }
    }
    text += "    esac\n    case ${COMP_WORDS[1]}:$word in\n";
    for (const CommandPage& command : program.commands) {
        std::vector<std::string> names;
        for (const OptionEntry& option : command.options) names.push_back("--" + option.name);
        if (!names.empty()) text += "        " + command.name + ":-*) " + replyWith(names) + " ;;\n";
    }
    return text + "    esac\n}\ncomplete -o default -F " + functionName(program) + " " + program.name + "\n";
}

std::string zshCompletion(const ProgramPage& program) {
    std::string text = "#compdef " + program.name + "\n# written by `" + program.name + " help --zsh`\n" +
                       functionName(program) + "() {\n    if (( CURRENT == 2 )); then\n        local -a commands=(\n";
    for (const CommandPage& command : program.commands) {
        text += "            " + quoted(command.name + ":" + replaced(command.summary, ":", "\\:")) + "\n";
    }
    text +=
        "        )\n        _describe command commands\n        return\n    fi\n"
        "    local command=$words[2]\n    shift words\n    (( CURRENT-- ))\n    case $command in\n";
    for (const CommandPage& command : program.commands) {
        text += "        " + command.name + ")\n            _arguments -s";
        for (const OptionEntry& option : command.options) text += " \\\n                " + zshSpecification(option);
        text += " \\\n                '*:file:_files'\n            ;;\n";
    }
    return text + "    esac\n}\n" + functionName(program) + " \"$@\"\n";
}

std::string fishCompletion(const ProgramPage& program) {
    std::string text = "# fish completion for " + program.name + ", written by `" + program.name + " help --fish`\n";
    for (const CommandPage& command : program.commands) {
        text += "complete -c " + program.name + " -n __fish_use_subcommand -f -a " + command.name + " -d " +
                quotedForFish(command.summary) + "\n";
    }
    for (const CommandPage& command : program.commands) {
        for (const OptionEntry& option : command.options) text += fishOption(program, command, option);
    }
    return text;
}

}  // namespace hyperpred
}  // namespace cv
