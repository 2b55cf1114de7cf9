// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE head
#include "head.hpp"

#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <opencv2/core.hpp>

#include "feature_draws.hpp"

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;

namespace {

const HeadKind kKinds[] = {HeadKind::Ridge, HeadKind::Cosine, HeadKind::Lda};

FittedHead fit(HeadKind kind, const Draw& draw, double rejected = 0.01) {
    const Gathered gathered(draw);
    return fitHead(kind, gathered.table, gathered.statistics, rejected);
}

int argmax(const float* values, int count) {
    return int(std::max_element(values, values + count) - values);
}

// Share of the images that the head answers with their label.
double accuracy(const Head& head, const Draw& draw) {
    const std::vector<float> logits = applyHead(head, draw.rows.data(), draw.images());
    int right = 0;
    for (int i = 0; i < draw.images(); ++i) {
        right += argmax(logits.data() + i * head.classes, head.classes) == draw.labels[size_t(i)] ? 1 : 0;
    }
    return double(right) / draw.images();
}

double logLoss(const Head& head, const Draw& draw) {
    const std::vector<float> logits = applyHead(head, draw.rows.data(), draw.images());
    double loss = 0;
    for (int i = 0; i < draw.images(); ++i) {
        const float* row = logits.data() + i * head.classes;
        double sum = 0;
        for (int c = 0; c < head.classes; ++c) sum += std::exp(double(row[c] - row[draw.labels[size_t(i)]]));
        loss += std::log(sum) / draw.images();
    }
    return loss;
}

bool allFinite(const std::vector<float>& values) {
    return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

void checkSound(HeadKind kind, const Draw& draw) {
    BOOST_TEST_CONTEXT(headName(kind) << ", " << draw.images() << " images, " << draw.classes << " classes") {
        const FittedHead fitted = fit(kind, draw);
        const LeaveOneOut& judged = fitted.leaveOneOut;
        const size_t n = draw.labels.size();
        BOOST_TEST(fitted.head.weight.size() == size_t(draw.classes) * size_t(draw.columns));
        BOOST_TEST(fitted.head.bias.size() == size_t(draw.classes));
        BOOST_TEST((allFinite(fitted.head.weight) && allFinite(fitted.head.bias)));
        BOOST_TEST((std::isfinite(fitted.head.familiarity.threshold) && std::isfinite(judged.logLoss)));
        BOOST_TEST((std::isfinite(fitted.head.temperature) && fitted.head.temperature > 0));
        BOOST_TEST((judged.accuracy >= 0 && judged.accuracy <= 1));
        BOOST_REQUIRE((judged.predicted.size() == n && judged.answerProbability.size() == n &&
                       judged.labelProbability.size() == n && judged.familiarity.size() == n));
        BOOST_TEST((allFinite(judged.familiarity) && allFinite(judged.answerProbability)));
        BOOST_TEST(allFinite(applyHead(fitted.head, draw.rows.data(), draw.images())));
        BOOST_TEST(allFinite(applyFamiliarity(fitted.head, draw.rows.data(), draw.images())));
        int right = 0;
        for (size_t i = 0; i < n; ++i) {
            right += judged.predicted[i] == draw.labels[i] ? 1 : 0;
            BOOST_TEST((judged.predicted[i] >= 0 && judged.predicted[i] < draw.classes));
            BOOST_TEST(judged.answerProbability[i] >= judged.labelProbability[i]);
        }
        BOOST_TEST(judged.accuracy == double(right) / double(n));
    }
}

bool sameBits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

BOOST_AUTO_TEST_CASE(names_are_read_back) {
    for (HeadKind kind : kKinds) BOOST_TEST((parseHeadKind(headName(kind)) == kind));
    BOOST_CHECK_EXCEPTION(parseHeadKind("svm"), cv::Exception,
                          [](const cv::Exception& e) { return e.err.find("\"svm\"") != std::string::npos; });
}

BOOST_AUTO_TEST_CASE(apply_equals_plain_sums) {
    const Draw draw = Gaussians(33, 3, 1, 1).draw(86);
    for (HeadKind kind : kKinds) {
        const Head head = fit(kind, draw).head;
        const std::vector<float> logits = applyHead(head, draw.rows.data(), 257);
        for (int i = 0; i < 257; ++i) {
            double norm = 0;
            for (int j = 0; j < 33; ++j) norm += double(draw.row(i)[j]) * double(draw.row(i)[j]);
            for (int c = 0; c < 3; ++c) {
                double sum = 0;
                for (int j = 0; j < 33; ++j) sum += double(draw.row(i)[j]) * double(head.weight[size_t(c * 33 + j)]);
                if (head.normalise) sum /= std::sqrt(norm);
                const double expected = sum + double(head.bias[size_t(c)]);
                BOOST_TEST(std::fabs(double(logits[size_t(i * 3 + c)]) - expected) <= 1e-6 * (1 + std::fabs(expected)));
            }
        }
        const std::vector<float> black(33, 0.f);
        BOOST_TEST(sameBits(applyHead(head, black.data(), 1), head.bias));
    }
}

// More images than the temperature is chosen on, so that the streaming pass and the choice differ.
BOOST_AUTO_TEST_CASE(expected_accuracy_holds_on_held_out_draws) {
    const int kEach = 600;
    Gaussians gaussians(33, 8, 0.5, 2);
    const Draw support = gaussians.draw(kEach), held = gaussians.draw(kEach);
    for (HeadKind kind : kKinds) {
        const FittedHead fitted = fit(kind, support);
        BOOST_TEST_MESSAGE(headName(kind) << " expects " << fitted.leaveOneOut.accuracy << ", gets "
                                          << accuracy(fitted.head, held) << ", log loss " << fitted.leaveOneOut.logLoss
                                          << ", " << logLoss(fitted.head, held));
        BOOST_TEST(fitted.leaveOneOut.accuracy > 0.4);
        BOOST_TEST(std::fabs(fitted.leaveOneOut.accuracy - accuracy(fitted.head, held)) < 0.03);
        BOOST_TEST(std::fabs(fitted.leaveOneOut.logLoss - logLoss(fitted.head, held)) < 0.05);
    }
}

// Few images: more features than images, equal and unequal classes. One support set's estimate is within its own
// binomial noise; the mean over 150 must not be off. (Choosing lambda on the same images makes ridge's 1 to 2 points
// too high.)
BOOST_AUTO_TEST_CASE(expected_accuracy_is_unbiased_for_few_images) {
    for (const std::vector<int>& counts : {std::vector<int>{10, 10, 10, 10}, std::vector<int>{40, 20, 5, 3}}) {
        for (HeadKind kind : kKinds) {
            double expected = 0, measured = 0;
            for (unsigned seed = 0; seed < 150; ++seed) {
                Gaussians gaussians(67, 4, 0.3, 100 + seed);
                const FittedHead fitted = fit(kind, gaussians.draw(counts));
                expected += fitted.leaveOneOut.accuracy / 150;
                Draw held = gaussians.draw({counts[0] * 10, counts[1] * 10, counts[2] * 10, counts[3] * 10});
                measured += accuracy(fitted.head, held) / 150;
            }
            BOOST_TEST_MESSAGE(headName(kind) << " expects " << expected << ", gets " << measured);
            BOOST_TEST(std::fabs(expected - measured) < 0.03);
        }
    }
}

// Common and rare images are answered alike, though 50 to 1.
BOOST_AUTO_TEST_CASE(rare_classes_are_not_ignored) {
    Gaussians gaussians(33, 4, 0.6, 3);
    const Draw support = gaussians.draw({1000, 1000, 20, 20});
    const Draw rare = gaussians.draw({0, 0, 500, 500}), common = gaussians.draw({500, 500, 0, 0});
    for (HeadKind kind : kKinds) {
        const Head head = fit(kind, support).head;
        BOOST_TEST_MESSAGE(headName(kind) << " common " << accuracy(head, common) << " rare " << accuracy(head, rare));
        BOOST_TEST(accuracy(head, rare) > accuracy(head, common) - 0.15);
    }
}

BOOST_AUTO_TEST_CASE(label_errors_are_found_first) {
    Draw draw = Gaussians(33, 5, 0.8, 4).draw(100);
    std::vector<bool> flipped(500, false);
    for (size_t i = 0; i < 500; i += 10) {
        flipped[i + i / 50 % 10] = true;
        draw.labels[i + i / 50 % 10] = (draw.labels[i + i / 50 % 10] + 1 + int(i / 10 % 4)) % 5;
    }
    for (HeadKind kind : kKinds) {
        const LeaveOneOut judged = fit(kind, draw).leaveOneOut;
        std::vector<size_t> order(500);
        std::iota(order.begin(), order.end(), size_t(0));
        std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
            return judged.answerProbability[a] - judged.labelProbability[a] >
                   judged.answerProbability[b] - judged.labelProbability[b];
        });
        const auto found = std::count_if(order.begin(), order.begin() + 100, [&](size_t i) { return flipped[i]; });
        BOOST_TEST_MESSAGE(headName(kind) << " finds " << found << " of 50 in 100");
        BOOST_TEST(found >= 40);
    }
}

