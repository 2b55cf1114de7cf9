// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE shell_completion
#include <boost/test/unit_test.hpp>

#include "sentence.hpp"
#include "shell_completion.hpp"

using namespace cv::hyperpred;
using test::holds;

namespace {

ProgramPage program() {
    ProgramPage page;
    page.name = "grow-up";
    page.commands = {{"plant", "", "puts 'it' down: now", {}}, {"help", "", "explains", {}}};
    page.commands[0].options = {{"kind", "k", "NAME", {"oak", "elm"}, "oak", false, "a tree's [kind]: oak or elm"},
                                {"bed", "", "FOLDER", {}, "", false, "where"},
                                {"deep", "", "N", {}, "3", false, "how far"},
                                {"out", "", "FILE", {}, "", true, "file"},
                                {"wet", "", "", {}, "", false, "back\\slash"}};
    return page;
}

}  // namespace

// What the shells make of the real ones is for test/completion.py to see; here it is about quoting.
BOOST_AUTO_TEST_CASE(bash) {
    const std::string script = bashCompletion(program());
    BOOST_TEST(holds(script, "complete -o default -F _grow_up grow-up\n"));
    BOOST_TEST(holds(script, "compgen -W 'plant help --help --version' --"));
    BOOST_TEST(holds(script,
                     "        plant:--kind|plant:-k) mapfile -t COMPREPLY < <(compgen -W 'oak elm' -- \"$word\"); "
                     "return ;;\n"));
    BOOST_TEST(holds(script, "        plant:--bed) compopt -o dirnames; return ;;\n"));
    BOOST_TEST(holds(script, "        plant:--deep) compopt +o default; return ;;\n"));
    BOOST_TEST(holds(script, "        plant:--out) return ;;\n"));
    BOOST_TEST(!holds(script, "plant:--wet)"));
    BOOST_TEST(
        holds(script, "        plant:-*) mapfile -t COMPREPLY < <(compgen -W '--kind --bed --deep --out --wet' --"));
}

BOOST_AUTO_TEST_CASE(zsh) {
    const std::string script = zshCompletion(program());
    BOOST_TEST(script.find("#compdef grow-up\n") == 0u);
    BOOST_TEST(holds(script, "'plant:puts '\\''it'\\'' down\\: now'\n"));
    BOOST_TEST(holds(script, "'(-k --kind)'{-k,--kind}'[a tree'\\''s \\[kind\\]\\: oak or elm]:NAME:(oak elm)'"));
    BOOST_TEST(holds(script, "'--bed[where]:FOLDER:_files -/'"));
    BOOST_TEST(holds(script, "'--deep[how far]:N:'"));
    BOOST_TEST(holds(script, "'--out[file]:FILE:_files'"));
    BOOST_TEST(holds(script, "'--wet[back\\\\slash]'"));
}

BOOST_AUTO_TEST_CASE(fish) {
    const std::string script = fishCompletion(program());
    BOOST_TEST(
        holds(script, "complete -c grow-up -n __fish_use_subcommand -f -a plant -d 'puts \\'it\\' down: now'\n"));
    const std::string start = "complete -c grow-up -n '__fish_seen_subcommand_from plant' -l ";
    BOOST_TEST(holds(script, start + "kind -s k -x -a 'oak elm' -d 'a tree\\'s [kind]: oak or elm'\n"));
    BOOST_TEST(holds(script, start + "bed -x -a '(__fish_complete_directories)' -d 'where'\n"));
    BOOST_TEST(holds(script, start + "deep -x -d 'how far'\n"));
    BOOST_TEST(holds(script, start + "out -r -F -d 'file'\n"));
    BOOST_TEST(holds(script, start + "wet -d 'back\\\\slash'\n"));
}
