// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE atomic_file
#include <boost/test/unit_test.hpp>

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "atomic_file.hpp"
#include "plain_user.hpp"
#include "sentence.hpp"
#include "temporary_folder.hpp"

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;
namespace fs = std::filesystem;

namespace {

size_t filesIn(const TemporaryFolder& folder) {
    return size_t(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()));
}

std::string contents(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

void put(const std::string& path, const std::string& text) {
    writeAtomically(path, [&](std::ostream& out) { out << text; });
}

}  // namespace

BOOST_AUTO_TEST_CASE(writes_what_it_is_given) {
    const TemporaryFolder folder;
    std::string large(300001, 'x');  // several times the buffer, and not a multiple of it
    for (size_t i = 0; i < large.size(); ++i) large[i] = char('a' + i % 23);
    for (const std::string& text : {std::string(), std::string("one\0two", 7), large}) {
        put(folder.file("a.bin"), text);
        BOOST_TEST((contents(folder.file("a.bin")) == text));
    }
    writeAtomically(folder.file("a.bin"), [&](std::ostream& out) {
        for (char c : large) out.put(c);
    });
    BOOST_TEST((contents(folder.file("a.bin")) == large));
    BOOST_TEST(filesIn(folder) == 1u);
}

BOOST_AUTO_TEST_CASE(a_failing_writer_leaves_the_old_file) {
    const TemporaryFolder folder;
    const std::string path = folder.file("a.txt");
    put(path, "old");
    const auto thrown = [&] {
        writeAtomically(path, [](std::ostream& out) {
            out << "half";
            throw std::runtime_error("the writer's own words");
        });
    };
    BOOST_TEST(holds(sentenceOf(thrown), "the writer's own words"));
    const auto failed = [&] { writeAtomically(path, [](std::ostream& out) { out.setstate(std::ios::failbit); }); };
    BOOST_TEST(holds(sentenceOf(failed), path));
    BOOST_TEST(contents(path) == "old");
    BOOST_TEST(filesIn(folder) == 1u);
}

