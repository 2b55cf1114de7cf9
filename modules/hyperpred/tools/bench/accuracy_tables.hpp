// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_BENCH_ACCURACY_TABLES_HPP
#define HYPERPRED_BENCH_ACCURACY_TABLES_HPP

#include <nlohmann/json.hpp>
#include <string>

namespace cv {
namespace hyperpred {

// The results of `hyperpred_bench accuracy` (doc/benchmarks.md) as Markdown: a heading and up to three tables an
// architecture (plain, images a class, data-set transforms).
std::string accuracyTables(const nlohmann::ordered_json& results);

// `page` with everything between the lines "<!-- hyperpred_bench accuracy NAME -->" and "<!-- end -->" replaced by
// `table`. Throws Failure::BadFile where `page` has no such lines.
std::string insertTable(const std::string& page, const std::string& name, const std::string& table);

}  // namespace hyperpred
}  // namespace cv

#endif