BOOST_AUTO_TEST_CASE(threshold_refuses_the_share) {
    const Draw draw = Gaussians(33, 3, 0.5, 5).draw(100);
    for (HeadKind kind : kKinds) {
        for (double rejected : {0.01, 0.1, 0.5}) {
            const FittedHead fitted = fit(kind, draw, rejected);
            const std::vector<float>& familiarity = fitted.leaveOneOut.familiarity;
            const auto refused = std::count_if(familiarity.begin(), familiarity.end(),
                                               [&](float one) { return one < fitted.head.familiarity.threshold; });
            BOOST_TEST(refused == std::lround(300 * rejected));
        }
        BOOST_TEST(fit(kind, draw, 0).head.familiarity.threshold == std::numeric_limits<float>::lowest());
        for (double bad : {-0.1, 0.6, std::nan("")}) BOOST_CHECK_THROW(fit(kind, draw, bad), cv::Exception);
    }
}

BOOST_AUTO_TEST_CASE(threads_do_not_change_a_bit) {
    const int threads = cv::getNumThreads();
    for (const Draw& draw : {Gaussians(33, 3, 0.5, 6).draw({1500, 90, 1}), Gaussians(129, 3, 0.5, 7).draw(31)}) {
        for (HeadKind kind : kKinds) {
            cv::setNumThreads(1);
            const FittedHead one = fit(kind, draw);
            for (int n : {2, 5}) {
                cv::setNumThreads(n);
                const FittedHead several = fit(kind, draw);
                BOOST_TEST(sameBits(one.head.weight, several.head.weight));
                BOOST_TEST(sameBits(one.head.bias, several.head.bias));
                BOOST_TEST(sameBits(one.leaveOneOut.familiarity, several.leaveOneOut.familiarity));
                BOOST_TEST(one.leaveOneOut.logLoss == several.leaveOneOut.logLoss);
                BOOST_TEST(one.head.familiarity.threshold == several.head.familiarity.threshold);
            }
        }
    }
    cv::setNumThreads(threads);
}

