// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "sample.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <tuple>

#include "error.hpp"

namespace cv {
namespace hyperpred {

namespace {

// counts: images a class. Largest quota q with sum over classes of min(count, q) <= limit.
size_t equalQuota(const std::vector<size_t>& counts, size_t limit) {
    size_t low = 0, high = counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end());
    while (low < high) {
        const size_t middle = high - (high - low) / 2;
        size_t total = 0;
        for (const size_t count : counts) total += std::min(count, middle);
        if (total <= limit) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

// Images a class gets; what the equal quota leaves is less than one for each class that has more, so one round by
// class spends it.
std::vector<size_t> quotas(const std::vector<size_t>& counts, size_t limit) {
    const size_t equal = equalQuota(counts, limit);
    std::vector<size_t> given(counts.size());
    for (size_t c = 0; c < counts.size(); ++c) {
        given[c] = std::min(counts[c], equal);
        limit -= given[c];
    }
    for (size_t c = 0; c < counts.size() && limit > 0; ++c) {
        if (counts[c] <= equal) continue;
        ++given[c];
        --limit;
    }
    return given;
}

}  // namespace

void sortCanonically(std::vector<SupportEntry>& entries) {
    // The record only settles the order of equal images, so that the same call always gives the same answer.
    std::sort(entries.begin(), entries.end(), [](const SupportEntry& a, const SupportEntry& b) {
        return std::tie(a.label, a.hash, a.record) < std::tie(b.label, b.hash, b.record);
    });
}

std::vector<size_t> chooseSample(const std::vector<SupportEntry>& entries, int classes, size_t limit) {
    std::vector<size_t> counts(size_t(std::max(classes, 0)), 0);
    for (const SupportEntry& entry : entries) {
        if (entry.label < 0 || entry.label >= classes) {
            fail(Failure::Internal, "sample: label " + std::to_string(entry.label) + " of " +
                                        std::to_string(classes) + " classes");
        }
        ++counts[size_t(entry.label)];
    }
    const std::vector<size_t> given = quotas(counts, limit);
    std::vector<size_t> chosen;
    chosen.reserve(std::min(limit, entries.size()));
    size_t begin = 0;
    for (size_t c = 0; c < counts.size(); ++c) {  // canonical order: a class is one run, its lowest hashes first
        for (size_t i = 0; i < given[c]; ++i) chosen.push_back(begin + i);
        begin += counts[c];
    }
    return chosen;
}

std::vector<Conflict> findConflicts(const std::vector<SupportEntry>& entries) {
    std::vector<size_t> byHash(entries.size());
    std::iota(byHash.begin(), byHash.end(), size_t(0));
    std::sort(byHash.begin(), byHash.end(), [&](size_t a, size_t b) {
        return std::tie(entries[a].hash, a) < std::tie(entries[b].hash, b);
    });
    // Each image is paired with the first of its group only: all pairs of a million equal images would be too many.
    std::vector<Conflict> conflicts;
    size_t first = 0;
    for (size_t i = 1; i < byHash.size(); ++i) {
        const SupportEntry &one = entries[byHash[first]], &other = entries[byHash[i]];
        if (one.hash != other.hash) {
            first = i;
        } else if (one.label != other.label) {
            Conflict conflict;
            conflict.first = byHash[first];
            conflict.second = byHash[i];
            conflicts.push_back(conflict);
        }
    }
    std::sort(conflicts.begin(), conflicts.end(), [](const Conflict& a, const Conflict& b) {
        return std::tie(a.first, a.second) < std::tie(b.first, b.second);
    });
    return conflicts;
}

std::vector<std::vector<size_t>> findDuplicates(const std::vector<SupportEntry>& entries) {
    std::vector<std::vector<size_t>> groups;
    bool open = false;  // whether the last group is the one of entry i - 1
    for (size_t i = 1; i < entries.size(); ++i) {
        const bool equal = entries[i].hash == entries[i - 1].hash && entries[i].label == entries[i - 1].label;
        if (equal && !open) groups.push_back({i - 1});
        if (equal) groups.back().push_back(i);
        open = equal;
    }
    return groups;
}

}  // namespace hyperpred
}  // namespace cv
