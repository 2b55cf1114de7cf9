// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE train_data
#include <boost/test/unit_test.hpp>

#include "augment.hpp"
#include "sentence.hpp"
#include "task.hpp"
#include "tiny_training.hpp"

using namespace cv::hyperpred;

namespace {

std::string readBytes(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

// What readPackedFile says to these bytes.
std::string refusal(const TinyTraining& tiny, const std::string& bytes) {
    std::ofstream(tiny.path("bad.pack"), std::ios::binary) << bytes;
    return test::sentenceOf([&] { readPackedFile(tiny.path("bad.pack")); });
}

Chance seeded(uint64_t seed) {
    return torch::make_generator<at::CPUGeneratorImpl>(seed);
}

DataRule ruleFor(const TinyTraining& tiny) {
    DataRule rule;
    rule.file = tiny.path("a.pack");
    rule.name = "drawn";
    return rule;
}

torch::Tensor drawnImages(int64_t count, int64_t size) {
    Chance chance = seeded(5);
    return (torch::rand({count, 3, size, size}, chance, torch::kFloat) * 255).round();
}

}  // namespace

BOOST_AUTO_TEST_CASE(DamagedPackedFilesAreRefusedByName) {
    const TinyTraining tiny;
    const std::string good = readBytes(tiny.path("a.pack"));
    BOOST_REQUIRE(refusal(tiny, good).empty());
    std::string magic = good, label = good;
    magic[3] = 'x';
    label[good.find("]") + 2 + 3] = '\x7f';  // the high byte of the first label: far outside the classes
    for (const std::string& bytes :
         {magic, label, good.substr(0, good.size() - 1), good + "x", good.substr(0, 9), std::string()}) {
        BOOST_CHECK(refusal(tiny, bytes).find("bad.pack") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(RulesSelectTheClassesTheyName) {
    const TinyTraining tiny;
    std::map<std::string, PackedFile> files;
    DataRule rule = ruleFor(tiny);
    rule.excludeModulo = 5;
    rule.excludeRemainder = 4;  // of 0..9 leaves out 4 and 9
    rule.excludeNames = {"class0"};
    DataRule held = rule;
    rule.excludeLastOfRest = 2;
    held.onlyLastOfRest = 2;
    const std::vector<DataSet> sets = selectData({rule, held}, files);
    const std::vector<std::string> expected = {"class1", "class2", "class3", "class5", "class6"};
    BOOST_TEST(sets[0].classNames == expected, boost::test_tools::per_element());
    const std::vector<std::string> rest = {"class7", "class8"};
    BOOST_TEST(sets[1].classNames == rest, boost::test_tools::per_element());
    BOOST_CHECK_EQUAL(sets[1].firstLabel, 5);
    rule.excludeNames = {"no such class"};
    BOOST_CHECK_THROW(selectData({rule}, files), std::exception);
    // Of the seven that are left: none, one, more than there are.
    for (const auto& lasts : std::vector<std::pair<int, int>>{{9, 0}, {6, 0}, {0, 1}, {0, 8}, {2, 6}}) {
        DataRule few = held;
        few.excludeLastOfRest = lasts.first;
        few.onlyLastOfRest = lasts.second;
        BOOST_CHECK_THROW(selectData({few}, files), std::exception);
    }
}

// torch's "meta" device stands for a GPU: tensors there have a shape and no content.
BOOST_AUTO_TEST_CASE(TheImagesOfAFileMoveToTheDeviceTogether) {
    const TinyTraining tiny;
    std::map<std::string, PackedFile> files;
    std::vector<DataSet> sets = selectData({ruleFor(tiny), ruleFor(tiny)}, files);
    moveToDevice(sets, files, torch::kMeta);
    BOOST_CHECK(sets[0].pixels.device() == torch::kMeta);
    BOOST_CHECK(sets[0].pixels.is_same(sets[1].pixels));
    BOOST_CHECK(files.begin()->second.pixels.is_same(sets[0].pixels));  // no copy stays on the host
}

BOOST_AUTO_TEST_CASE(TasksNeverShareSupportAndQueryImages) {
    const TinyTraining tiny;
    std::map<std::string, PackedFile> files;
    const std::vector<DataSet> sets = selectData({ruleFor(tiny)}, files);
    Chance chance = seeded(1);
    for (int i = 0; i < 50; ++i) {
        const Task task = drawTask(sets, TaskSizes(), chance);
        BOOST_REQUIRE_GE(task.classes, 5);
        const torch::Tensor both = torch::cat({task.supportRows, task.queryRows});
        BOOST_CHECK_EQUAL(std::get<0>(at::_unique2(both)).numel(), both.numel());
        const torch::Tensor truth = files.begin()->second.labels;
        BOOST_CHECK(
            torch::equal(truth.index_select(0, task.queryRows), task.classLabels.index_select(0, task.queryLabels)));
        BOOST_CHECK(torch::equal(truth.index_select(0, task.supportRows),
                                 task.classLabels.index_select(0, task.supportLabels)));
    }
}

BOOST_AUTO_TEST_CASE(TransformsKeepShapeRangeAndAreRepeatable) {
    const torch::Tensor images = drawnImages(4, 17);
    for (int shift = 0; shift < kShifts; ++shift) {
        DataSetTransform transform;
        transform.shift = static_cast<Shift>(shift);
        Chance one = seeded(9), two = seeded(9);
        const torch::Tensor out = applyTransform(transform, images, one);
        BOOST_CHECK(out.sizes() == images.sizes());
        BOOST_CHECK_GE(out.min().item<float>(), 0);
        BOOST_CHECK_LE(out.max().item<float>(), 255);
        BOOST_CHECK(torch::equal(out, applyTransform(transform, images, two)));
        BOOST_CHECK_EQUAL(torch::equal(out, images), shift == int(Shift::Identity));
    }
}

BOOST_AUTO_TEST_CASE(TransformsDoWhatTheirNamesSay) {
    const torch::Tensor images = drawnImages(3, 16);
    Chance chance = seeded(1);
    const auto apply = [&](Shift shift) {
        DataSetTransform transform;
        transform.shift = shift;
        return applyTransform(transform, images, chance);
    };
    BOOST_CHECK(torch::equal(apply(Shift::Inverted), 255 - images));
    const torch::Tensor grey = apply(Shift::Grey);
    BOOST_CHECK(torch::equal(grey.select(1, 0), grey.select(1, 2)));
    BOOST_CHECK_LT(apply(Shift::Blurred).std().item<float>(), 0.5f * images.std().item<float>());
    BOOST_CHECK_LT(apply(Shift::LowContrast).std().item<float>(), 0.3f * images.std().item<float>());
    BOOST_CHECK(torch::allclose(std::get<0>(apply(Shift::Permuted).sum({2, 3}).sort(1)),
                                std::get<0>(images.sum({2, 3}).sort(1))));
    BOOST_CHECK(torch::equal(apply(Shift::Rotated).rot90(-1, {2, 3}), images));
}

BOOST_AUTO_TEST_CASE(AugmentationChangesEachImageOnItsOwnAndIsRepeatable) {
    const TinyTraining tiny;
    const Settings settings = tiny.settings("none", {"base.mixup=0", "base.erase=0"});
    const torch::Tensor images = drawnImages(1, 16).expand({6, 3, 16, 16}).contiguous();
    Chance one = seeded(3), two = seeded(3);
    const torch::Tensor out = augmentImages(images, 12, settings, one);
    BOOST_CHECK(torch::equal(out, augmentImages(images, 12, settings, two)));
    BOOST_CHECK_EQUAL(out.size(2), 12);
    BOOST_CHECK(!torch::equal(out[0], out[1]));
}

BOOST_AUTO_TEST_CASE(ShareOfAMixIsTheShareOfItsPixels) {
    const TinyTraining tiny;
    const Settings settings = tiny.settings("none", {"base.mixup=0", "base.cutmix=1"});
    // Image i is constantly i, so a pixel says where it comes from.
    const torch::Tensor images = torch::arange(8, torch::kFloat).view({8, 1, 1, 1}).expand({8, 3, 16, 16}).contiguous();
    Chance chance = seeded(2);
    for (int i = 0; i < 20; ++i) {
        const Mixed mixed = mixImages(images, settings, chance);
        BOOST_REQUIRE(mixed.partner.defined());
        for (int64_t n = 0; n < 8; ++n) {
            if (mixed.partner[n].item<int64_t>() == n) continue;
            const double own = (mixed.images[n] == float(n)).to(torch::kFloat).mean().item<double>();
            BOOST_CHECK_SMALL(own - mixed.share, 1e-6);  // both are counts over 256
        }
    }
}
