// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE support_list
#include <boost/test/unit_test.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "image_files.hpp"
#include "plain_user.hpp"
#include "support_list.hpp"

using namespace cv::hyperpred;
namespace fs = std::filesystem;

namespace {

using Strings = std::vector<std::string>;

// "label:file name" of each listed file.
Strings summary(const LabelledFiles& list) {
    Strings lines;
    for (const LabelledFile& file : list.files) {
        lines.push_back(std::to_string(file.label) + ":" + fs::path(file.path).filename().string());
    }
    return lines;
}

bool holds(const Strings& sentences, const std::string& name, const std::string& reason) {
    return std::any_of(sentences.begin(), sentences.end(), [&](const std::string& sentence) {
        return sentence.find(name) != std::string::npos && sentence.find(reason) != std::string::npos;
    });
}

// An exception whose sentence holds both parts.
template <typename Call>
void refused(const Call& call, const std::string& part, const std::string& other = "") {
    BOOST_CHECK_EXCEPTION(call(), cv::Exception, [&](const cv::Exception& e) {
        const bool right = e.err.find(part) != std::string::npos && e.err.find(other) != std::string::npos;
        if (!right) BOOST_TEST_MESSAGE("expected \"" + part + "\" and \"" + other + "\", got: " + e.err);
        return right;
    });
}

Strings fieldsOf(const std::string& text) {
    Strings fields;
    for (const ListedFile& file : parseLabelledCsv(text, "list")) {
        fields.push_back(file.path + "|" + file.label + "|" + std::to_string(file.line));
    }
    return fields;
}

void malformed(const std::string& text, const std::string& line, const std::string& reason) {
    refused([&] { parseLabelledCsv(text, "list"); }, "list, " + line + ": ", reason);
}

}  // namespace

BOOST_AUTO_TEST_CASE(classes_and_files_in_bytewise_order) {
    const ImageFolder folder;
    for (const char* name : {"b/2.png", "b/10.jpg", "a/x.JPG", "B/y.webp", "\xC3\xA4/z.tiff", "a/X.bmp"}) {
        folder.write(name, "x");
    }
    const LabelledFiles list = listLabelledFiles(folder.path.string(), true);
    BOOST_TEST((list.classNames == Strings{"B", "a", "b", "\xC3\xA4"}));
    BOOST_TEST((summary(list) == Strings{"0:y.webp", "1:X.bmp", "1:x.JPG", "2:10.jpg", "2:2.png", "3:z.tiff"}));
    BOOST_TEST(list.skipped.empty());
    const LabelledFiles slash = listLabelledFiles(folder.path.string() + "/", true);
    BOOST_TEST((slash.classNames == list.classNames));
}

BOOST_AUTO_TEST_CASE(names_of_any_bytes) {
    const ImageFolder folder;
    const Strings names = {"a b.png", "a\"b.png", "a'b.png", "a\nb.png", "\xFF\xFE.png", "-rf.png", "*.png", "a,b.png"};
    for (const std::string& name : names) folder.write("one \"class\"\n\xFF/" + name, "x");
    folder.write("two/z.png", "x");
    const LabelledFiles list = listLabelledFiles(folder.path.string(), true);
    BOOST_TEST((list.classNames == Strings{"one \"class\"\n\xFF", "two"}));
    BOOST_TEST(list.files.size() == names.size() + 1);
    for (const LabelledFile& file : list.files) BOOST_TEST(::access(file.path.c_str(), R_OK) == 0);
}

BOOST_AUTO_TEST_CASE(hidden_and_system_files_are_ignored_in_silence) {
    const ImageFolder folder;
    for (const char* name : {"a/1.png", "a/.hidden.png", "a/Thumbs.db", "a/thumbs.db", "a/desktop.ini", ".git/x.png",
                             "a/.DS_Store", "b/2.png", "README.md", "Thumbs.db"}) {
        folder.write(name, "x");
    }
    const LabelledFiles list = listLabelledFiles(folder.path.string(), true);
    BOOST_TEST((list.classNames == Strings{"a", "b"}));
    BOOST_TEST((summary(list) == Strings{"0:1.png", "1:2.png"}));
}

