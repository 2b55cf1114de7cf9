// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_BENCH_ACCURACY_TABLES_HPP
#define HYPERPRED_BENCH_ACCURACY_TABLES_HPP

#include <nlohmann/json.hpp>
#include <string>

namespace cv {
namespace hyperpred {

// The results of `hyperpred_bench accuracy` (doc/benchmarks.md) as Markdown: a heading and up to three tables an
// architecture (all images, images a class, data-set transforms).
std::string accuracyTables(const nlohmann::ordered_json& results);

// The first row of each network of one architecture (its default head), one table without a heading. Throws
// Failure::BadFile where `results` has no such architecture.
std::string accuracySummary(const nlohmann::ordered_json& results, const std::string& architecture);

// `page` with what stands between the lines "<!-- hyperpred_bench accuracy NAME -->" and "<!-- end -->" replaced by all
// tables, and behind "<!-- hyperpred_bench accuracy NAME summary ARCHITECTURE -->" by its summary. Throws
// Failure::BadFile where `page` has no such lines.
std::string insertTables(const std::string& page, const std::string& name, const nlohmann::ordered_json& results);

}  // namespace hyperpred
}  // namespace cv

#endif
