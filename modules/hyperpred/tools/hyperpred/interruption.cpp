// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "interruption.hpp"

#include <csignal>

#include "command.hpp"

namespace cv {
namespace hyperpred {

namespace {

volatile std::sig_atomic_t gInterrupted = 0;

void note(int) {
    gInterrupted = 1;
}

}  // namespace

void noteInterruption() {
    std::signal(SIGINT, note);
    std::signal(SIGTERM, note);
}

bool interrupted() {
    return gInterrupted != 0;
}

void stopIfInterrupted() {
    if (interrupted()) throw CannotDo("interrupted; nothing was written");
}

}  // namespace hyperpred
}  // namespace cv
