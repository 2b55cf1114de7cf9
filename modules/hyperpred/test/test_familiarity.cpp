// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE familiarity
#include "familiarity.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "feature_draws.hpp"
#include "plain_nets.hpp"

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;

namespace {

const HeadKind kKinds[] = {HeadKind::Ridge, HeadKind::Cosine, HeadKind::Lda};
const double kTolerance = 1e-5;  // weights in float against double

double refused(const Head& head, const Draw& draw) {
    const std::vector<float> familiarity = applyFamiliarity(head, draw.rows.data(), draw.images());
    const auto below = std::count_if(familiarity.begin(), familiarity.end(),
                                     [&](float one) { return one < head.familiarity.threshold; });
    return double(below) / draw.images();
}

// Classes 0..2 of five are the support set; images of 3 and 4 are strangers.
struct Strangers {
    Strangers(int each, unsigned seed) : gaussians(33, 5, 0.8, seed) {
        support = gaussians.draw({each, each, each, 0, 0});
        support.classes = 3;
        known = gaussians.draw({200, 200, 200, 0, 0});
        strange = gaussians.draw({0, 0, 0, 200, 200});
    }
    Gaussians gaussians;
    Draw support, known, strange;
};

// Over draws, since the threshold of few images lies where chance has put it.
double meanRefused(HeadKind kind, int each, double rejected, Draw Strangers::*images) {
    const int draws = 8;
    double sum = 0;
    for (unsigned seed = 0; seed < unsigned(draws); ++seed) {
        const Strangers drawn(each, 100 * unsigned(each) + seed);
        const Gathered gathered(drawn.support);
        const Head head = fitHead(kind, gathered.table, gathered.statistics, rejected).head;
        sum += refused(head, drawn.*images);
    }
    return sum / draws;
}

}  // namespace

BOOST_AUTO_TEST_CASE(is_what_it_is_defined_as) {
    const Draw draw = Gaussians(17, 4, 0.8, 1).draw({9, 5, 1, 7});
    const Gathered gathered(draw);
    for (HeadKind kind : kKinds) {
        const Head head = fitHead(kind, gathered.table, gathered.statistics, 0.1).head;
        const std::vector<float> logits = applyHead(head, draw.rows.data(), draw.images());
        const std::vector<float> found = applyFamiliarity(head, draw.rows.data(), draw.images());
        for (int i = 0; i < draw.images(); ++i) {
            const Values features(draw.row(i), draw.row(i) + 17);
            const Values each =
                familiarityOf(head.familiarity, features, Values(logits.begin() + i * 4, logits.begin() + (i + 1) * 4));
            const double expected = *std::max_element(each.begin(), each.end());
            BOOST_TEST(std::abs(double(found[size_t(i)]) - expected) < kTolerance * (1 + std::abs(expected)));
        }
    }
}

// With 9 images a class in 33 dimensions a threshold that had seen its own images would refuse most new ones.
BOOST_AUTO_TEST_CASE(refuses_new_images_as_rarely_as_promised) {
    for (int each : {9, 30, 300}) {
        for (HeadKind kind : kKinds) {
            const double known = meanRefused(kind, each, 0.1, &Strangers::known);
            BOOST_TEST_MESSAGE(headName(kind) << ", " << each << " images a class: " << known);
            BOOST_TEST((known > 0.05 && known < 0.2));
        }
    }
}

BOOST_AUTO_TEST_CASE(refuses_strangers) {
    for (int each : {20, 200}) {
        for (HeadKind kind : kKinds) {
            const double strange = meanRefused(kind, each, 0.05, &Strangers::strange);
            BOOST_TEST_MESSAGE(headName(kind) << ", " << each << " images a class: " << strange);
            BOOST_TEST(strange > 0.45);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_class_without_images_is_never_the_nearest) {
    Draw draw = Gaussians(17, 4, 0.8, 3).draw({9, 0, 9, 9});
    const Gathered gathered(draw);
    for (HeadKind kind : kKinds) {
        const Head head = fitHead(kind, gathered.table, gathered.statistics, 0.05).head;
        const std::vector<float> logits = applyHead(head, draw.rows.data(), draw.images());
        for (int i = 0; i < draw.images(); ++i) {
            const Values each = familiarityOf(head.familiarity, Values(draw.row(i), draw.row(i) + 17),
                                              Values(logits.begin() + i * 4, logits.begin() + (i + 1) * 4));
            BOOST_TEST(*std::min_element(each.begin(), each.end()) == each[1]);
            BOOST_TEST(std::isfinite(each[1]));
        }
    }
}
