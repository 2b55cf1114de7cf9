// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "head_ridge.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "opencv_core.hpp"

namespace cv {
namespace hyperpred {

namespace {

const double kLeastDeterminant = 1e-12;   // of what leaving out leaves, so that rounding cannot make it 0
const int kGridLow = -10, kGridHigh = 4;  // lambda = 10^(k / 2)
const double kUnjudgedLambda = 1;

// Of the p eigenvalues of A at most N + C are not zero. With a lambda below this share of their mean, the answers no
// longer change, and leaving an image out cancels as many digits as a double has: what is left is chance.
const double kLeastShare = 1e-5;

// A ready to answer for any lambda (absolute).
class RidgeSystem {
public:
    virtual ~RidgeSystem() = default;
    // Trace over p, the unit that lambda is given in.
    virtual double meanEigenvalue() const = 0;
    // Standardised weights, p x C.
    virtual MatrixXd weight(double lambda) const = 0;
    // Leave-one-out scores of `images`, C x images.size(); `images` are the same at each call.
    virtual MatrixXd judge(double lambda, const std::vector<int>& images) = 0;
    virtual LeaveOneOutScores leaveOneOut(double lambda) const = 0;
};

// Inner products u^T (A + lambda)^-1 v of some images' deviations d from their class means and of the g_c.
struct InnerProducts {
    VectorXd dd;  // n
    MatrixXd gd;  // C x n
    MatrixXd gg;  // C x n, with the g of the image's class
};

// Without the image, of a class y of n > 1: with s = 1 / (n - 1), the class mean falls by s d and the mean of means by
// s d / C, so A becomes A + P K P^T with P = [d g_y] and K below, the image less the mean of means P t, and
// (A + P K P^T)^-1 P = A^-1 P (I + K P^T A^-1 P)^-1 (Woodbury).
void leaveOut(const InnerProducts& in, Eigen::Index i, int label, double n, double k, MatrixXd& scores) {
    const double classes = double(scores.rows()), s = 1 / (n - 1);
    const double dd = in.dd[i], dg = in.gd(label, i), gg = in.gg(label, i);
    const double k11 = -n * s + k * (1 - 1 / classes) * s * s, k12 = -k * s;
    const double m11 = 1 + k11 * dd + k12 * dg, m12 = k11 * dg + k12 * gg;
    const double m21 = k12 * dd, m22 = 1 + k12 * dg;
    const double determinant = std::max(m11 * m22 - m12 * m21, kLeastDeterminant);
    const double t = 1 + s / classes;
    const double alongD = (m22 * t - m12) / determinant, alongG = (m11 - m21 * t) / determinant;
    const double own = s * (dd * alongD + dg * alongG);
    scores.col(i) = k * (alongD * in.gd.col(i) + alongG * in.gg.col(i));
    scores.col(i).array() += (1 + k * own) / classes;
    scores(label, i) -= k * own;
}

// The same for the only image of its class (d = 0), which takes the class with it: the mean of means moves by
// -g_y / (C - 1).
void leaveClassOut(const InnerProducts& in, Eigen::Index i, int label, double k, MatrixXd& scores) {
    const double classes = double(scores.rows()), gg = in.gg(label, i), grown = classes / (classes - 1);
    const double alongG = grown / std::max(1 - k * grown * gg, kLeastDeterminant);
    scores.col(i) = k * alongG * (in.gg.col(i).array() + gg / (classes - 1)) + 1 / (classes - 1);
    lowestScore(scores, int(i), label);
}

MatrixXd leaveOut(const HeadProblem& problem, const InnerProducts& in, const int* images) {
    const double k = double(problem.images()) / double(problem.classes);
    MatrixXd scores(in.gd.rows(), in.gd.cols());
    for (Eigen::Index i = 0; i < scores.cols(); ++i) {
        const int label = problem.labels[size_t(images[i])];
        const double n = problem.counts[size_t(label)];
        if (n > 1) {
            leaveOut(in, i, label, n, k, scores);
        } else {
            leaveClassOut(in, i, label, k, scores);
        }
    }
    return scores;
}

class PrimalRidge : public RidgeSystem {
public:
    explicit PrimalRidge(const HeadProblem& problem)
        : problem_(problem), k_(double(problem.images()) / double(problem.classes)) {
        const MatrixXd means = problem.standardisedMeans();
        const MatrixXd a = problem.withinScatter() + k_ * means * means.transpose();
        mean_ = a.trace() / double(a.rows());
        system_ = std::make_shared<const ShiftedSystem>(a);
        rotatedMeans_ = system_->basis().transpose() * means;
    }

    double meanEigenvalue() const override { return mean_; }

