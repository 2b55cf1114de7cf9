// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_THUMBNAILS_HPP
#define HYPERPRED_TOOL_THUMBNAILS_HPP

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace cv {
namespace hyperpred {

// Small pictures of image files as data URIs, for pages that load nothing from elsewhere.
class Thumbnails {
public:
    // JPEG bytes of a thumbnail at most; a third more as text.
    static const size_t kMostBytes = 4096;
    static constexpr int kEdge = 112;  // longer side in pixels; nothing is enlarged

    // Reads every named file once, in parallel.
    explicit Thumbnails(const std::vector<std::string>& files);

    // An img element, or a box that says so where the file can no longer be read.
    std::string image(const std::string& file, const std::string& alternative) const;

private:
    struct Thumbnail {
        std::string base64;  // JPEG; empty: unreadable
        int width = 0, height = 0;
    };
    static Thumbnail make(const std::string& file);

    std::map<std::string, Thumbnail> thumbnails_;
};

// RFC 4648, with padding.
std::string toBase64(const std::vector<unsigned char>& bytes);

}  // namespace hyperpred
}  // namespace cv

#endif