// What a full disk looks like to the writer: write() stops with an error number in the middle.
BOOST_AUTO_TEST_CASE(a_write_that_the_system_refuses_leaves_the_old_file) {
    const TemporaryFolder folder;
    const std::string path = folder.file("a.txt");
    put(path, "old");
    rlimit before;
    BOOST_REQUIRE_EQUAL(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto handler = ::signal(SIGXFSZ, SIG_IGN);
    rlimit small = before;
    small.rlim_cur = 100000;
    BOOST_REQUIRE_EQUAL(::setrlimit(RLIMIT_FSIZE, &small), 0);
    const std::string error = sentenceOf([&] { put(path, std::string(1000000, 'x')); });
    ::setrlimit(RLIMIT_FSIZE, &before);
    ::signal(SIGXFSZ, handler);
    BOOST_TEST(holds(error, "File too large"));
    BOOST_TEST(holds(error, path));
    BOOST_TEST(contents(path) == "old");
    BOOST_TEST(filesIn(folder) == 1u);
}

BOOST_AUTO_TEST_CASE(a_missing_folder_is_named) {
    const TemporaryFolder folder;
    const std::string error = sentenceOf([&] { put(folder.file("none/a.txt"), "x"); });
    BOOST_TEST(holds(error, "none/a.txt"));
    BOOST_TEST(holds(error, "No such file"));
    BOOST_TEST(holds(sentenceOf([&] { put("", "x"); }), "names no file"));
    BOOST_TEST(holds(sentenceOf([&] { put(folder.file("a/"), "x"); }), "names no file"));
    BOOST_TEST(filesIn(folder) == 0u);
}

BOOST_AUTO_TEST_CASE(a_read_only_folder_keeps_its_file) {
    const TemporaryFolder folder;
    put(folder.file("a.txt"), "old");
    ::chmod(folder.path.c_str(), 0555);
    BOOST_TEST(test::asPlainUser(
        [&] { return holds(sentenceOf([&] { put(folder.file("a.txt"), "new"); }), "Permission denied"); }));
    ::chmod(folder.path.c_str(), 0755);
    BOOST_TEST(contents(folder.file("a.txt")) == "old");
    BOOST_TEST(filesIn(folder) == 1u);
}

BOOST_AUTO_TEST_CASE(folders_and_devices_are_not_replaced) {
    const TemporaryFolder folder;
    fs::create_directory(folder.path / "d");
    BOOST_TEST(holds(sentenceOf([&] { put(folder.file("d"), "x"); }), "directory"));
    BOOST_TEST(holds(sentenceOf([] { put("/dev/full", "x"); }), "not a regular file"));
    BOOST_TEST(fs::is_character_file("/dev/full"));
    BOOST_TEST(filesIn(folder) == 1u);
}

BOOST_AUTO_TEST_CASE(a_link_stays_a_link) {
    const TemporaryFolder folder;
    fs::create_directory(folder.path / "d");
    put(folder.file("d/target"), "old");
    fs::create_symlink("d/target", folder.path / "link");
    put(folder.file("link"), "new");
    BOOST_TEST(fs::is_symlink(folder.path / "link"));
    BOOST_TEST(contents(folder.file("d/target")) == "new");
}

BOOST_AUTO_TEST_CASE(names_and_permissions_are_the_usual_ones) {
    const TemporaryFolder folder;
    const mode_t mask = ::umask(027);
    const std::string path = folder.file("a 'quoted'\n\xff.txt");
    put(path, "x");
    ::umask(mask);
    struct stat status;
    BOOST_REQUIRE_EQUAL(::stat(path.c_str(), &status), 0);
    BOOST_TEST((status.st_mode & 0777) == 0640u);
    for (const unsigned kept : {0600u, 0666u}) {  // less, and more, than the umask would give
        ::chmod(path.c_str(), kept);
        put(path, "y");
        BOOST_REQUIRE_EQUAL(::stat(path.c_str(), &status), 0);
        BOOST_TEST((status.st_mode & 0777) == kept);
    }
    put(folder.file(std::string(255, 'n')), "longest name");
    BOOST_TEST(filesIn(folder) == 2u);
}

BOOST_AUTO_TEST_CASE(readers_and_many_writers_see_whole_files) {
    const TemporaryFolder folder;
    const std::string path = folder.file("a.txt");
    put(path, std::string(50000, '0'));
    std::vector<std::thread> writers;
    for (int t = 0; t < 4; ++t) {
        writers.emplace_back([&, t] {
            for (int i = 0; i < 20; ++i) put(path, std::string(50000, char('1' + t)));
        });
    }
    bool whole = true;
    for (int i = 0; i < 200; ++i) {
        const std::string text = contents(path);
        whole = whole && text.size() == 50000 && text == std::string(50000, text[0]);
    }
    for (std::thread& writer : writers) writer.join();
    BOOST_TEST(whole);
    BOOST_TEST(filesIn(folder) == 1u);
}

BOOST_AUTO_TEST_CASE(files_that_belong_together_change_together) {
    const TemporaryFolder folder;
    put(folder.file("a"), "old a");
    put(folder.file("b"), "old b");
    const auto text = [](const char* words) { return [words](std::ostream& out) { out << words; }; };
    const auto broken = [](std::ostream&) { throw std::runtime_error("broken"); };
    BOOST_TEST(sentenceOf([&] {
                   writeTogether({{folder.file("a"), text("new a")}, {folder.file("b"), broken}});
               }) == "broken");
    BOOST_TEST(sentenceOf([&] {
                   writeTogether({{folder.file("a"), text("new a")}, {folder.file("no/b"), text("b")}});
               }) != "");
    BOOST_TEST(sentenceOf([&] {
                   writeTogether({{folder.file("a"), text("new a")}, {folder.path.string(), text("b")}});
               }) != "");
    BOOST_TEST(contents(folder.file("a")) == "old a");
    BOOST_TEST(contents(folder.file("b")) == "old b");
    writeTogether({{folder.file("a"), text("new a")}, {folder.file("b"), text("new b")}});
    BOOST_TEST(contents(folder.file("a")) == "new a");
    BOOST_TEST(contents(folder.file("b")) == "new b");
    BOOST_TEST(filesIn(folder) == 2u);
    for (const std::string& same : {folder.file("a"), folder.file("./a")}) {
        const auto twice = [&] { writeTogether({{folder.file("a"), text("1")}, {same, text("2")}}); };
        BOOST_TEST(holds(sentenceOf(twice), "need a path each"));
    }
    BOOST_TEST(contents(folder.file("a")) == "new a");
}

// The last rename finds a folder in its place, which came there while the file was written.
BOOST_AUTO_TEST_CASE(a_refused_rename_takes_the_others_back) {
    const TemporaryFolder folder;
    const auto text = [](const char* words) { return [words](std::ostream& out) { out << words; }; };
    const auto blocked = [&](std::ostream&) { fs::create_directories(folder.path / "c" / "d"); };
    put(folder.file("a"), "old a");
    BOOST_TEST(sentenceOf([&] {
                   writeTogether({{folder.file("a"), text("new a")},
                                  {folder.file("b"), text("new b")},
                                  {folder.file("c"), blocked}});
               }) != "");
    BOOST_TEST(contents(folder.file("a")) == "old a");
    BOOST_TEST(!fs::exists(folder.file("b")));
    BOOST_TEST(filesIn(folder) == 2u);  // a and the folder
}