    MatrixXd weight(double lambda) const override {
        return k_ * (system_->basis() * system_->solve(lambda, rotatedMeans_));
    }

    MatrixXd judge(double lambda, const std::vector<int>& images) override {
        if (judged_.empty()) rotateJudged(images);
        const MatrixXd solved = system_->solve(lambda, rotatedMeans_);
        MatrixXd scores(problem_.classes, Eigen::Index(images.size()));
        const int step = FeatureTable::kBlockRows;
        cv::parallel_for_(cv::Range(0, int(judged_.size())), [&](const cv::Range& range) {
            for (int b = range.start; b < range.end; ++b) {
                const MatrixXd& deviations = judged_[size_t(b)];
                scores.middleCols(Eigen::Index(b) * step, deviations.rows()) =
                    judgeRotated(lambda, solved, images.data() + size_t(b) * size_t(step), deviations);
            }
        });
        return scores;
    }

    LeaveOneOutScores leaveOneOut(double lambda) const override {
        // A copy shares the system and outlives this object.
        const auto self = std::make_shared<PrimalRidge>(*this);
        self->judged_.clear();
        const auto solved = std::make_shared<const MatrixXd>(system_->solve(lambda, rotatedMeans_));
        return [self, solved, lambda](const int* images, const float* rows, int count) {
            return self->judgeRotated(lambda, *solved, images, self->rotate(images, rows, count));
        };
    }

private:
    // Rotated deviations from class means, count x p.
    MatrixXd rotate(const int* images, const float* rows, int count) const {
        MatrixXd rotated = problem_.standardise(rows, count).transpose() * system_->basis();
        rotated -= meansOf(images, count).transpose();
        return rotated;
    }

    // Rotated g of each image's class, p x count.
    MatrixXd meansOf(const int* images, Eigen::Index count) const {
        MatrixXd means(rotatedMeans_.rows(), count);
        for (Eigen::Index i = 0; i < count; ++i) means.col(i) = rotatedMeans_.col(problem_.labels[size_t(images[i])]);
        return means;
    }

    void rotateJudged(const std::vector<int>& images) {
        const int step = FeatureTable::kBlockRows, total = int(images.size());
        const std::vector<float> rows = problem_.read(images);
        judged_.resize(size_t((total + step - 1) / step));
        cv::parallel_for_(cv::Range(0, int(judged_.size())), [&](const cv::Range& range) {
            for (int b = range.start; b < range.end; ++b) {
                const int first = b * step;
                judged_[size_t(b)] =
                    rotate(images.data() + first, rows.data() + size_t(first) * size_t(problem_.columns()),
                           std::min(step, total - first));
            }
        });
    }

    MatrixXd judgeRotated(double lambda, const MatrixXd& solved, const int* images, const MatrixXd& deviations) const {
        InnerProducts in;
        in.dd = system_->quadratic(lambda, deviations);
        in.gd = solved.transpose() * deviations.transpose();
        in.gg = solved.transpose() * meansOf(images, deviations.rows());
        return leaveOut(problem_, in, images);
    }

    const HeadProblem& problem_;
    double k_;
    double mean_ = 0;
    std::shared_ptr<const ShiftedSystem> system_;
    MatrixXd rotatedMeans_;         // p x C, Q^T g_c
    std::vector<MatrixXd> judged_;  // blocks of rotated deviations
};

// A = X X^T with X = [d_1 .. d_N, sqrt k g_1 .. sqrt k g_C] (p x (N + C)) and B = X^T X: the inner products are entries
// of B (B + lambda)^-1 = I - lambda (B + lambda)^-1.
class DualRidge : public RidgeSystem {
public:
    explicit DualRidge(const HeadProblem& problem)
        : problem_(problem), rootK_(std::sqrt(double(problem.images()) / double(problem.classes))) {
        const Eigen::Index n = problem.images();
        const MatrixXd means = problem.standardisedMeans();
        std::vector<float> rows(size_t(n) * size_t(problem.columns()));
        problem.table.read(0, problem.images(), rows.data());
        x_.resize(problem.columns(), n + problem.classes);
        x_.leftCols(n) = problem.standardise(rows.data(), problem.images());
        for (Eigen::Index i = 0; i < n; ++i) x_.col(i) -= means.col(problem.labels[size_t(i)]);
        x_.rightCols(problem.classes) = rootK_ * means;
        const MatrixXd b = x_.transpose() * x_;
        mean_ = b.trace() / double(problem.columns());
        system_ = std::make_shared<const ShiftedSystem>(b);
    }

    double meanEigenvalue() const override { return mean_; }
    MatrixXd weight(double lambda) const override { return rootK_ * (x_ * solveMeans(lambda)); }