BOOST_AUTO_TEST_CASE(degenerate_support_sets_give_finite_heads) {
    Draw identical = Gaussians(33, 3, 1, 8).draw(9);
    for (int i = 1; i < identical.images(); ++i) std::copy_n(identical.row(0), 33, &identical.rows[size_t(i * 33)]);
    Draw zeros = identical;
    std::fill(zeros.rows.begin(), zeros.rows.end(), 0.f);
    Draw flatColumns = Gaussians(33, 3, 1, 9).draw(20);
    for (size_t k = 0; k < flatColumns.rows.size(); ++k) {
        if (k % 33 % 2) flatColumns.rows[k] = 7.25f;
    }
    Draw duplicated = Gaussians(33, 2, 1, 10).draw(40);
    for (int i = 2; i < 80; ++i) std::copy_n(duplicated.row(i % 2), 33, &duplicated.rows[size_t(i * 33)]);
    Draw tiny = Gaussians(33, 3, 1, 11).draw(9), huge = tiny;
    for (float& v : tiny.rows) v *= 1e-35f;
    for (float& v : huge.rows) v *= 1e9f;
    const Draw draws[] = {identical,
                          zeros,
                          flatColumns,
                          duplicated,
                          tiny,
                          huge,
                          Gaussians(33, 2, 1, 12).draw(1),
                          Gaussians(33, 2, 100, 13).draw(20),
                          Gaussians(1, 2, 1, 14).draw(20),
                          Gaussians(129, 5, 1, 15).draw(3),
                          Gaussians(33, 3, 1, 16).draw({1000, 1, 30}),
                          Gaussians(33, 33, 1, 17).draw(1),
                          Gaussians(9, 1000, 1, 18).draw(1)};
    for (const Draw& draw : draws) {
        for (HeadKind kind : kKinds) checkSound(kind, draw);
    }
}

// One image a class tells nothing about confidence, but a great deal about the classes.
BOOST_AUTO_TEST_CASE(one_image_a_class_still_classifies) {
    Gaussians gaussians(67, 10, 2, 19);
    const Draw support = gaussians.draw(1), held = gaussians.draw(50);
    for (HeadKind kind : kKinds) {
        const FittedHead fitted = fit(kind, support);
        BOOST_TEST(fitted.leaveOneOut.accuracy == 0);
        BOOST_TEST(accuracy(fitted.head, support) == 1);
        BOOST_TEST(accuracy(fitted.head, held) > 0.8);
        // Of two classes the other one is all that is left, however its logit ties.
        BOOST_TEST(fit(kind, Gaussians(33, 2, 1, 12).draw(1)).leaveOneOut.accuracy == 0);
    }
}

BOOST_AUTO_TEST_CASE(class_without_images_is_never_the_answer) {
    Gaussians gaussians(33, 4, 0.5, 20);
    const Draw draw = gaussians.draw({50, 0, 50, 20});
    for (HeadKind kind : kKinds) {
        checkSound(kind, draw);
        const FittedHead fitted = fit(kind, draw);
        BOOST_TEST(std::count(fitted.leaveOneOut.predicted.begin(), fitted.leaveOneOut.predicted.end(), 1) == 0);
        const std::vector<float> logits = applyHead(fitted.head, draw.rows.data(), draw.images());
        for (int i = 0; i < draw.images(); ++i) BOOST_TEST(argmax(logits.data() + i * 4, 4) != 1);
        BOOST_TEST(fitted.leaveOneOut.accuracy > 0.6);
        BOOST_CHECK_THROW(fit(kind, gaussians.draw({5, 0, 0, 0})), cv::Exception);
    }
}
