// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_REPORT_SECTIONS_HPP
#define HYPERPRED_TOOL_REPORT_SECTIONS_HPP

#include <iosfwd>

#include "report_view.hpp"
#include "thumbnails.hpp"

namespace cv {
namespace hyperpred {

// The parts of a report page. Each writes a section with its heading, and nothing where it has nothing to show.

// report_summary.cpp
void writeSummary(std::ostream& out,
                  const ReportView& view);                    // heading, expected or measured accuracy, what to look at
void writeChoice(std::ostream& out, const ReportView& view);  // weights, head, features, and why
void writeTimes(std::ostream& out, const ReportView& view);
void writeSkipped(std::ostream& out, const ReportView& view);

// report_classes.cpp
void writeClasses(std::ostream& out, const ReportView& view, const Thumbnails& thumbnails);
void writeConfusion(std::ostream& out, const ReportView& view);
void writePairs(std::ostream& out, const ReportView& view, const Thumbnails& thumbnails);

// report_images.cpp
void writeWrong(std::ostream& out, const ReportView& view, const Thumbnails& thumbnails);  // suspects or mistakes
void writeDropped(std::ostream& out, const ReportView& view, const Thumbnails& thumbnails);
void writeCopies(std::ostream& out, const ReportView& view, const Thumbnails& thumbnails);  // conflicts, duplicates
void writeStrangers(std::ostream& out, const ReportView& view, const Thumbnails& thumbnails);

// report_trust.cpp
void writeReliability(std::ostream& out, const ReportView& view);
void writeRejection(std::ostream& out, const ReportView& view);

}  // namespace hyperpred
}  // namespace cv

#endif