    MatrixXd judge(double lambda, const std::vector<int>& images) override {
        const MatrixXd all = judgeAll(lambda);
        MatrixXd scores(all.rows(), Eigen::Index(images.size()));
        for (size_t i = 0; i < images.size(); ++i) scores.col(Eigen::Index(i)) = all.col(images[i]);
        return scores;
    }

    LeaveOneOutScores leaveOneOut(double lambda) const override {
        const auto all = std::make_shared<const MatrixXd>(judgeAll(lambda));
        return [all](const int* images, const float*, int count) {
            MatrixXd scores(all->rows(), count);
            for (int i = 0; i < count; ++i) scores.col(i) = all->col(images[i]);
            return scores;
        };
    }

private:
    // The last C columns of (B + lambda)^-1.
    MatrixXd solveMeans(double lambda) const {
        const MatrixXd& q = system_->basis();
        return q * system_->solve(lambda, q.bottomRows(problem_.classes).transpose());
    }

    MatrixXd judgeAll(double lambda) const {
        const Eigen::Index n = problem_.images(), classes = problem_.classes;
        const MatrixXd inverse = solveMeans(lambda);
        MatrixXd gg = -lambda * inverse.bottomRows(classes);
        gg.diagonal().array() += 1;
        InnerProducts in;
        in.dd = (1 - lambda * system_->quadratic(lambda, system_->basis().topRows(n)).array()).matrix();
        in.gd = -lambda / rootK_ * inverse.topRows(n).transpose();
        in.gg.resize(classes, n);
        std::vector<int> images;
        for (int i = 0; i < int(n); ++i) {
            images.push_back(i);
            in.gg.col(i) = gg.col(problem_.labels[size_t(i)]) / (rootK_ * rootK_);
        }
        return leaveOut(problem_, in, images.data());
    }

    const HeadProblem& problem_;
    double rootK_, mean_ = 0;
    MatrixXd x_;
    std::shared_ptr<const ShiftedSystem> system_;
};

struct Choice {
    double lambda = kUnjudgedLambda, temperature = 1;
};

// From the strongest penalty down, so that of equal losses the simplest head wins.
Choice choose(const HeadProblem& problem, RidgeSystem& system, double unit, double fixed) {
    bool informative = false;
    const std::vector<int> judged = problem.judgedImages(informative);
    Choice choice;
    if (fixed > 0) choice.lambda = fixed;
    if (!informative) {
        choice.temperature = unjudgedTemperature(system.judge(choice.lambda * unit, judged));
        return choice;
    }
    const std::vector<int> labels = problem.labelsOf(judged);
    double least = std::numeric_limits<double>::infinity();
    const double zeros = double(problem.columns()) / double(problem.images() + problem.classes);
    const double lowest = 0.999 * kLeastShare * std::max(1.0, zeros);  // less what the powers of ten round
    for (int k = kGridHigh; k >= kGridLow; --k) {
        const double lambda = fixed > 0 ? fixed : std::pow(10.0, 0.5 * k);
        if (!(fixed > 0) && lambda < lowest) break;
        const Temperature fitted = fitTemperature(system.judge(lambda * unit, judged), labels);
        if (fitted.logLoss < least) {
            least = fitted.logLoss;
            choice.lambda = lambda;
            choice.temperature = fitted.value;
        }
        if (fixed > 0) break;
    }
    return choice;
}

}  // namespace

HeadSolution solveRidge(const HeadProblem& problem, double lambda, RidgeForm form) {
    const bool dual = form == RidgeForm::Dual || (form == RidgeForm::Shorter &&
                                                  problem.images() + problem.classes < problem.columns());
    std::unique_ptr<RidgeSystem> system;
    if (dual) {
        system = std::make_unique<DualRidge>(problem);
    } else {
        system = std::make_unique<PrimalRidge>(problem);
    }
    // Features that do not vary have no eigenvalues: any positive lambda then gives weights of 0.
    const double unit = system->meanEigenvalue() > 1e-12 ? system->meanEigenvalue() : 1;
    const Choice choice = choose(problem, *system, unit, lambda);

    HeadSolution solution;
    solution.weight = (problem.inverseScale.asDiagonal() * system->weight(choice.lambda * unit)).transpose();
    solution.bias = VectorXd::Constant(problem.classes, 1 / double(problem.classes)) -
                    solution.weight * problem.centre;
    solution.regulariser = choice.lambda;
    solution.temperature = choice.temperature;
    solution.leaveOneOut = system->leaveOneOut(choice.lambda * unit);
    return solution;
}

}  // namespace hyperpred
}  // namespace cv
