// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_BENCH_HPP
#define HYPERPRED_BENCH_HPP

#include "program_page.hpp"

namespace cv {
namespace hyperpred {

// One function a benchmark; `argv` holds what follows its name. Results go to stdout as a table, then as JSON.
int runSpeedBench(int argc, char** argv);
int runGpuBench(int argc, char** argv);
CommandPage gpuBenchPage();  // name and summary are main's
int runAccuracyBench(int argc, char** argv);
int runLabelErrorsBench(int argc, char** argv);

}  // namespace hyperpred
}  // namespace cv

#endif
