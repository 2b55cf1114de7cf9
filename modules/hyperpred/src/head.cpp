// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "head.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "error.hpp"
#include "familiarity.hpp"
#include "head_cosine.hpp"
#include "head_lda.hpp"
#include "head_problem.hpp"
#include "head_ridge.hpp"

namespace cv {
namespace hyperpred {

namespace {

const float kAbsentLogit = -100;  // of a class without images: below any logit that the temperature allows

struct Name {
    const char* name;
    HeadKind kind;
};
const Name kNames[] = {{"ridge", HeadKind::Ridge}, {"cosine", HeadKind::Cosine}, {"lda", HeadKind::Lda}};

HeadSolution solve(HeadKind kind, const HeadProblem& problem) {
    switch (kind) {
        case HeadKind::Ridge: return solveRidge(problem);
        case HeadKind::Cosine: return solveCosine(problem);
        case HeadKind::Lda: return solveLda(problem);
    }
    fail(Failure::Internal, "unknown kind of head " + std::to_string(int(kind)));
}

// Judges one image by its calibrated logits (C) and returns its log loss.
double judgeImage(const HeadProblem& problem, const VectorXd& logits, size_t image, LeaveOneOut& judged) {
    const int label = problem.labels[image];
    const bool only = problem.counts[size_t(label)] == 1;  // then a tie is not the label's
    int best = only && label == 0 ? 1 : 0;
    for (int c = best + 1; c < problem.classes; ++c) {
        if (logits[c] > logits[best] && !(only && c == label)) best = c;
    }
    const double greatest = logits.maxCoeff();
    const double sum = (logits.array() - greatest).exp().sum();
    judged.predicted[image] = problem.present[size_t(best)];
    judged.answerProbability[image] = float(std::exp(logits[best] - greatest) / sum);
    judged.labelProbability[image] = float(std::exp(logits[label] - greatest) / sum);
    return std::log(sum) + greatest - logits[label];
}

LeaveOneOut judge(const HeadProblem& problem, const HeadSolution& solution) {
    const size_t n = size_t(problem.images());
    LeaveOneOut judged;
    judged.predicted.resize(n);
    judged.answerProbability.resize(n);
    judged.labelProbability.resize(n);
    std::vector<double> losses(n / FeatureTable::kBlockRows + 1, 0.0);
    problem.table.forEachBlockParallel([&](int first, int count, const float* rows) {
        std::vector<int> images;
        for (int i = 0; i < count; ++i) images.push_back(first + i);
        const MatrixXd logits = solution.temperature * solution.leaveOneOut(images.data(), rows, count);
        double loss = 0;
        for (int i = 0; i < count; ++i) loss += judgeImage(problem, logits.col(i), size_t(first + i), judged);
        losses[size_t(first / FeatureTable::kBlockRows)] = loss;
    });
    size_t right = 0;
    for (size_t i = 0; i < n; ++i) right += judged.predicted[i] == problem.table.labels()[i] ? 1 : 0;
    judged.accuracy = double(right) / double(n);
    for (double loss : losses) judged.logLoss += loss / double(n);
    return judged;
}

std::vector<float> leaveOneOutFamiliarity(const HeadProblem& problem, const FamiliarityScores& scores) {
    std::vector<float> familiarity(size_t(problem.images()));
    problem.table.forEachBlockParallel([&](int first, int count, const float* rows) {
        std::vector<int> images;
        for (int i = 0; i < count; ++i) images.push_back(first + i);
        const VectorXd greatest = scores.leaveOneOut(images.data(), rows, count);
        for (int i = 0; i < count; ++i) familiarity[size_t(first + i)] = float(greatest[i]);
    });
    return familiarity;
}

float quantile(std::vector<float> values, double share) {
    const size_t below = size_t(share * double(values.size()));
    if (!(share > 0)) return std::numeric_limits<float>::lowest();
    std::nth_element(values.begin(), values.begin() + std::ptrdiff_t(below), values.end());
    return values[below];
}

Head toHead(HeadKind kind, const HeadProblem& problem, const HeadSolution& solution) {
    Head head;
    head.kind = kind;
    head.normalise = solution.normalise;
    head.classes = problem.table.classes();
    head.columns = problem.columns();
    head.regulariser = float(solution.regulariser);
    head.temperature = float(solution.temperature);
    head.weight.assign(size_t(head.classes) * size_t(head.columns), 0.f);
    head.bias.assign(size_t(head.classes), kAbsentLogit);
    for (int c = 0; c < problem.classes; ++c) {
        const size_t out = size_t(problem.present[size_t(c)]);
        head.bias[out] = float(solution.temperature * solution.bias[c]);
        float* row = head.weight.data() + out * size_t(head.columns);
        for (int j = 0; j < head.columns; ++j) row[j] = float(solution.temperature * solution.weight(c, j));
    }
    return head;
}

bool finite(const std::vector<float>& values) {
    return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

void checkLogLoss(HeadKind kind, const LeaveOneOut& judged) {
    if (std::isfinite(judged.logLoss)) return;
    fail(Failure::Internal, std::string("the ") + headName(kind) + " head's log loss is not finite");
}

}  // namespace

HeadKind parseHeadKind(const std::string& name) {
    for (const Name& known : kNames) {
        if (name == known.name) return known.kind;
    }
    fail(Failure::BadArgument, "head is \"" + name + "\", must be \"ridge\", \"cosine\" or \"lda\"");
}

const char* headName(HeadKind kind) {
    for (const Name& known : kNames) {
        if (kind == known.kind) return known.name;
    }
    fail(Failure::Internal, "unknown kind of head " + std::to_string(int(kind)));
}

FittedHead fitHead(HeadKind kind, const FeatureTable& table, const FeatureStatistics& statistics, double rejected) {
    if (!(rejected >= 0 && rejected <= 0.5)) {
        fail(Failure::OutOfRange, "rejected is " + std::to_string(rejected) + ", must be 0..0.5");
    }
    fixEigenBlocking();
    const HeadProblem problem(table, statistics);
    const HeadSolution solution = solve(kind, problem);
    const FamiliarityScores familiarity(problem, solution);
    FittedHead fitted;
    fitted.head = toHead(kind, problem, solution);
    fitted.head.familiarity = familiarity.solved();
    fitted.leaveOneOut = judge(problem, solution);
    fitted.leaveOneOut.familiarity = leaveOneOutFamiliarity(problem, familiarity);
    fitted.head.familiarity.threshold = quantile(fitted.leaveOneOut.familiarity, rejected);
    const Familiarity& known = fitted.head.familiarity;
    const std::vector<float>* parts[] = {&fitted.head.weight, &fitted.head.bias, &known.white,
                                         &known.whiteBias,    &known.means,      &fitted.leaveOneOut.familiarity};
    for (const std::vector<float>* part : parts) {
        if (!finite(*part)) fail(Failure::Internal, std::string("the ") + headName(kind) + " head is not finite");
    }
    checkLogLoss(kind, fitted.leaveOneOut);
    return fitted;
}

LeaveOneOut judgeHead(HeadKind kind, const FeatureTable& table, const FeatureStatistics& statistics) {
    fixEigenBlocking();
    const HeadProblem problem(table, statistics);
    const LeaveOneOut judged = judge(problem, solve(kind, problem));
    checkLogLoss(kind, judged);
    return judged;
}

std::vector<float> applyHead(const Head& head, const float* features, int rows) {
    const size_t p = size_t(head.columns), classes = size_t(head.classes);
    std::vector<float> logits(size_t(rows) * classes);
    for (size_t i = 0; i < size_t(rows); ++i) {
        const VectorXd f = Eigen::Map<const Eigen::VectorXf>(features + i * p, Eigen::Index(p)).cast<double>();
        const double scale = head.normalise ? 1 / std::max(f.norm(), kLeastFeatureNorm) : 1;
        for (size_t c = 0; c < classes; ++c) {
            const Eigen::Map<const Eigen::VectorXf> weight(head.weight.data() + c * p, Eigen::Index(p));
            logits[i * classes + c] = float(scale * weight.cast<double>().dot(f) + double(head.bias[c]));
        }
    }
    return logits;
}

std::vector<float> applyFamiliarity(const Head& head, const float* features, int rows) {
    const Eigen::Index p = head.columns;
    using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const Familiarity& known = head.familiarity;
    const MatrixXd white = Eigen::Map<const RowMajor>(known.white.data(), p, p).cast<double>();
    const MatrixXd means = Eigen::Map<const RowMajor>(known.means.data(), head.classes, p).cast<double>();
    const VectorXd shift = Eigen::Map<const Eigen::VectorXf>(known.whiteBias.data(), p).cast<double>();
    const std::vector<float> logits = applyHead(head, features, rows);
    std::vector<float> greatest;
    for (int i = 0; i < rows; ++i) {
        const VectorXd f = Eigen::Map<const Eigen::VectorXf>(features + i * p, p).cast<double>();
        const VectorXd u = white * f + shift;
        const Eigen::Map<const Eigen::VectorXf> row(logits.data() + size_t(i) * size_t(head.classes), head.classes);
        const VectorXd distances = (means.rowwise() - u.transpose()).rowwise().squaredNorm();
        const VectorXd familiarity =
            double(known.logitScale) * row.cast<double>() - double(known.distanceScale) * distances;
        greatest.push_back(float(familiarity.maxCoeff()));
    }
    return greatest;
}

}  // namespace hyperpred
}  // namespace cv