BOOST_AUTO_TEST_CASE(what_is_left_out_is_said) {
    const ImageFolder folder;
    folder.write("a/1.png", "x");
    folder.write("a/notes.txt", "x");
    folder.write("a/no_ending", "x");
    folder.write("a/sub/inner.png", "x");
    folder.write("a/folder.jpg/inner.png", "x");
    folder.write("stray.png", "x");
    fs::create_symlink("nowhere.png", folder.path / "a/dangling.png");
    fs::create_symlink("loop2.png", folder.path / "a/loop1.png");
    fs::create_symlink("loop1.png", folder.path / "a/loop2.png");
    BOOST_REQUIRE(::mkfifo((folder.path / "a/pipe.png").c_str(), 0600) == 0);
    fs::create_directories(folder.path / "empty");
    const LabelledFiles list = listLabelledFiles(folder.path.string(), false);
    BOOST_TEST((list.classNames == Strings{"a"}));  // one class only is for the caller to judge
    BOOST_TEST((summary(list) == Strings{"0:1.png"}));
    BOOST_TEST(holds(list.skipped, "notes.txt\"", "ending"));
    BOOST_TEST(holds(list.skipped, "no_ending\"", "ending"));
    BOOST_TEST(holds(list.skipped, "a/sub\"", "folder"));
    BOOST_TEST(holds(list.skipped, "folder.jpg\"", "folder"));
    BOOST_TEST(holds(list.skipped, "stray.png\"", "no class folder"));
    BOOST_TEST(holds(list.skipped, "dangling.png\"", "dangling link"));
    BOOST_TEST(holds(list.skipped, "loop1.png\"", "symbolic links"));
    BOOST_TEST(holds(list.skipped, "loop2.png\"", "symbolic links"));
    BOOST_TEST(holds(list.skipped, "pipe.png\"", "no regular file"));
    BOOST_TEST(holds(list.skipped, "class \"empty\"", "no image file"));
    BOOST_TEST(list.skipped.size() == 10u);
}

BOOST_AUTO_TEST_CASE(strict_stops_at_the_first_of_each_kind) {
    const std::vector<std::pair<std::string, std::string>> files = {
        {"a/notes.txt", "notes.txt"}, {"a/folder.jpg/inner.png", "folder.jpg"}, {"stray.png", "stray.png"}};
    for (const auto& file : files) {
        const ImageFolder folder;
        folder.write("a/1.png", "x");
        folder.write(file.first, "x");
        refused([&] { listLabelledFiles(folder.path.string(), true); }, file.second);
    }
    const ImageFolder folder;
    folder.write("a/1.png", "x");
    fs::create_symlink("nowhere.png", folder.path / "a/dangling.png");
    refused([&] { listLabelledFiles(folder.path.string(), true); }, "dangling.png");
    fs::remove(folder.path / "a/dangling.png");
    fs::create_directories(folder.path / "empty");
    refused([&] { listLabelledFiles(folder.path.string(), true); }, "class \"empty\"");
}

BOOST_AUTO_TEST_CASE(an_empty_class_leaves_no_gap_in_the_labels) {
    const ImageFolder folder;
    folder.write("a/1.png", "x");
    fs::create_directories(folder.path / "b");
    folder.write("c/1.png", "x");
    const LabelledFiles list = listLabelledFiles(folder.path.string(), false);
    BOOST_TEST((list.classNames == Strings{"a", "c"}));
    BOOST_TEST((summary(list) == Strings{"0:1.png", "1:1.png"}));
}

BOOST_AUTO_TEST_CASE(links_to_files_and_to_class_folders_are_followed) {
    const ImageFolder folder, elsewhere;
    elsewhere.write("real.png", "x");
    elsewhere.write("cls/2.png", "x");
    fs::create_directories(folder.path / "a");
    fs::create_symlink(elsewhere.path / "real.png", folder.path / "a/link.png");
    fs::create_symlink(elsewhere.path / "cls", folder.path / "b");
    const LabelledFiles list = listLabelledFiles(folder.path.string(), true);
    BOOST_TEST((summary(list) == Strings{"0:link.png", "1:2.png"}));
}

BOOST_AUTO_TEST_CASE(unreadable_files_are_said) {
    const ImageFolder folder;
    ::chmod(folder.path.c_str(), 0755);
    folder.write("a/1.png", "x");
    ::chmod(folder.write("a/locked.png", "x").c_str(), 0);
    folder.write("b/1.png", "x");
    ::chmod((folder.path / "b").c_str(), 0);
    for (const bool below : {false, true}) {
        BOOST_TEST(test::asPlainUser([&] {
            const std::string path = folder.path.string();
            const LabelledFiles list = below ? listFilesBelow(path, false) : listLabelledFiles(path, false);
            return holds(list.skipped, "locked.png\"", "ermission denied") &&
                   holds(list.skipped, "/b\"", "ermission denied") && summary(list) == Strings{"0:1.png"};
        }));
    }
    ::chmod((folder.path / "b").c_str(), 0700);
}

