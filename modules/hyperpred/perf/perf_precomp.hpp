// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_PERF_PRECOMP_HPP
#define HYPERPRED_PERF_PRECOMP_HPP

#include <opencv2/hyperpred.hpp>
#include <opencv2/ts.hpp>

#endif
