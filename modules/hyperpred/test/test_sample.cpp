// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE sample
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <opencv2/core.hpp>
#include <random>
#include <tuple>
#include <vector>

#include "sample.hpp"

using namespace cv::hyperpred;

namespace {

SupportEntry entry(int label, uint64_t hash, size_t record) {
    SupportEntry made;
    made.label = label;
    made.hash = hash;
    made.record = record;
    return made;
}

// counts[c] images of class c with drawn hashes, in canonical order.
std::vector<SupportEntry> drawn(const std::vector<size_t>& counts, uint32_t seed = 7) {
    std::mt19937_64 random(seed);
    std::vector<SupportEntry> entries;
    for (size_t c = 0; c < counts.size(); ++c) {
        for (size_t i = 0; i < counts[c]; ++i) entries.push_back(entry(int(c), random(), entries.size()));
    }
    sortCanonically(entries);
    return entries;
}

std::vector<size_t> countsOf(const std::vector<SupportEntry>& entries, const std::vector<size_t>& chosen, int classes) {
    std::vector<size_t> counts(size_t(classes), 0);
    for (const size_t i : chosen) ++counts[size_t(entries[i].label)];
    return counts;
}

std::vector<std::pair<int, uint64_t>> contents(const std::vector<SupportEntry>& entries,
                                               const std::vector<size_t>& chosen) {
    std::vector<std::pair<int, uint64_t>> list;
    for (const size_t i : chosen) list.emplace_back(entries[i].label, entries[i].hash);
    return list;
}

using Counts = std::vector<size_t>;

}  // namespace

BOOST_AUTO_TEST_CASE(canonical_order_is_label_then_unsigned_hash) {
    std::vector<SupportEntry> entries = {entry(1, 3, 0), entry(0, 0xF000000000000000u, 1), entry(0, 5, 2),
                                         entry(0, 5, 0), entry(1, 2, 4)};
    sortCanonically(entries);
    const std::vector<std::tuple<int, uint64_t, size_t>> expected = {
        {0, 5, 0}, {0, 5, 2}, {0, 0xF000000000000000u, 1}, {1, 2, 4}, {1, 3, 0}};
    for (size_t i = 0; i < expected.size(); ++i) {
        BOOST_TEST((std::make_tuple(entries[i].label, entries[i].hash, entries[i].record) == expected[i]));
    }
}

BOOST_AUTO_TEST_CASE(order_of_the_images_does_not_matter) {
    std::vector<SupportEntry> entries = drawn({13, 1, 40, 7});
    const auto expected = contents(entries, chooseSample(entries, 4, 30));
    BOOST_TEST(expected.size() == 30u);
    std::mt19937 random(3);
    for (int round = 0; round < 20; ++round) {
        std::shuffle(entries.begin(), entries.end(), random);
        for (size_t i = 0; i < entries.size(); ++i) entries[i].record = i;  // as if added in this order
        sortCanonically(entries);
        BOOST_TEST((contents(entries, chooseSample(entries, 4, 30)) == expected));
    }
}

BOOST_AUTO_TEST_CASE(lowest_hashes_of_each_class_in_ascending_positions) {
    const std::vector<SupportEntry> entries = drawn({9, 11, 10});
    const std::vector<size_t> chosen = chooseSample(entries, 3, 12);
    BOOST_TEST((chosen == Counts{0, 1, 2, 3, 9, 10, 11, 12, 20, 21, 22, 23}));
}

BOOST_AUTO_TEST_CASE(small_classes_give_all_and_the_others_share_the_rest) {
    const std::vector<size_t> sizes = {2, 100, 1, 100, 5};
    const std::vector<SupportEntry> entries = drawn(sizes);
    // 2 + 1 + 5 from the small ones, 42 left: 21 each.
    BOOST_TEST((countsOf(entries, chooseSample(entries, 5, 50), 5) == Counts{2, 21, 1, 21, 5}));
    // One more: round robin starts with the lowest class that has more.
    BOOST_TEST((countsOf(entries, chooseSample(entries, 5, 51), 5) == Counts{2, 22, 1, 21, 5}));
    // A quota below the small classes: equal shares, the remainder of 3 to classes 0, 1, 3 (class 2 has no more).
    BOOST_TEST((countsOf(entries, chooseSample(entries, 5, 8), 5) == Counts{2, 2, 1, 2, 1}));
}

