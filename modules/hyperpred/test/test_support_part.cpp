// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE support_part
#include <boost/test/unit_test.hpp>

#include <fstream>
#include <functional>
#include <iterator>

#include "refusals.hpp"
#include "support_part.hpp"
#include "temporary_folder.hpp"

using namespace cv::hyperpred;
using test::holds;
using test::refusalOf;
using test::TemporaryFolder;

namespace {

const int kSize = 8;
const size_t kImageBytes = size_t(kSize) * kSize * 3;

// Part `number` of `count` of a list of 7 files, f0..f6, of which f4 could not be read; every byte of image i is i.
SupportPart partOf(int number, int count) {
    SupportPart part;
    part.size = kSize;
    part.number = number;
    part.count = count;
    part.list = "0123456789abcdef";
    part.classNames = {"nut", "bolt", "empty"};  // a CSV list may be in any order
    part.leftOut = {"x.txt: no image"};
    for (uint64_t position = uint64_t(number - 1); position < 7; position += uint64_t(count)) {
        const std::string name = "f" + std::to_string(position);
        if (position == 4) part.skipped.emplace_back(position, name + ": broken");
        if (position != 4) part.files.push_back({position, int(position % 2), name});
    }
    return part;
}

std::vector<uint8_t> pixelsOf(const SupportPart& part) {
    std::vector<uint8_t> pixels;
    for (const SupportPart::File& file : part.files) pixels.insert(pixels.end(), kImageBytes, uint8_t(file.position));
    return pixels;
}

std::string write(const TemporaryFolder& folder, const std::string& name, const SupportPart& part) {
    writeSupportPart(folder.file(name), part, pixelsOf(part));
    return folder.file(name);
}

std::vector<OpenedPart> opened(const std::vector<std::string>& paths) {
    std::vector<OpenedPart> parts;
    for (const std::string& path : paths) parts.push_back(openSupportPart(path));
    return parts;
}

bool same(const SupportPart& a, const SupportPart& b) {
    const auto equal = [](const SupportPart::File& x, const SupportPart::File& y) {
        return x.position == y.position && x.label == y.label && x.path == y.path;
    };
    return a.size == b.size && a.number == b.number && a.count == b.count && a.list == b.list &&
           a.classNames == b.classNames && a.skipped == b.skipped && a.leftOut == b.leftOut &&
           std::equal(a.files.begin(), a.files.end(), b.files.begin(), b.files.end(), equal);
}

std::string refusal(const std::function<void(SupportPart&)>& change) {
    const TemporaryFolder folder;
    SupportPart part = partOf(1, 2);
    change(part);
    write(folder, "x.part", part);
    return refusalOf([&] { openSupportPart(folder.file("x.part")); });
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
    const TemporaryFolder folder;
    for (const int count : {1, 2, 9}) {  // of nine, two have no file
        for (int number = 1; number <= count; ++number) {
            const SupportPart part = partOf(number, count);
            const OpenedPart back = openSupportPart(write(folder, "x.part", part));
            BOOST_TEST(same(back.part, part));
            const std::vector<uint8_t> pixels = pixelsOf(part);
            BOOST_TEST(std::equal(pixels.begin(), pixels.end(), back.pixels));
        }
    }
}

BOOST_AUTO_TEST_CASE(parts_give_the_list_in_its_order) {
    const TemporaryFolder folder;
    const std::vector<OpenedPart> parts = opened({write(folder, "c", partOf(3, 3)), write(folder, "a", partOf(1, 3)),
                                                  write(folder, "b", partOf(2, 3))});
    const WholeSupport whole = putTogether(parts, kSize);
    BOOST_TEST((whole.classNames == std::vector<std::string>{"nut", "bolt", "empty"}));
    BOOST_TEST((whole.paths == std::vector<std::string>{"f0", "f1", "f2", "f3", "f5", "f6"}));
    BOOST_TEST((whole.labels == std::vector<int>{0, 1, 0, 1, 1, 0}));
    BOOST_TEST((whole.skipped == std::vector<std::string>{"x.txt: no image", "f4: broken"}));
    for (size_t i = 0; i < whole.images.size(); ++i) {
        const uint8_t* pixels = parts[whole.images[i].part].pixels + whole.images[i].index * kImageBytes;
        BOOST_TEST("f" + std::to_string(*pixels) == whole.paths[i]);
    }
}

BOOST_AUTO_TEST_CASE(lists_of_several_machines_are_one_set) {
    const TemporaryFolder folder;
    SupportPart other = partOf(1, 1);
    other.list = "fedcba9876543210";
    other.classNames = {"axle", "bolt"};
    const std::vector<OpenedPart> parts = opened({write(folder, "a", partOf(1, 2)), write(folder, "b", partOf(2, 2)),
                                                  write(folder, "x", other)});
    const WholeSupport whole = putTogether(parts, kSize);
    BOOST_TEST((whole.classNames == std::vector<std::string>{"axle", "bolt", "empty", "nut"}));
    BOOST_TEST((whole.labels == std::vector<int>{3, 1, 3, 1, 1, 3, 0, 1, 0, 1, 1, 0}));
}

BOOST_AUTO_TEST_CASE(what_does_not_belong_together_is_refused) {
    const TemporaryFolder folder;
    const std::string a = write(folder, "a", partOf(1, 3)), b = write(folder, "b", partOf(2, 3)),
                      c = write(folder, "c", partOf(3, 3)), d = write(folder, "d", partOf(2, 2));
    SupportPart renamed = partOf(3, 3);
    renamed.classNames[0] = "screw";
    const std::string e = write(folder, "e", renamed);
    const auto refused = [&](const std::vector<std::string>& paths, int size = kSize) {
        return refusalOf([&] { putTogether(opened(paths), size); });
    };
    BOOST_TEST(refused({a, b, c}) == "");
    BOOST_TEST(holds(refused({a, c}), "part 2 of 3 is missing"));
    BOOST_TEST(holds(refused({b, a, c, b}), "is part 2 of 3, and so is"));
    BOOST_TEST(holds(refused({a, d}), "parts of one deal are expected"));
    BOOST_TEST(holds(refused({a, b, e}), "parts of one deal are expected"));
    BOOST_TEST(holds(refused({a, b, c}, 64), "its images have 8 px, the model's network takes 64"));
}

BOOST_AUTO_TEST_CASE(every_truncation_and_bit_flip_is_refused_or_harmless) {
    const TemporaryFolder folder;
    SupportPart part = partOf(3, 4);  // one image
    const std::string path = write(folder, "x.part", part);
    std::ifstream in(path, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const auto put = [&](const std::string& damaged) { std::ofstream(path, std::ios::binary) << damaged; };
    for (size_t length = 0; length < bytes.size(); ++length) {
        put(bytes.substr(0, length));
        BOOST_TEST(refusalOf([&] { openSupportPart(path); }) != "");
    }
    const std::vector<uint8_t> pixels = pixelsOf(part);
    for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        std::string flipped = bytes;
        flipped[bit / 8] = char(flipped[bit / 8] ^ (1 << bit % 8));
        put(flipped);
        bool harmless = false;
        const std::string sentence = refusalOf([&] {
            const OpenedPart back = openSupportPart(path);
            harmless = same(back.part, part) && std::equal(pixels.begin(), pixels.end(), back.pixels);
        });
        BOOST_TEST((harmless || !sentence.empty()), "bit " << bit << " changes what is read");
    }
}

BOOST_AUTO_TEST_CASE(malformed_parts_are_named) {
    BOOST_TEST(refusal([](SupportPart&) {}) == "");
    BOOST_TEST(holds(refusal([](SupportPart& part) { part.number = 3; }), "\"part\""));
    BOOST_TEST(holds(refusal([](SupportPart& part) { part.number = 0; }), "part 0"));
    BOOST_TEST(holds(refusal([](SupportPart& part) { part.list = "1"; }), "list \"1\""));
    BOOST_TEST(holds(refusal([](SupportPart& part) { part.files[1].label = 3; }), "a label is the integer 3"));
    BOOST_TEST(holds(refusal([](SupportPart& part) { part.files[1].position = 1; }), "position 1 does not follow 0"));
    BOOST_TEST(holds(refusal([](SupportPart& part) { part.files[1].position = 0; }), "position 0 does not follow 0"));
    BOOST_TEST(holds(refusal([](SupportPart& part) { part.classNames.clear(); }), "0 classes"));
    const TemporaryFolder folder;
    std::ofstream(folder.file("text")) << "no part";
    BOOST_TEST(holds(refusalOf([&] { openSupportPart(folder.file("text")); }), "safetensors"));
    writeByteFile(folder.file("other"), {{"format", "x"}}, {});
    BOOST_TEST(holds(refusalOf([&] { openSupportPart(folder.file("other")); }), "is no part"));
}

BOOST_AUTO_TEST_CASE(a_part_that_fits_no_file_is_refused_before_it_is_read) {
    SupportPart part = partOf(1, 2);
    part.size = 64;  // 12,288 bytes an image, 349,525 of them in 4 GiB
    BOOST_TEST(refusalOf([&] { checkPartSize(part, 349525); }) == "");
    BOOST_TEST(holds(refusalOf([&] { checkPartSize(part, 349526); }), "part 1 of 2 has 349526 files"));
}
