// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE manual_page
#include <boost/test/unit_test.hpp>

#include "manual_page.hpp"

using namespace cv::hyperpred;

// That both formatters take the real pages without a complaint is for test/install_runs.sh to see.
BOOST_AUTO_TEST_CASE(a_page_in_the_macros_of_man) {
    ProgramPage program;
    program.name = "grow_up";
    program.version = "1.2";
    program.summary = "grows plants - fast";
    program.description = "It grows. .dots at the start and back\\slashes stay.";
    program.commands = {{"plant", "grow_up plant DIR [options]", "puts 'it' down", {}}};
    program.commands[0].options = {{"deep", "d", "N", {}, "3", false, "how far"},
                                   {"out-file", "", "FILE", {}, "", true, ".txt to write"}};
    program.sections = {{"FILES", {{"~/.grow", "What is growing."}}}};
    program.seeAlso = {"shrink", "stay-put"};
    BOOST_TEST(manualPage(program, 86400) == R"(.TH GROW_UP 1 1970-01-02 "grow_up 1.2" "User Commands"
.SH NAME
grow_up \- grows plants - fast
.SH SYNOPSIS
\fBgrow_up\fR \fICOMMAND\fR ...
.br
\fBgrow_up\fR \fBhelp\fR [\fICOMMAND\fR]
.br
\fBgrow_up \-\-version\fR
.SH DESCRIPTION
It grows.
\&.dots at the start and back\eslashes stay.
.SH COMMANDS
.SS plant
\fBgrow_up plant DIR [options]\fR
.PP
puts 'it' down.
.TP
\fB\-d\fR, \fB\-\-deep\fR \fIN\fR
how far (default: 3)
.TP
\fB\-\-out\-file\fR \fIFILE\fR
\&.txt to write (required)
.SH FILES
.TP
\fB~/.grow\fR
What is growing.
.SH SEE ALSO
.BR shrink (1) ,
.BR stay\-put (1)
)");
}
