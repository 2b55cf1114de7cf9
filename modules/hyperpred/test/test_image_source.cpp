// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE image_source
#include <boost/test/unit_test.hpp>

#include <sys/stat.h>

#include <filesystem>
#include <opencv2/core/utility.hpp>
#include <string>
#include <vector>

#include "image_files.hpp"
#include "image_source.hpp"
#include "plain_user.hpp"

using namespace cv::hyperpred;
namespace fs = std::filesystem;

namespace {

// `count` small pictures of two classes, each as many pixels wide as its place in the list.
LabelledFiles written(const ImageFolder& folder, int count) {
    for (int i = 0; i < count; ++i) {
        const std::string name = std::string(i % 2 == 0 ? "a/" : "b/") + std::to_string(1000 + i) + ".png";
        folder.write(name, encoded(".png", smoothPicture(3, i + 1)));
    }
    return listLabelledFiles(folder.path.string(), true);
}

struct Seen {
    std::vector<std::string> paths;
    std::vector<int> widths, labels;
    size_t largestBatch = 0;
};

Seen readAll(const LabelledFiles& list, bool strict, std::vector<std::string>& skipped) {
    Seen seen;
    forEachBatch(list.files, strict, skipped, [&](const LabelledBatch& batch) {
        BOOST_TEST(batch.images.size() == batch.labels.size());
        seen.paths.insert(seen.paths.end(), batch.paths.begin(), batch.paths.end());
        seen.labels.insert(seen.labels.end(), batch.labels.begin(), batch.labels.end());
        for (const cv::Mat& image : batch.images) seen.widths.push_back(image.cols);
        seen.largestBatch = std::max(seen.largestBatch, batch.images.size());
    });
    return seen;
}

}  // namespace

BOOST_AUTO_TEST_CASE(images_come_in_the_order_of_the_list_whatever_the_threads) {
    const ImageFolder folder;
    const LabelledFiles list = written(folder, 157);
    const int before = cv::getNumThreads();
    for (const int threads : {1, 2, 5}) {
        cv::setNumThreads(threads);
        std::vector<std::string> skipped;
        const Seen seen = readAll(list, true, skipped);
        BOOST_REQUIRE(seen.paths.size() == 157u);
        for (size_t i = 0; i < seen.paths.size(); ++i) {
            const int place = std::stoi(fs::path(list.files[i].path).stem().string()) - 1000;
            BOOST_REQUIRE(seen.paths[i] == list.files[i].path);
            BOOST_REQUIRE(seen.widths[i] == place + 1);
            BOOST_REQUIRE(seen.labels[i] == place % 2);
        }
        BOOST_TEST(seen.largestBatch < 100u);
        BOOST_TEST(skipped.empty());
    }
    cv::setNumThreads(before);
}

BOOST_AUTO_TEST_CASE(a_batch_of_large_images_is_handed_on_early) {
    const ImageFolder folder;
    const cv::Mat large(3000, 4000, CV_8UC3, cv::Scalar(1, 2, 3));  // 36 MB of pixels
    for (int i = 0; i < 6; ++i) folder.write("a/" + std::to_string(i) + ".png", encoded(".png", large));
    const int before = cv::getNumThreads();
    cv::setNumThreads(1);
    std::vector<std::string> skipped;
    BOOST_TEST(readAll(listLabelledFiles(folder.path.string(), true), true, skipped).largestBatch == 2u);
    cv::setNumThreads(before);
}

BOOST_AUTO_TEST_CASE(what_changed_since_the_listing_is_skipped_by_name) {
    const ImageFolder folder;
    const LabelledFiles list = written(folder, 9);
    fs::remove(folder.path / "a/1002.png");  // removed during the run
    fs::remove(folder.path / "a/1004.png");
    fs::create_directory(folder.path / "a/1004.png");  // became a folder
    fs::resize_file(folder.path / "b/1005.png", 40);   // is being written again
    fs::remove(folder.path / "b/1007.png");
    fs::create_symlink("1007.png", folder.path / "b/1007.png");  // became a loop
    std::vector<std::string> skipped;
    const Seen seen = readAll(list, false, skipped);
    BOOST_TEST((seen.widths == std::vector<int>{1, 7, 9, 2, 4}));
    BOOST_TEST((seen.labels == std::vector<int>{0, 0, 0, 1, 1}));
    BOOST_REQUIRE(skipped.size() == 4u);
    const auto says = [&](size_t i, const std::string& name, const std::string& reason) {
        BOOST_TEST(skipped[i].find(name + "\": ") != std::string::npos);
        BOOST_TEST(skipped[i].find(reason) != std::string::npos);
    };
    says(0, "1002.png", "No such file");
    says(1, "1004.png", "is a folder");
    says(2, "1005.png", "truncated");
    says(3, "1007.png", "symbolic links");
    BOOST_CHECK_EXCEPTION(readAll(list, true, skipped), cv::Exception, [](const cv::Exception& error) {
        return error.err.find("1002.png\": No such file") != std::string::npos;
    });
}

BOOST_AUTO_TEST_CASE(an_unreadable_file_is_skipped_by_name) {
    const ImageFolder folder;
    ::chmod(folder.path.c_str(), 0755);
    const LabelledFiles list = written(folder, 3);
    ::chmod((folder.path / "a/1000.png").c_str(), 0);
    const int before = cv::getNumThreads();
    cv::setNumThreads(1);  // threads do not outlive a fork
    BOOST_TEST(test::asPlainUser([&] {
        std::vector<std::string> skipped;
        const Seen seen = readAll(list, false, skipped);
        return seen.paths.size() == 2 && skipped.size() == 1 &&
               skipped[0].find("1000.png\": Permission denied") != std::string::npos;
    }));
    cv::setNumThreads(before);
}
