// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_CURVES_HPP
#define HYPERPRED_TRAIN_CURVES_HPP

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace cv {
namespace hyperpred {

// The log of a training run: a CSV file, one column a quantity, a cell empty where nothing was measured. The first
// column is the step. A resumed run drops the rows after its checkpoint, so that the log reads as if nothing had
// stopped.
struct LogTable {
    std::vector<std::string> columns;
    std::vector<std::vector<double>> rows;  // NaN where a cell is empty
};
LogTable readLog(const std::string& path);  // an absent file is an empty table

class RunLog {
public:
    RunLog(const std::string& path, const std::vector<std::string>& columns, int64_t lastStep);
    // Quantities that are no column throw Failure::Internal.
    void append(int64_t step, const std::map<std::string, double>& quantities);
    const LogTable& table() const { return table_; }

private:
    std::string path_;
    LogTable table_;
};

// One diagram: several columns of the log over one of them.
struct Panel {
    std::string title, x;
    std::vector<std::string> y;
};

// The panels one above the other as a PNG file. Panels without two points are drawn empty.
void writeCurves(const std::string& path, const LogTable& table, const std::vector<Panel>& panels);

}  // namespace hyperpred
}  // namespace cv

#endif
