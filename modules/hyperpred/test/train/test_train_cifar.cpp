// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE train_cifar
#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <opencv2/imgcodecs.hpp>

#include "cifar_files.hpp"
#include "cifar_pickle.hpp"
#include "pack.hpp"
#include "packed_data.hpp"
#include "sentence.hpp"
#include "tiny_training.hpp"

using namespace cv::hyperpred;
using test::holds;

namespace {

const size_t kImage = 3072;

// Byte i of image n, planes of red, green and blue one after the other.
char planeByte(size_t n, size_t i) {
    return char(uint8_t(n * 7 + i * 13 + i / 1024 * 50));
}
std::string planes(size_t n) {
    std::string bytes;
    for (size_t i = 0; i < kImage; ++i) bytes += planeByte(n, i);
    return bytes;
}

std::string little(uint64_t value, int size) {
    std::string bytes;
    for (int i = 0; i < size; ++i) bytes += char(uint8_t(value >> (8 * i)));
    return bytes;
}
// Pieces of a pickle of protocol 2, as Python 2 wrote CIFAR's.
std::string pickleText(const std::string& text) {
    return text.size() < 256 ? "U" + little(text.size(), 1) + text + "q\x01" : "T" + little(text.size(), 4) + text;
}
std::string pickleList(const std::vector<std::string>& items) {
    std::string bytes = "]q\x02(";
    for (const std::string& item : items) bytes += item;
    return bytes + "e";
}
// A column of `rows` x 3072 bytes as numpy pickles it: _reconstruct(ndarray, (0,), "b"), then its state.
std::string pickleArray(size_t rows, const std::string& bytes) {
    const std::string zero("K\0", 2), minusOne = "J" + little(0xffffffff, 4);
    const std::string type =
        "cnumpy\ndtype\nq\x08U\x02u1" + zero + "K\x01\x87R(K\x03U\x01|NNN" + minusOne + minusOne + zero + "tb";
    return "cnumpy.core.multiarray\n_reconstruct\nq\x05"
           "cnumpy\nndarray\nq\x06" +
           zero +
           "\x85U\x01"
           "b\x87Rq\x07(K\x01M" +
           little(rows, 2) + "M" + little(kImage, 2) + "\x86" + type + "\x89" + pickleText(bytes) + "tb";
}
std::string pickleDictionary(const std::vector<std::pair<std::string, std::string>>& entries) {
    std::string bytes = "\x80\x02}q\x09(";
    for (const auto& entry : entries) bytes += pickleText(entry.first) + entry.second;
    return bytes + "u.";
}

class CifarFolder {
public:
    void write(const std::string& name, const std::string& bytes) const {
        std::ofstream(path(name), std::ios::binary) << bytes;
    }
    std::string path(const std::string& name) const { return tiny_.path(name); }