BOOST_AUTO_TEST_CASE(limits_at_the_edges) {
    const std::vector<SupportEntry> entries = drawn({3, 3, 3, 3});
    BOOST_TEST(chooseSample(entries, 4, 0).empty());
    BOOST_TEST((countsOf(entries, chooseSample(entries, 4, 2), 4) == Counts{1, 1, 0, 0}));  // limit < classes
    BOOST_TEST((countsOf(entries, chooseSample(entries, 4, 4), 4) == Counts{1, 1, 1, 1}));
    BOOST_TEST(chooseSample(entries, 4, 12).size() == 12u);
    BOOST_TEST(chooseSample(entries, 4, 1000000).size() == 12u);
    BOOST_TEST(chooseSample({}, 4, 10).empty());
    BOOST_TEST(chooseSample({}, 0, 10).empty());
}

BOOST_AUTO_TEST_CASE(one_and_a_thousand_images_and_a_thousand_classes) {
    const std::vector<SupportEntry> uneven = drawn({1, 1000});
    BOOST_TEST((countsOf(uneven, chooseSample(uneven, 2, 101), 2) == Counts{1, 100}));
    const std::vector<SupportEntry> many = drawn(std::vector<size_t>(1000, 3));
    BOOST_TEST((countsOf(many, chooseSample(many, 1000, 1000), 1000) == Counts(1000, 1)));
    BOOST_TEST(chooseSample(many, 1000, 1001).size() == 1001u);
}

BOOST_AUTO_TEST_CASE(equal_images_are_no_trouble) {
    std::vector<SupportEntry> same;
    for (size_t i = 0; i < 10; ++i) same.push_back(entry(int(i / 5), 42, i));
    sortCanonically(same);
    BOOST_TEST((countsOf(same, chooseSample(same, 2, 6), 2) == Counts{3, 3}));
}

BOOST_AUTO_TEST_CASE(a_label_outside_the_classes_is_an_error) {
    BOOST_CHECK_THROW(chooseSample({entry(2, 1, 0)}, 2, 1), cv::Exception);
    BOOST_CHECK_THROW(chooseSample({entry(-1, 1, 0)}, 2, 1), cv::Exception);
}

BOOST_AUTO_TEST_CASE(conflicts_are_equal_hashes_under_different_labels) {
    std::vector<SupportEntry> entries = {entry(0, 10, 0), entry(0, 10, 1), entry(0, 11, 2), entry(1, 10, 3),
                                         entry(1, 12, 4), entry(2, 10, 5), entry(2, 11, 6)};
    sortCanonically(entries);
    const std::vector<Conflict> conflicts = findConflicts(entries);
    const std::vector<std::pair<size_t, size_t>> expected = {{0, 3}, {0, 5}, {2, 6}};
    BOOST_REQUIRE(conflicts.size() == expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
        BOOST_TEST((std::make_pair(conflicts[i].first, conflicts[i].second) == expected[i]));
    }
    BOOST_TEST(findConflicts({}).empty());
    BOOST_TEST(findConflicts({entry(0, 1, 0), entry(0, 1, 1)}).empty());  // one image twice is no conflict
}

BOOST_AUTO_TEST_CASE(conflicts_of_all_equal_images_stay_linear) {
    std::vector<SupportEntry> same;
    for (size_t i = 0; i < 100000; ++i) same.push_back(entry(int(i % 2), 42, i));
    sortCanonically(same);
    BOOST_TEST(findConflicts(same).size() == 50000u);
}

BOOST_AUTO_TEST_CASE(duplicates_are_equal_hashes_under_one_label) {
    std::vector<SupportEntry> entries = {entry(0, 10, 0), entry(0, 10, 1), entry(0, 11, 2), entry(1, 10, 3),
                                         entry(1, 11, 4), entry(1, 11, 5), entry(1, 11, 6), entry(2, 11, 7)};
    sortCanonically(entries);
    const std::vector<std::vector<size_t>> expected = {{0, 1}, {4, 5, 6}};
    BOOST_TEST((findDuplicates(entries) == expected));
    BOOST_TEST(findDuplicates({}).empty());
    BOOST_TEST(findDuplicates({entry(0, 1, 0), entry(1, 1, 1)}).empty());  // that is a conflict
}