BOOST_AUTO_TEST_CASE(a_class_that_is_a_broken_link_is_said) {
    const ImageFolder folder;
    folder.write("a/1.png", "x");
    fs::create_symlink("nowhere", folder.path / "b");
    fs::create_symlink("c", folder.path / "c");
    const LabelledFiles list = listLabelledFiles(folder.path.string(), false);
    BOOST_TEST(holds(list.skipped, "/b\"", "dangling link"));
    BOOST_TEST(holds(list.skipped, "/c\"", "symbolic links"));
    BOOST_TEST(list.skipped.size() == 2u);
    refused([&] { listLabelledFiles(folder.path.string(), true); }, "/b\"", "dangling link");
}

BOOST_AUTO_TEST_CASE(files_below_a_folder) {
    const ImageFolder folder;
    for (const char* name : {"b/2.png", "b/x/1.png", "b-1.png", "a.txt", ".hidden/1.png", "b/.x.png", "b/Thumbs.db",
                             "b/desktop.ini"}) {
        folder.write(name, "x");
    }
    BOOST_TEST((summary(listFilesBelow(folder.path.string(), true)) ==
                Strings{"0:a.txt", "0:b-1.png", "0:2.png", "0:1.png"}));
    fs::create_symlink("nowhere", folder.path / "dangling.png");
    fs::create_symlink("loop.png", folder.path / "loop.png");
    fs::create_symlink("..", folder.path / "b/up");  // followed, it would never end
    fs::create_symlink("2.png", folder.path / "b/3.png");
    BOOST_REQUIRE(::mkfifo((folder.path / "pipe.png").c_str(), 0600) == 0);
    const LabelledFiles list = listFilesBelow(folder.path.string(), false);
    BOOST_TEST((summary(list) == Strings{"0:a.txt", "0:b-1.png", "0:2.png", "0:3.png", "0:1.png"}));
    BOOST_TEST(holds(list.skipped, "dangling.png\"", "dangling link"));
    BOOST_TEST(holds(list.skipped, "loop.png\"", "symbolic links"));
    BOOST_TEST(holds(list.skipped, "b/up\"", "folder"));
    BOOST_TEST(holds(list.skipped, "pipe.png\"", "no regular file"));
    BOOST_TEST(list.skipped.size() == 4u);
    refused([&] { listFilesBelow(folder.path.string(), true); }, "b/up\"", "is a folder");
    BOOST_TEST(listFilesBelow((folder.path / "none").string(), false).skipped.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_thousand_classes) {
    const ImageFolder folder;
    for (int c = 0; c < 1000; ++c) folder.write("class " + std::to_string(c) + "/i.png", "x");
    const LabelledFiles list = listLabelledFiles(folder.path.string(), true);
    BOOST_TEST(list.classNames.size() == 1000u);
    BOOST_TEST(std::is_sorted(list.classNames.begin(), list.classNames.end()));
    for (size_t i = 0; i < 1000; ++i) BOOST_REQUIRE(list.files[i].label == int(i));
}

BOOST_AUTO_TEST_CASE(what_is_no_data_set) {
    const ImageFolder folder;
    const auto list = [](const fs::path& path) { return [path] { listLabelledFiles(path.string(), false); }; };
    refused(list(folder.path / "missing"), "missing\": does not exist");
    refused(list(""), "does not exist");
    refused(list(folder.path), "no labelled image in it", "one folder of images a class");
    fs::create_directories(folder.path / "empty");
    refused(list(folder.path), "1 skipped, the first: class \"empty\"");
    refused(list("/dev/null"), "neither a folder nor a CSV list");
    folder.write("empty.csv", "");
    refused(list(folder.path / "empty.csv"), "empty.csv\": no labelled image");
}

BOOST_AUTO_TEST_CASE(csv_lists_files_by_class_in_their_order) {
    const ImageFolder folder, elsewhere;
    folder.write("z.png", "x");
    folder.write("sub/a b.dat", "x");
    const std::string absolute = elsewhere.write("far.png", "x");
    const std::string csv = folder.write("list.csv", "path,label\nz.png,dog\n\"sub/a b.dat\",cat\n" + absolute +
                                                         ",dog\nz.png,dog\n");
    const LabelledFiles list = listLabelledFiles(csv, true);
    BOOST_TEST((list.classNames == Strings{"cat", "dog"}));
    BOOST_TEST((summary(list) == Strings{"0:a b.dat", "1:z.png", "1:far.png", "1:z.png"}));
    for (const LabelledFile& file : list.files) BOOST_TEST(::access(file.path.c_str(), R_OK) == 0);
}

BOOST_AUTO_TEST_CASE(csv_without_a_folder_in_its_name) {
    const ImageFolder folder;
    folder.write("1.png", "x");
    folder.write("list.csv", "1.png,a\n");
    const fs::path before = fs::current_path();
    fs::current_path(folder.path);
    const LabelledFiles list = listLabelledFiles("list.csv", true);
    fs::current_path(before);
    BOOST_TEST((summary(list) == Strings{"0:1.png"}));
}

BOOST_AUTO_TEST_CASE(csv_skips_missing_files_with_their_line) {
    const ImageFolder folder;
    folder.write("1.png", "x");
    fs::create_directories(folder.path / "dir.png");
    fs::create_symlink("nowhere", folder.path / "dangling.png");
    const std::string csv = folder.write(
        "list.csv", "1.png,a\r\nmissing.png,b\r\n\r\ndir.png,a\r\ndangling.png,c\r\n");
    const LabelledFiles list = listLabelledFiles(csv, false);
    BOOST_TEST((list.classNames == Strings{"a"}));
    BOOST_TEST(holds(list.skipped, "list.csv\", line 2", "does not exist"));
    BOOST_TEST(holds(list.skipped, "line 4", "is a folder"));
    BOOST_TEST(holds(list.skipped, "line 5", "dangling link"));
    BOOST_TEST(holds(list.skipped, "class \"b\"", "no image file"));
    BOOST_TEST(holds(list.skipped, "class \"c\"", "no image file"));
    BOOST_TEST(list.skipped.size() == 5u);
    refused([&] { listLabelledFiles(csv, true); }, "line 2", "missing.png");
}

BOOST_AUTO_TEST_CASE(a_csv_of_300_mib_is_refused_before_it_is_read) {
    const ImageFolder folder;
    const std::string csv = folder.write("list.csv", "a,b\n");
    fs::resize_file(csv, uintmax_t(300) << 20);  // sparse
    refused([&] { listLabelledFiles(csv, false); }, "at most 256 MiB");
}

BOOST_AUTO_TEST_CASE(csv_quoting_by_rfc_4180) {
    BOOST_TEST((fieldsOf("a,b\nc,d") == Strings{"a|b|1", "c|d|2"}));
    BOOST_TEST((fieldsOf("a,b\r\nc,d\r\n") == Strings{"a|b|1", "c|d|2"}));
    BOOST_TEST((fieldsOf("\"a,1\",\"b\"\"q\"\"\"") == Strings{"a,1|b\"q\"|1"}));
    BOOST_TEST((fieldsOf("\"a\nb\r\nc\",x\nd,y\n") == Strings{"a\nb\r\nc|x|1", "d|y|4"}));
    BOOST_TEST((fieldsOf("\n\r\n a , b \n\n") == Strings{" a | b |3"}));  // spaces belong to a field
    BOOST_TEST((fieldsOf("\xFF\xFE,\xC3\xA4\n") == Strings{"\xFF\xFE|\xC3\xA4|1"}));
    BOOST_TEST(fieldsOf("").empty());
    BOOST_TEST(fieldsOf("\n\n").empty());
}

BOOST_AUTO_TEST_CASE(csv_headers_and_byte_order_marks) {
    BOOST_TEST((fieldsOf("path,label\na,b\n") == Strings{"a|b|2"}));
    BOOST_TEST((fieldsOf("\xEF\xBB\xBF\"Path\",LABEL\r\na,b\n") == Strings{"a|b|2"}));
    BOOST_TEST((fieldsOf("filename,class\na,b\n") == Strings{"a|b|2"}));
    BOOST_TEST((fieldsOf("\npath,label\na,b\n") == Strings{"a|b|3"}));
    BOOST_TEST((fieldsOf("a,b\npath,label\n") == Strings{"a|b|1", "path|label|2"}));  // only the first record
    BOOST_TEST((fieldsOf("path,x\n") == Strings{"path|x|1"}));
}

BOOST_AUTO_TEST_CASE(malformed_csv_names_the_line) {
    malformed("a,b\nc\n", "line 2", "one field");
    malformed("a,b\n\nc,d,e\n", "line 3", "more than two fields");
    malformed("a,b,\n", "line 1", "more than two fields");
    malformed("a,b\n,d\n", "line 2", "path is empty");
    malformed("a,b\nc,\n", "line 2", "label is empty");
    malformed("a,b\n\"\",d\n", "line 2", "path is empty");
    malformed("a,b\n\"c,d\ne,f\n", "line 2", "no closing quote");
    malformed("a,b\nc\"x\",d\n", "line 2", "quote inside");
    malformed("a,b\n\"c\"x,d\n", "line 2", "after the closing quote");
    malformed("\"a\nb\",c\nd\n", "line 3", "one field");
    malformed(std::string("a,b\nc\0d,e\n", 10), "line 2", "zero byte");
    malformed("\"", "line 1", "no closing quote");
}