    // CIFAR-100 of three images with fine labels 99, 0 and 41.
    void writeHundred(bool binary) const {
        std::string records, pixels, names;
        std::vector<std::string> labels, pickledNames;
        const std::vector<int> fine = {99, 0, 41};
        for (size_t n = 0; n < fine.size(); ++n) {
            records += char(19) + std::string(1, char(fine[n])) + planes(n);
            pixels += planes(n);
            labels.push_back("K" + little(uint64_t(fine[n]), 1));
        }
        for (int c = 0; c < 100; ++c) {
            names += "class" + std::to_string(c) + "\n";
            pickledNames.push_back(pickleText("class" + std::to_string(c)));
        }
        if (binary) {
            write("train.bin", records);
            write("fine_label_names.txt", names);
        } else {
            write("train", pickleDictionary({{"filenames", pickleList({})},
                                             {"fine_labels", pickleList(labels)},
                                             {"data", pickleArray(3, pixels)}}));
            write("meta", pickleDictionary({{"fine_label_names", pickleList(pickledNames)}}));
        }
    }
    void writeTen() const {
        for (int batch = 1; batch <= 5; ++batch) {
            write("data_batch_" + std::to_string(batch) + ".bin", char(batch) + planes(size_t(batch)));
        }
        std::string names;
        for (int c = 0; c < 10; ++c) names += "thing" + std::to_string(c) + "\n";
        write("batches.meta.txt", names + "\n");
    }

private:
    TinyTraining tiny_;
};

void requireHundred(const CifarSet& set) {
    BOOST_REQUIRE_EQUAL(set.labels.size(), 3u);
    BOOST_CHECK((set.labels == std::vector<int>{99, 0, 41}));
    BOOST_CHECK_EQUAL(set.classNames.size(), 100u);
    BOOST_CHECK_EQUAL(set.classNames[41], "class41");
    BOOST_REQUIRE_EQUAL(set.pixels.size(), 3 * kImage);
    for (size_t n = 0; n < 3; ++n) {
        for (size_t i = 0; i < 1024; i += 31) {
            for (size_t colour = 0; colour < 3; ++colour) {
                const auto expected = static_cast<unsigned char>(planeByte(n, (2 - colour) * 1024 + i));
                BOOST_REQUIRE_EQUAL(int(set.pixels[n * kImage + 3 * i + colour]), int(expected));
            }
        }
    }
}

std::string sentence(const std::string& path) {
    return test::sentenceOf([&] { readCifar(cifarFiles(path)); });
}

}  // namespace

BOOST_AUTO_TEST_CASE(BinaryAndPythonFormsGiveTheSame) {
    const CifarFolder folder;
    folder.writeHundred(true);
    requireHundred(readCifar(cifarFiles(folder.path("train.bin"))));
    folder.writeHundred(false);
    requireHundred(readCifar(cifarFiles(folder.path("train"))));
}

BOOST_AUTO_TEST_CASE(FiveBatchesAreOneSetInTheirOrder) {
    const CifarFolder folder;
    folder.writeTen();
    BOOST_CHECK_EQUAL(cifarFiles(folder.path("data_batch")).size(), 5u);
    const CifarSet set = readCifar(cifarFiles(folder.path("data_batch")));
    BOOST_CHECK((set.labels == std::vector<int>{1, 2, 3, 4, 5}));
    BOOST_CHECK_EQUAL(set.classNames[9], "thing9");
}

BOOST_AUTO_TEST_CASE(OtherPathsAreNoCifarFiles) {
    const CifarFolder folder;
    folder.write("list.csv", "a.png,1\n");
    for (const char* name : {"list.csv", "nothing", "data_batch", "."}) {
        BOOST_CHECK(cifarFiles(folder.path(name)).empty());
    }
}

BOOST_AUTO_TEST_CASE(PackingKeepsLabelsNamesAndPixels) {
    const CifarFolder folder;
    folder.writeHundred(true);
    packImages(folder.path("train.bin"), 32, folder.path("out.pack"), true);
    const PackedFile packed = readPackedFile(folder.path("out.pack"));
    BOOST_CHECK_EQUAL(packed.classNames.size(), 100u);
    BOOST_CHECK_EQUAL(packed.labels[2].item<int64_t>(), 41);
    BOOST_CHECK_EQUAL(packed.pixels.size(1), 32);
    BOOST_CHECK_EQUAL(packed.pixels[1][0][3][2].item<int>(), int(uint8_t(planeByte(1, 3))));  // red of pixel (0, 3)
}

