// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TEST_FEATURE_DRAWS_HPP
#define HYPERPRED_TEST_FEATURE_DRAWS_HPP

#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "backend.hpp"
#include "features.hpp"

namespace cv {
namespace hyperpred {
namespace test {

// The one backend operation that heads need, as plain loops in double.
class GramBackend : public Backend {
public:
    std::string device() const override { return "gram only"; }
    std::vector<float> encode(const ImageBatch&) override { return {}; }
    std::vector<float> unroll(const std::vector<float>&) override { return {}; }
    std::unique_ptr<BackendNetwork> generate(const std::vector<float>&) override { return nullptr; }
    std::vector<float> calibrate(BackendNetwork&, const ImageBatch&, const FeatureChoice&,
                                 const std::function<void(double)>&, KeptRows*) override {
        return {};
    }
    void features(const BackendNetwork&, const ImageBatch&, const FeatureChoice&, float*, KeptRows*) override {}
    void gram(const float* x, int rows, int columns, double* sum) override {
        const size_t p = size_t(columns);
        for (size_t r = 0; r < size_t(rows); ++r) {
            for (size_t i = 0; i < p; ++i) {
                for (size_t j = 0; j < p; ++j) sum[i * p + j] += double(x[r * p + i]) * double(x[r * p + j]);
            }
        }
    }
    NetworkWeights download(const BackendNetwork&) const override { return {}; }
};

// Images as their features (N x p) and labels.
struct Draw {
    int columns = 0, classes = 0;
    std::vector<float> rows;
    std::vector<int> labels;

    int images() const { return int(labels.size()); }
    const float* row(int i) const { return rows.data() + size_t(i) * size_t(columns); }
    Draw without(int image) const {
        Draw rest = *this;
        rest.labels.erase(rest.labels.begin() + image);
        rest.rows.erase(rest.rows.begin() + std::ptrdiff_t(image) * columns,
                        rest.rows.begin() + std::ptrdiff_t(image + 1) * columns);
        return rest;
    }
    void appendTo(FeatureTable& table) const { table.append(rows.data(), labels.data(), images()); }
};

// Gaussian classes like pooled features: correlated, positive after a ReLU, a third of the columns at 30 times the
// scale. `separation` is the deviation of a class mean's coordinate; within a class it is 1.
class Gaussians {
public:
    Gaussians(int columns, int classes, double separation, unsigned seed)
        : columns_(columns), classes_(classes), engine_(seed) {
        for (int k = 0; k < columns * classes; ++k) means_.push_back(separation * normal());
        for (int k = 0; k < columns * columns; ++k) mixing_.push_back(0.5 * normal() / std::sqrt(double(columns)));
    }

    // counts[c] images of class c, classes interleaved.
    Draw draw(std::vector<int> counts) {
        Draw result;
        result.columns = columns_;
        result.classes = classes_;
        for (bool more = true; more;) {
            more = false;
            for (int c = 0; c < classes_; ++c) {
                if (counts[size_t(c)]-- <= 0) continue;
                more = true;
                appendImage(result, c);
            }
        }
        return result;
    }
    Draw draw(int each) { return draw(std::vector<int>(size_t(classes_), each)); }

private:
    double normal() { return distribution_(engine_); }

    void appendImage(Draw& draw, int c) {
        const size_t p = size_t(columns_);
        std::vector<double> raw(p);
        for (double& v : raw) v = normal();
        for (size_t j = 0; j < p; ++j) {
            double v = raw[j] + means_[size_t(c) * p + j] + 1;
            for (size_t k = 0; k < p; ++k) v += mixing_[j * p + k] * raw[k];
            draw.rows.push_back(float(std::max(v, 0.0) * (j % 3 == 0 ? 30 : 1)));
        }
        draw.labels.push_back(c);
    }

    int columns_, classes_;
    std::mt19937 engine_;
    std::normal_distribution<double> distribution_;
    std::vector<double> means_, mixing_;
};

// A table with its statistics, which heads are solved from.
struct Gathered {
    explicit Gathered(const Draw& draw) : table(draw.columns, draw.classes) {
        GramBackend backend;
        draw.appendTo(table);
        statistics = gatherStatistics(table, backend);
    }
    FeatureTable table;
    FeatureStatistics statistics;
};

}  // namespace test
}  // namespace hyperpred
}  // namespace cv

#endif
