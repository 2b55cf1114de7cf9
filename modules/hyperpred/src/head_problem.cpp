// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "head_problem.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "error.hpp"
#include "opencv_core.hpp"

namespace cv {
namespace hyperpred {

namespace {

const size_t kMostJudged = 4096, kLeastJudged = 512;
const size_t kJudgedScores = 2000000;  // judged images times classes
const double kLeastScale = 0.01;       // of the deviations' root mean square

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

VectorXd inverseDeviations(const FeatureStatistics& statistics, double images) {
    const Eigen::Index p = statistics.columns;
    const Eigen::Map<const RowMajor> gram(statistics.gram.data(), p, p);
    const Eigen::Map<const RowMajor> sums(statistics.sums.data(), statistics.classes, p);
    const VectorXd mean = sums.colwise().sum().transpose() / images;
    const VectorXd variance = (gram.diagonal() / images - mean.cwiseAbs2()).cwiseMax(0.0);
    const double rms = std::sqrt(variance.mean());
    if (!(rms > 1e-20)) return VectorXd::Ones(p);
    return variance.cwiseSqrt().cwiseMax(kLeastScale * rms).cwiseInverse();
}

}  // namespace

HeadProblem::HeadProblem(const FeatureTable& features, const FeatureStatistics& gathered)
    : table(features), statistics(gathered) {
    if (gathered.columns != features.columns() || gathered.classes != features.classes()) {
        fail(Failure::Internal, "feature statistics are of another table");
    }
    std::vector<int> dense(gathered.counts.size(), -1);
    for (size_t c = 0; c < gathered.counts.size(); ++c) {
        if (!(gathered.counts[c] > 0)) continue;
        dense[c] = int(present.size());
        present.push_back(int(c));
        counts.push_back(gathered.counts[c]);
    }
    classes = int(present.size());
    if (classes < 2) {
        fail(Failure::BadArgument, "a head needs images of 2 classes or more, got " + std::to_string(classes));
    }
    for (int label : features.labels()) labels.push_back(dense[size_t(label)]);

    const Eigen::Index p = features.columns();
    means.resize(p, classes);
    for (int c = 0; c < classes; ++c) {
        const double* sum = gathered.sums.data() + size_t(present[size_t(c)]) * size_t(p);
        means.col(c) = Eigen::Map<const VectorXd>(sum, p) / counts[size_t(c)];
    }
    centre = means.rowwise().mean();
    inverseScale = inverseDeviations(gathered, double(features.rows()));
}

MatrixXd HeadProblem::standardise(const float* rows, int count) const {
    MatrixXd z = Eigen::Map<const Eigen::MatrixXf>(rows, columns(), count).cast<double>();
    z.colwise() -= centre;
    z.array().colwise() *= inverseScale.array();
    return z;
}

MatrixXd HeadProblem::standardisedMeans() const {
    return inverseScale.asDiagonal() * (means.colwise() - centre).eval();
}

MatrixXd HeadProblem::withinScatter() const {
    const Eigen::Index p = columns();
    const Eigen::Map<const VectorXd> n(counts.data(), classes);
    // Around the centre, where the terms that cancel are small.
    const MatrixXd around = means.colwise() - centre;
    const VectorXd sum = around * n;  // of x - centre
    MatrixXd scatter = Eigen::Map<const RowMajor>(statistics.gram.data(), p, p);
    scatter -= sum * centre.transpose() + centre * sum.transpose() + n.sum() * centre * centre.transpose();
    scatter -= around * n.asDiagonal() * around.transpose();
    return inverseScale.asDiagonal() * scatter * inverseScale.asDiagonal();
}

std::vector<float> HeadProblem::read(const std::vector<int>& images) const {
    const size_t p = size_t(columns());
    std::vector<float> rows(images.size() * p);
    for (size_t i = 0; i < images.size(); ++i) table.read(images[i], 1, rows.data() + i * p);
    return rows;
}

std::vector<int> HeadProblem::judgedImages(bool& informative) const {
    std::vector<int> candidates;
    for (int i = 0; i < images(); ++i) {
        if (counts[size_t(labels[size_t(i)])] > 1) candidates.push_back(i);
    }
    informative = !candidates.empty();
    for (int i = 0; !informative && i < images(); ++i) candidates.push_back(i);
    const size_t limit = std::min(kMostJudged, std::max(kLeastJudged, kJudgedScores / size_t(classes)));
    const size_t n = std::min(limit, candidates.size());
    std::vector<int> judged;
    for (size_t k = 0; k < n; ++k) judged.push_back(candidates[k * candidates.size() / n]);
    return judged;
}

std::vector<int> HeadProblem::labelsOf(const std::vector<int>& images) const {
    std::vector<int> result;
    for (int image : images) result.push_back(labels[size_t(image)]);
    return result;
}

MatrixXd scoresOf(const HeadProblem& problem, const std::vector<int>& images, const LeaveOneOutScores& scores) {
    const std::vector<float> rows = problem.read(images);
    MatrixXd result(problem.classes, Eigen::Index(images.size()));
    const int total = int(images.size()), step = FeatureTable::kBlockRows;
    cv::parallel_for_(cv::Range(0, (total + step - 1) / step), [&](const cv::Range& range) {
        for (int first = range.start * step; first < std::min(total, range.end * step); first += step) {
            const int count = std::min(step, total - first);
            result.middleCols(first, count) =
                scores(images.data() + first, rows.data() + size_t(first) * size_t(problem.columns()), count);
        }
    });
    return result;
}

double chooseTemperature(const HeadProblem& problem, const LeaveOneOutScores& scores) {
    bool informative = false;
    const std::vector<int> judged = problem.judgedImages(informative);
    const MatrixXd judgedScores = scoresOf(problem, judged, scores);
    return informative ? fitTemperature(judgedScores, problem.labelsOf(judged)).value
                       : unjudgedTemperature(judgedScores);
}

void lowestScore(MatrixXd& scores, int image, int label) {
    double lowest = std::numeric_limits<double>::max();
    for (Eigen::Index c = 0; c < scores.rows(); ++c) {
        if (c != label) lowest = std::min(lowest, scores(c, image));
    }
    scores(label, image) = lowest;
}

}  // namespace hyperpred
}  // namespace cv