// The second of the three classes has nothing but damaged files.
BOOST_AUTO_TEST_CASE(DamagedImagesAreLeftOutUnlessStrict) {
    const CifarFolder folder;
    const std::string root = folder.path("classes"), out = folder.path("out.pack");
    for (const std::string name : {"a", "b", "c"}) {
        std::filesystem::create_directories(root + "/" + name);
        std::ofstream(root + "/" + name + "/0.png") << "no picture";
        if (name != "b") cv::imwrite(root + "/" + name + "/1.png", cv::Mat(9, 9, CV_8UC3, cv::Scalar::all(name[0])));
    }
    packImages(root, 8, out, false);
    const PackedFile packed = readPackedFile(out);
    BOOST_CHECK((packed.classNames == std::vector<std::string>{"a", "c"}));
    BOOST_REQUIRE_EQUAL(packed.labels.numel(), 2);
    BOOST_CHECK_EQUAL(packed.labels[1].item<int64_t>(), 1);
    BOOST_CHECK_EQUAL(packed.pixels[1][0][0][0].item<int>(), int('c'));
    BOOST_CHECK_THROW(packImages(root, 8, out, true), std::exception);
    for (const char* name : {"a", "c"}) std::filesystem::remove(root + "/" + std::string(name) + "/1.png");
    BOOST_CHECK_THROW(packImages(root, 8, out, false), std::exception);
}

BOOST_AUTO_TEST_CASE(DamagedFilesAreRefusedByName) {
    const CifarFolder folder;
    folder.writeHundred(true);
    folder.write("train.bin", std::string(3074 + 5, 'x'));
    BOOST_CHECK(holds(sentence(folder.path("train.bin")), "no multiple of 3074"));
    folder.write("train.bin", std::string(3074, char(100)));
    BOOST_CHECK(holds(sentence(folder.path("train.bin")), "label 100 of image 0"));
    std::filesystem::remove(folder.path("fine_label_names.txt"));
    BOOST_CHECK(holds(sentence(folder.path("train.bin")), "100 class names"));

    folder.writeHundred(false);
    std::ifstream in(folder.path("train"), std::ios::binary);
    const std::string good((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    for (size_t length = 0; length < good.size(); length += 1 + good.size() / 200) {
        folder.write("train", good.substr(0, length));
        BOOST_CHECK(holds(sentence(folder.path("train")), folder.path("train")));
    }
    folder.write("train", pickleDictionary({{"fine_labels", pickleList({"K\x01"})},
                                            {"data", pickleArray(1, planes(0) + planes(1))}}));
    BOOST_CHECK(holds(sentence(folder.path("train")), "1 x 3072"));
    folder.write("train", pickleDictionary(
                              {{"fine_labels", pickleList({pickleText("7")})}, {"data", pickleArray(1, planes(0))}}));
    BOOST_CHECK(holds(sentence(folder.path("train")), "label 0 of \"fine_labels\" is no integer"));
}

// A million tuples, each in the next, and a list that holds itself: letting go of them must not go as deep.
BOOST_AUTO_TEST_CASE(DeepPicklesAreReadAndLetGo) {
    std::weak_ptr<const Pickled> gone;
    for (const std::string& bytes : {")" + std::string(1000000, '\x85') + ".", std::string("]q\x01h\x01"
                                                                                           "a.")}) {
        const auto root = parsePickle(bytes, "x");
        BOOST_REQUIRE_EQUAL(root->items.size(), 1u);
        gone = root;
    }
    BOOST_CHECK(gone.expired());
}

// Whatever a pickle names, it is data: no operation calls anything, and an unknown one is refused.
BOOST_AUTO_TEST_CASE(HostilePicklesAreRefused) {
    for (const std::string& bytes : {std::string("cos\nsystem\n(U\x02lstR."), std::string("\x80\x02}(U\x01"
                                                                                          "aK\x01u.")}) {
        BOOST_CHECK_NO_THROW(parsePickle(bytes, "x"));
    }
    for (const std::string& bytes : {std::string(), std::string("."), std::string("e."), std::string("K"),
                                     std::string("ia\nb\n."), std::string("h\x05."),
                                     std::string("K\x01"
                                                 "a."),
                                     std::string("K\x01K\x02s."),
                                     std::string("(K\x01"
                                                 "b."),
                                     std::string("T\xff\xff\xff\xff"
                                                 "a."),
                                     std::string("(((")}) {
        BOOST_CHECK_THROW(parsePickle(bytes, "x"), std::exception);
    }
}
