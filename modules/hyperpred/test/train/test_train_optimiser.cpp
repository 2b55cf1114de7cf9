// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE train_optimiser
#include <boost/test/unit_test.hpp>

#include "optimiser.hpp"

using namespace cv::hyperpred;

BOOST_AUTO_TEST_CASE(OneCycleRisesForThreeTenthsAndEndsNearZero) {
    const int64_t steps = 1000;
    const auto rate = [&](int64_t step) { return scheduledRate(0.5, "one_cycle", step, steps, 77); };
    BOOST_CHECK_CLOSE(rate(0), 0.5 / 25, 1e-9);
    BOOST_CHECK_CLOSE(rate(300), 0.5, 1e-9);
    BOOST_CHECK_CLOSE(rate(steps - 1), 0.5 / 25e4, 1e-6);
    for (int64_t step = 1; step < steps; ++step) BOOST_CHECK_EQUAL(rate(step) > rate(step - 1), step <= 300);
    BOOST_CHECK_CLOSE(scheduledMomentum(0.95, "one_cycle", 300, steps), 0.85, 1e-9);
    BOOST_CHECK_CLOSE(scheduledMomentum(0.95, "one_cycle", 0, steps), 0.95, 1e-9);
    BOOST_CHECK_EQUAL(scheduledMomentum(0.95, "cosine", 300, steps), 0.95);
}

BOOST_AUTO_TEST_CASE(OtherSchedulesWarmUpLinearly) {
    for (const char* schedule : {"cosine", "constant"}) {
        BOOST_CHECK_CLOSE(scheduledRate(0.2, schedule, 4, 100, 9), 0.1, 1e-9);
    }
    BOOST_CHECK_CLOSE(scheduledRate(0.2, "constant", 99, 100, 9), 0.2, 1e-9);
    BOOST_CHECK_CLOSE(scheduledRate(0.2, "cosine", 55, 101, 10), 0.2 * 0.5055, 1);  // half way down
    BOOST_CHECK_SMALL(scheduledRate(0.2, "cosine", 100, 100, 9), 1e-9);
}
