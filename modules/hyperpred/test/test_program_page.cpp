// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE program_page
#include <boost/test/unit_test.hpp>

#include "command.hpp"
#include "program_page.hpp"

using namespace cv::hyperpred;
using Words = std::vector<std::string>;

namespace {

void runGrow(const Words& given) {
    namespace po = boost::program_options;
    po::options_description options("options");
    options.add_options()
        ("out,o", po::value<std::string>()->required(), "ONNX file to write")
        ("head", po::value<std::string>()->default_value("ridge"), "ridge, cosine or lda")
        ("rate", po::value<double>()->default_value(0.01, "0.01"), "share of what: plain or steep")
        ("work", po::value<std::string>(), "folder for pictures")
        ("drop", po::value<std::string>()->value_name("CLASS"), "class of a folder to forget")
        ("json", "print as JSON");
    const Arguments arguments("hyperpred grow DIR [options]", options, {"DIR"}, given);
    BOOST_REQUIRE(arguments.helped());  // nothing behind the arguments may run
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_description_with_a_list_names_the_choices) {
    BOOST_TEST((choicesIn("auto, cpu, cuda or reference") == Words{"auto", "cpu", "cuda", "reference"}));
    BOOST_TEST((choicesIn("how a stage's map becomes numbers: rms or mean") == Words{"rms", "mean"}));
    BOOST_TEST((choicesIn("onnx, onnx-fp16 or onnx-int8: how to write it") == Words{"onnx", "onnx-fp16", "onnx-int8"}));
    BOOST_TEST(choicesIn("class to forget; may be given again").empty());
    BOOST_TEST(choicesIn("report to write, .html or .json").empty());
    BOOST_TEST(choicesIn("a file, or the name of one in test/bench").empty());
    BOOST_TEST(choicesIn("0: all cores").empty());
    BOOST_TEST(choicesIn("3,4 or 5").empty());
    BOOST_TEST(choicesIn("this or ").empty());
    BOOST_TEST(choicesIn("").empty());
}

BOOST_AUTO_TEST_CASE(a_description_says_whether_it_is_a_file_or_a_folder) {
    BOOST_TEST(valueIn("ONNX file to write") == "FILE");
    BOOST_TEST(valueIn("report to write, .html or .json") == "FILE");
    BOOST_TEST(valueIn("folder for packed files") == "FOLDER");
    BOOST_TEST(valueIn("only this one") == "VALUE");
    BOOST_TEST(valueIn("stages to pool, e.g. 3,4") == "VALUE");
    BOOST_TEST(valueIn("ends in a dot.") == "VALUE");
}

BOOST_AUTO_TEST_CASE(a_command_is_described_by_what_it_parses) {
    const CommandPage page = describeCommand([] { runGrow({}); });
    BOOST_TEST(page.usage == "hyperpred grow DIR [options]");
    BOOST_REQUIRE(page.options.size() == 7u);
    const OptionEntry &out = page.options[0], &head = page.options[1], &rate = page.options[2];
    BOOST_TEST(out.name == "out");
    BOOST_TEST(out.letter == "o");
    BOOST_TEST(out.value == "FILE");
    BOOST_TEST(out.required);
    BOOST_TEST(head.letter == "");
    BOOST_TEST(head.fallback == "ridge");
    BOOST_TEST((head.choices == Words{"ridge", "cosine", "lda"}));
    BOOST_TEST(!head.required);
    BOOST_TEST(rate.value == "N");
    BOOST_TEST(rate.fallback == "0.01");
    BOOST_TEST(rate.choices.empty());  // a number, whatever its description
    BOOST_TEST(page.options[3].value == "FOLDER");
    BOOST_TEST(page.options[4].value == "CLASS");  // as the option says itself
    BOOST_TEST(page.options[5].value == "");
    BOOST_TEST(page.options[6].name == "help");
    BOOST_TEST(page.options[6].letter == "h");
}

BOOST_AUTO_TEST_CASE(after_a_description_commands_run_again) {
    describeCommand([] { runGrow({}); });
    BOOST_CHECK_THROW(runGrow({}), WrongUse);
    BOOST_CHECK_THROW(describeCommand([] { throw std::runtime_error("before its arguments"); }), std::runtime_error);
    BOOST_CHECK_THROW(runGrow({}), WrongUse);
}

BOOST_AUTO_TEST_CASE(help_lists_every_option_once_within_the_width) {
    CommandPage page = describeCommand([] { runGrow({}); });
    page.options[3].meaning = std::string(40, 'a') + " " + std::string(40, 'b') + " " + std::string(20, 'c');
    const std::string text = helpText(page);
    BOOST_TEST(text.find("usage: hyperpred grow DIR [options]\n\noptions:\n"
                         "  -o, --out FILE          ONNX file to write (required)\n"
                         "      --head NAME         ridge, cosine or lda (default: ridge)\n") == 0u);
    BOOST_TEST(text.find("      --json              print as JSON\n  -h, --help              this text\n") !=
               std::string::npos);
    BOOST_TEST(text.find(std::string(40, 'a') + "\n" + std::string(26, ' ') + std::string(40, 'b') + " " +
                         std::string(20, 'c') + "\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(help_of_a_program_lists_commands_and_sections) {
    ProgramPage program;
    program.name = "grow";
    program.description = "It grows.";
    program.commands.resize(1);
    program.commands[0].name = "plant";
    program.commands[0].summary = "puts it down";
    program.sections = {{"EXIT STATUS", {{"0", "Done."}}}};
    BOOST_TEST(helpText(program) ==
               "usage: grow COMMAND ...\n\nIt grows.\n\ncommands:\n  plant                   puts it down\n\n"
               "grow COMMAND --help lists a command's options, grow --version tells the version.\n\nexit status:\n"
               "  0                       Done.\n");
    BOOST_TEST(findCommand(program, "plant") == &program.commands[0]);
    BOOST_TEST(findCommand(program, "plan") == nullptr);
}
