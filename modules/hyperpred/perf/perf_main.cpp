// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "perf_precomp.hpp"

CV_PERF_TEST_MAIN(hyperpred, cvtest::addDataSearchSubDirectory(""))
