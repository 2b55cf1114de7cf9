// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE support_set
#include <boost/test/unit_test.hpp>

#include "support_set.hpp"

using namespace cv::hyperpred;

namespace {

cv::Mat plain(int value) {
    return cv::Mat(17, 13, CV_8UC3, cv::Scalar::all(value));
}

}  // namespace

BOOST_AUTO_TEST_CASE(keeps_pixels_in_the_order_of_add) {
    SupportSet set(16);
    set.add({plain(10), plain(20)}, {0, 1});
    set.add({plain(30)}, {0});
    std::vector<uint8_t> pixels(set.imageBytes());
    for (int i = 0; i < 3; ++i) {
        set.readPixels(size_t(i), pixels.data());
        BOOST_TEST(int(pixels[100]) == 10 * (i + 1));
    }
    BOOST_TEST(set.canonical().size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_refused_batch_is_undone_beyond_the_first_block) {
    SupportSet set(16);
    set.add({plain(1)}, {0});
    std::vector<cv::Mat> images(300, plain(2));
    images[299] = cv::Mat();
    BOOST_CHECK_THROW(set.add(images, std::vector<int>(300, 1)), cv::Exception);
    BOOST_TEST(set.size() == 1);
    set.add({plain(3)}, {1});
    std::vector<uint8_t> pixels(set.imageBytes());
    set.readPixels(1, pixels.data());
    BOOST_TEST(int(pixels[0]) == 3);
}

BOOST_AUTO_TEST_CASE(more_images_than_memory_holds) {
    SupportSet set(64);
    for (int i = 0; i < 3000; ++i) {  // 37 MB, more than the budget
        cv::Mat image(64, 64, CV_8UC3, cv::Scalar::all(i % 251));
        set.add({image}, {i % 2});
    }
    std::vector<uint8_t> pixels(set.imageBytes());
    for (const int i : {0, 1999, 2000, 2999}) {
        set.readPixels(size_t(i), pixels.data());
        BOOST_TEST(int(pixels[5000]) == i % 251);
    }
}

BOOST_AUTO_TEST_CASE(classes_are_counted_and_checked) {
    std::vector<SupportEntry> entries(3);
    entries[1].label = 1;
    entries[2].label = 2;
    BOOST_TEST(countClasses(entries, false) == 3);
    entries[1].label = 2;
    BOOST_CHECK_THROW(countClasses(entries, false), cv::Exception);
    BOOST_CHECK_THROW(countClasses({}, false), cv::Exception);
    std::vector<SupportEntry> many(1001);
    for (size_t i = 0; i < many.size(); ++i) many[i].label = int(i);
    BOOST_CHECK_THROW(countClasses(many, false), cv::Exception);
    BOOST_TEST(countClasses(many, true) == 1001);
}

BOOST_AUTO_TEST_CASE(labels_and_numbers_have_limits) {
    SupportSet set(8);
    set.add({plain(1)}, {kMaxClasses - 1});
    BOOST_CHECK_THROW(set.add({plain(1)}, {kMaxClasses}), cv::Exception);
    BOOST_CHECK_THROW(set.add({plain(1)}, {-1}), cv::Exception);
    BOOST_TEST(set.size() == 1);
    checkImageCount(kMaxImages - 5, 5);
    BOOST_CHECK_EXCEPTION(checkImageCount(kMaxImages - 5, 6), cv::Exception, [](const cv::Exception& error) {
        return error.err == "99999995 images and 6 more: a support set holds at most 100000000";
    });
}
