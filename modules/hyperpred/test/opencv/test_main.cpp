// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "test_precomp.hpp"

CV_TEST_MAIN("")
