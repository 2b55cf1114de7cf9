// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE features
#include "features.hpp"

#include <boost/test/unit_test.hpp>
#include <atomic>
#include <limits>
#include <opencv2/core.hpp>

#include "feature_draws.hpp"

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;

namespace {

const double kRounding = 1e-5;  // rows are shifted in float

// sum x_i x_i^T, entry (a, b).
double plainGram(const Draw& draw, int a, int b) {
    double sum = 0;
    for (int i = 0; i < draw.images(); ++i) sum += double(draw.row(i)[a]) * double(draw.row(i)[b]);
    return sum;
}

}  // namespace

BOOST_AUTO_TEST_CASE(rows_come_back_as_appended) {
    Gaussians gaussians(33, 3, 1, 1);
    const Draw draw = gaussians.draw({200, 50, 7});  // 257 rows: one block and one row
    FeatureTable table(33, 3);
    for (int i = 0; i < draw.images(); ++i) table.append(draw.row(i), &draw.labels[size_t(i)], 1);
    BOOST_TEST(table.rows() == 257);
    BOOST_TEST(table.labels() == draw.labels);
    std::vector<float> some(33 * 5);
    table.read(252, 5, some.data());
    BOOST_TEST(std::equal(some.begin(), some.end(), draw.row(252)));
    std::vector<int> firsts;
    table.forEachBlock([&](int first, int count, const float* rows) {
        firsts.push_back(first);
        BOOST_TEST(count == (first == 0 ? 256 : 1));
        BOOST_TEST(std::equal(rows, rows + count * 33, draw.row(first)));
    });
    BOOST_TEST(firsts == std::vector<int>({0, 256}));
}

// 40,000 rows of 1 KiB are more than the memory budget and than what is held for the threads at once.
BOOST_AUTO_TEST_CASE(parallel_blocks_cover_a_spooled_table_once) {
    const int columns = 256, rows = 40000;
    FeatureTable table(columns, 1);
    std::vector<float> row(columns);
    const int label = 0;
    for (int i = 0; i < rows; ++i) {
        row.assign(columns, float(i));
        table.append(row.data(), &label, 1);
    }
    std::vector<int> seen(rows, 0);
    std::atomic<int> wrong(0);
    table.forEachBlockParallel([&](int first, int count, const float* block) {
        for (int i = 0; i < count; ++i) {
            ++seen[size_t(first + i)];
            const float* values = block + i * columns;
            if (values[0] != float(first + i) || values[columns - 1] != float(first + i)) ++wrong;
        }
    });
    BOOST_TEST(wrong == 0);
    BOOST_TEST(std::count(seen.begin(), seen.end(), 1) == rows);
}

BOOST_AUTO_TEST_CASE(a_view_tells_where_kept_rows_are) {
    const auto first = std::make_shared<BackendRows>(), second = std::make_shared<BackendRows>();
    FeatureTable table(2, 1);
    const std::vector<float> rows(20);
    const std::vector<int> labels(10, 0);
    table.append(rows.data(), labels.data(), 2, first, 5);
    table.append(rows.data(), labels.data(), 3, first, 7);  // goes on
    table.append(rows.data(), labels.data(), 1, first, 11);
    table.append(rows.data(), labels.data(), 4);  // not kept
    table.append(rows.data(), labels.data(), 1, second, 12);
    const FeatureRows view = table.view();
    BOOST_TEST(view.rows == 11);
    BOOST_REQUIRE(view.runs.size() == 3);
    const auto check = [&](size_t run, int begin, int count, int from, const KeptRows& kept) {
        BOOST_TEST(view.runs[run].first == begin);
        BOOST_TEST(view.runs[run].count == count);
        BOOST_TEST(view.runs[run].from == from);
        BOOST_TEST(view.runs[run].kept == kept);
    };
    check(0, 0, 5, 5, first);
    check(1, 5, 1, 11, first);
    check(2, 10, 1, 12, second);
}

BOOST_AUTO_TEST_CASE(statistics_equal_plain_sums) {
    Gaussians gaussians(33, 4, 1, 2);
    const Draw draw = gaussians.draw({150, 100, 0, 7});
    Gathered gathered(draw);
    const FeatureStatistics& statistics = gathered.statistics;
    BOOST_TEST(statistics.counts == std::vector<double>({150, 100, 0, 7}));
    for (int c = 0; c < 4; ++c) {
        for (int j = 0; j < 33; ++j) {
            double sum = 0;
            for (int i = 0; i < draw.images(); ++i) sum += draw.labels[size_t(i)] == c ? double(draw.row(i)[j]) : 0;
            BOOST_TEST(statistics.sums[size_t(c * 33 + j)] == sum, boost::test_tools::tolerance(1e-12));
        }
    }
    for (int a = 0; a < 33; ++a) {
        for (int b = 0; b < 33; ++b) {
            const double scale = std::sqrt(plainGram(draw, a, a) * plainGram(draw, b, b));
            BOOST_TEST(std::fabs(statistics.gram[size_t(a * 33 + b)] - plainGram(draw, a, b)) <= kRounding * scale);
        }
    }
}

// Deviation 1 on a mean of 1e5: summed without the shift in float, the variance would be noise.
BOOST_AUTO_TEST_CASE(deviation_survives_a_large_mean) {
    class FloatGram : public GramBackend {
        void gram(const float* x, int rows, int columns, double* sum) override {
            for (int a = 0; a < columns * columns; ++a) {
                float s = 0;
                for (int r = 0; r < rows; ++r) s += x[r * columns + a / columns] * x[r * columns + a % columns];
                sum[a] += double(s);
            }
        }
    } backend;
    FeatureTable table(1, 2);
    for (int i = 0; i < 1000; ++i) {
        const float value = 1e5f + (i % 2 ? 1.f : -1.f);
        const int label = i % 2;
        table.append(&value, &label, 1);
    }
    const FeatureStatistics statistics = gatherStatistics(table, backend);
    const double mean = (statistics.sums[0] + statistics.sums[1]) / 1000;
    BOOST_TEST(statistics.gram[0] / 1000 - mean * mean == 1.0, boost::test_tools::tolerance(1e-3));
}

BOOST_AUTO_TEST_CASE(unusable_features_are_refused) {
    for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 1e30f}) {
        Draw draw = Gaussians(3, 2, 1, 4).draw(3);
        draw.rows[4 * 3 + 1] = bad;
        BOOST_CHECK_EXCEPTION(Gathered{draw}, cv::Exception, [](const cv::Exception& e) {
            return e.code == cv::Error::StsBadArg && e.err.find("feature 1 of image 4") != std::string::npos;
        });
    }
    FeatureTable table(2, 2);
    const float row[2] = {0, 0};
    for (int label : {-1, 2}) BOOST_CHECK_THROW(table.append(row, &label, 1), cv::Exception);
    GramBackend backend;
    BOOST_CHECK_THROW(gatherStatistics(table, backend), cv::Exception);
    BOOST_CHECK_THROW(FeatureTable(0, 2), cv::Exception);
}
