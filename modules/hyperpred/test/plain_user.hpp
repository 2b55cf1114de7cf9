// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TEST_PLAIN_USER_HPP
#define HYPERPRED_TEST_PLAIN_USER_HPP

#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

namespace cv {
namespace hyperpred {
namespace test {

// Whether `check` holds for a user to whom permissions mean something. Root may read and write everything, so as root
// it is asked in a child process that has become nobody (user 65534); folders that it needs must be open to others.
template <class Check>
bool asPlainUser(const Check& check) {
    if (::geteuid() != 0) return check();
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        int status = 2;
        try {
            if (::setgroups(0, nullptr) == 0 && ::setgid(65534) == 0 && ::setuid(65534) == 0) status = check() ? 0 : 1;
        } catch (const std::exception& error) {
            std::fprintf(stderr, "%s\n", error.what());
        }
        std::fflush(nullptr);
        ::_exit(status);  // no destructor of the parent's runs twice
    }
    int status = 0;
    return child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace test
}  // namespace hyperpred
}  // namespace cv

#endif
