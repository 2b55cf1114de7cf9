// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE calibration
#include <boost/test/unit_test.hpp>

#include "calibration.hpp"
#include "small_nets.hpp"

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;

namespace {

const int64_t kFloat = sizeof(float);

// One map of `channels` x 64 x 64 lives through a batch-norm and a relu, then a pooled one.
Architecture wide(int channels) {
    DocumentBuilder build(64);
    const std::string map = build.convNormRelu("image", channels, 1, 1, 0);
    return build.build({build.pool("max_pool", map, 8, 8, 0)});
}

}  // namespace

BOOST_AUTO_TEST_CASE(live_bytes_of_a_chain_are_those_of_its_largest_map) {
    BOOST_TEST(liveActivationBytes(wide(7)) == 7 * 64 * 64 * kFloat);
}

BOOST_AUTO_TEST_CASE(a_shortcut_stays_alive_beside_its_block) {
    DocumentBuilder build(20);
    const std::string first = build.convNormRelu("image", 6, 3, 1, 1);
    const std::string inner = build.convNormRelu(first, 6, 3, 1, 1);
    const Architecture architecture = build.build({build.sum(inner, first)});
    BOOST_TEST(liveActivationBytes(architecture) == 2 * 6 * 20 * 20 * kFloat);
}

BOOST_AUTO_TEST_CASE(a_node_may_read_the_same_input_twice) {
    DocumentBuilder build(10);
    const std::string map = build.convNormRelu("image", 4, 3, 1, 1);
    BOOST_TEST(liveActivationBytes(build.build({build.sum(map, map)})) == 4 * 10 * 10 * kFloat);
}

BOOST_AUTO_TEST_CASE(all_images_calibrate_where_they_fit) {
    const std::vector<int> images = calibrationImages(wide(16), 1000);
    BOOST_REQUIRE(images.size() == 1000);
    for (int i = 0; i < 1000; ++i) BOOST_TEST(images[size_t(i)] == i);
}

BOOST_AUTO_TEST_CASE(else_an_evenly_strided_part) {
    const std::vector<int> images = calibrationImages(wide(32), 1000);  // 512 KiB an image
    BOOST_REQUIRE(images.size() == 512);
    BOOST_TEST(images.front() == 0);
    for (size_t i = 1; i < images.size(); ++i) {
        const int step = images[i] - images[i - 1];
        BOOST_TEST((step == 1 || step == 2));
    }
    BOOST_TEST(images.back() >= 998);
}

BOOST_AUTO_TEST_CASE(never_fewer_than_64) {
    BOOST_TEST(calibrationImages(wide(400), 1000).size() == 64);
    BOOST_TEST(calibrationImages(wide(400), 50).size() == 50);
}

BOOST_AUTO_TEST_CASE(shipped_architectures) {
    const Architecture large = loadArchitecture(HYPERPRED_DATA_DIR "/architectures/resnet18.json");
    const Architecture small = loadArchitecture(HYPERPRED_DATA_DIR "/architectures/resnet18_cifar.json");
    BOOST_TEST(calibrationImages(large, 1000).size() == 1000);
    const Architecture half = loadArchitecture(HYPERPRED_DATA_DIR "/architectures/mobilenetv2_half.json");
    BOOST_TEST(calibrationImages(half, 1000).size() == 1000);
    BOOST_TEST(calibrationImages(small, 1000).size() == 512);
}
