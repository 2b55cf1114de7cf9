// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE thumbnails
#include <boost/test/unit_test.hpp>
#include <random>

#include "image_files.hpp"
#include "thumbnails.hpp"

using namespace cv::hyperpred;

namespace {

// What no JPEG compresses well.
cv::Mat noise(int rows, int cols) {
    cv::Mat image(rows, cols, CV_8UC3);
    std::mt19937 draw(uint32_t(rows * 7919 + cols));
    for (int y = 0; y < rows; ++y) {
        for (int x = 0; x < cols * 3; ++x) image.ptr(y)[x] = uint8_t(draw());
    }
    return image;
}

// The number after `key="` in the element.
int attribute(const std::string& element, const std::string& key) {
    return std::stoi(element.substr(element.find(key + "=\"") + key.size() + 2));
}

}  // namespace

BOOST_AUTO_TEST_CASE(base64_of_the_rfc) {
    const auto bytes = [](const std::string& text) { return std::vector<unsigned char>(text.begin(), text.end()); };
    BOOST_TEST(toBase64(bytes("")) == "");
    BOOST_TEST(toBase64(bytes("f")) == "Zg==");
    BOOST_TEST(toBase64(bytes("fo")) == "Zm8=");
    BOOST_TEST(toBase64(bytes("foo")) == "Zm9v");
    BOOST_TEST(toBase64(bytes("foobar")) == "Zm9vYmFy");
    BOOST_TEST(toBase64({0xFB, 0xFF, 0xBF}) == "+/+/");
}

BOOST_AUTO_TEST_CASE(small_whatever_the_picture) {
    const ImageFolder folder;
    const std::vector<std::string> files = {folder.write("large.png", encoded(".png", noise(700, 501))),
                                            folder.write("tall.png", encoded(".png", noise(900, 3))),
                                            folder.write("one.png", encoded(".png", noise(1, 1))),
                                            folder.write("deep.png", encoded(".png", noise(31, 57)))};
    const Thumbnails thumbnails(files);
    for (const std::string& file : files) {
        const std::string element = thumbnails.image(file, "a \"b\"");
        BOOST_TEST(element.compare(0, 33, "<img src=\"data:image/jpeg;base64,", 33) == 0);
        BOOST_TEST(element.size() < Thumbnails::kMostBytes / 3 * 4 + 120);
        BOOST_TEST(element.find("alt=\"a &quot;b&quot;\"") != std::string::npos);
        BOOST_TEST(attribute(element, "width") <= Thumbnails::kEdge);
        BOOST_TEST(attribute(element, "height") <= Thumbnails::kEdge);
    }
    BOOST_TEST(attribute(thumbnails.image(files[3], ""), "width") == 57);  // nothing is enlarged
    BOOST_TEST(attribute(thumbnails.image(files[3], ""), "height") == 31);
}

BOOST_AUTO_TEST_CASE(shape_is_kept) {
    const ImageFolder folder;
    const std::string file = folder.write("wide.jpg", encoded(".jpg", smoothPicture(300, 900)));
    const std::string element = Thumbnails({file}).image(file, "");
    BOOST_TEST(attribute(element, "width") == 112);
    BOOST_TEST(attribute(element, "height") == 37);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_gone_is_said) {
    const ImageFolder folder;
    const std::string text = folder.write("text.jpg", "no picture"), gone = (folder.path / "gone.jpg").string();
    const Thumbnails thumbnails({text, gone});
    for (const std::string& file : {text, gone, std::string("never asked for")}) {
        BOOST_TEST(thumbnails.image(file, "<gear>") ==
                   "<span class=\"gone\">&lt;gear&gt;: cannot be read any more</span>");
    }
}
