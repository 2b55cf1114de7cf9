// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <opencv2/core/utility.hpp>
#include <opencv2/imgcodecs.hpp>
#include <stdexcept>

#include "belt.hpp"
#include "motion_jpeg.hpp"
#include "scene.hpp"

namespace cv {
namespace hyperpred {

namespace {

namespace fs = std::filesystem;

const int kSupport = 40, kHeldOut = 20;  // pictures a class
const int kUnknown = 40;
const int kQuality = 90;   // JPEG
const int kTolerance = 3;  // levels of 255: what decoders may differ by

struct WrongUse : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A picture to make: the part's class, or for "unknown" one of the other things.
struct Picture {
    std::string split, name;
    int index = 0;

    std::string path() const {
        const std::string number = (index < 10 ? "0" : "") + std::to_string(index) + ".jpg";
        return split == "unknown" ? split + "/" + number : split + "/" + name + "/" + number;
    }
};

// The bundled pictures, or `solids` classes of random solids with `each` pictures for meta-training.
std::vector<Picture> allPictures(int solids, int each) {
    std::vector<Picture> pictures;
    const auto add = [&](const std::string& split, const std::string& name, int count) {
        for (int i = 0; i < count; ++i) pictures.push_back({split, name, i});
    };
    if (solids > 0) {
        for (int kind = 0; kind < solids; ++kind) {
            const std::string digits = std::to_string(kind);
            add("solids", "solid" + std::string(digits.size() < 4 ? 4 - digits.size() : 0, '0') + digits, each);
        }
        return pictures;
    }
    for (const std::string& name : partNames()) add("support", name, kSupport);
    for (const std::string& name : partNames()) add("heldout", name, kHeldOut);
    add("unknown", "unknown", kUnknown);
    return pictures;
}

// Every picture has its own sequence of random numbers, so pictures can be made alone and in any order.
uint64_t seedOf(const Picture& picture) {
    uint64_t seed = 20260923;
    for (const char letter : picture.split + "/" + picture.name) seed = mixBits(seed ^ uint64_t(uchar(letter)));
    return mixBits(seed + uint64_t(picture.index));
}

Part pictured(const Picture& picture, Random& random) {
    if (picture.split == "solids") return makeSolid(std::stoi(picture.name.substr(5)), random);
    if (picture.split == "unknown") return makeOther(picture.index % kOtherKinds, random);
    return makePart(picture.name, random);
}

std::vector<uchar> encodedPicture(const Picture& picture) {
    Random random(seedOf(picture));
    const Scene scene = arrangeScene(pictured(picture, random), random);
    const cv::Mat light = renderScene(scene);
    const Camera camera = drawCamera(random);
    std::vector<uchar> bytes;
    cv::imencode(".jpg", takePicture(light, camera, random), bytes, {cv::IMWRITE_JPEG_QUALITY, kQuality});
    return bytes;
}

void write(const fs::path& path, const std::vector<uchar>& bytes) {
    fs::create_directories(path.parent_path());
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
    if (!out.flush()) throw std::runtime_error("\"" + path.string() + "\" cannot be written");
}

// Empty when the found image is that of the encoded picture, else what is wrong.
std::string difference(const cv::Mat& found, const std::vector<uchar>& bytes) {
    const cv::Mat expected = cv::imdecode(bytes, cv::IMREAD_COLOR);
    if (found.empty()) return "is no image";
    if (found.size() != expected.size()) return "has another size";
    const int largest = int(cv::norm(found, expected, cv::NORM_INF));
    return largest > kTolerance ? "differs by " + std::to_string(largest) + " levels" : "";
}

struct Arguments {
    std::string out, check, belt, checkBelt;
    std::vector<std::string> classes;
    int every = 1;
    int solids = 0, each = 100;
};

int positive(const std::string& key, const std::string& value) {
    const int number = std::atoi(value.c_str());
    if (number < 1) throw WrongUse(key + " takes a whole number from 1, not \"" + value + "\"");
    return number;
}

Arguments parseArguments(int count, char** values) {
    Arguments arguments;
    for (int i = 1; i < count; ++i) {
        const std::string key = values[i];
        if (i + 1 == count) throw WrongUse(key + " needs a value");
        const std::string value = values[++i];
        if (key == "--out") {
            arguments.out = value;
        } else if (key == "--check") {
            arguments.check = value;
        } else if (key == "--belt") {
            arguments.belt = value;
        } else if (key == "--check-belt") {
            arguments.checkBelt = value;
        } else if (key == "--class") {
            arguments.classes.push_back(value);
        } else if (key == "--every") {
            arguments.every = positive(key, value);
        } else if (key == "--solids") {
            arguments.solids = positive(key, value);
        } else if (key == "--each") {
            arguments.each = positive(key, value);
        } else {
            throw WrongUse(key + " is not known");
        }
    }
    int orders = 0;
    for (const auto& order : {arguments.out, arguments.check, arguments.belt, arguments.checkBelt}) {
        orders += order.empty() ? 0 : 1;
    }
    if (orders != 1) throw WrongUse("give one of --out, --check, --belt and --check-belt");
    return arguments;
}

std::vector<Picture> chosenPictures(const Arguments& arguments) {
    std::vector<Picture> pictures;
    for (const Picture& picture : allPictures(arguments.solids, arguments.each)) {
        const auto& classes = arguments.classes;
        const bool wanted = classes.empty() || std::count(classes.begin(), classes.end(), picture.name) > 0;
        if (wanted && picture.index % arguments.every == 0) pictures.push_back(picture);
    }
    if (pictures.empty()) throw WrongUse("no class has the name \"" + arguments.classes.front() + "\"");
    return pictures;
}

std::vector<std::vector<uchar>> drawnBelt(int every) {
    std::vector<std::vector<uchar>> frames(static_cast<size_t>(beltFrames()));
    cv::parallel_for_(cv::Range(0, beltFrames()), [&](const cv::Range& range) {
        for (int i = range.start; i < range.end; ++i) {
            if (i % every == 0) frames[size_t(i)] = encodedBeltFrame(i);
        }
    });
    return frames;
}

// belt.avi, and belt.csv with what passes in which frames.
int writeBelt(const fs::path& folder) {
    const std::vector<std::vector<uchar>> frames = drawnBelt(1);
    write(folder / "belt.avi", motionJpeg(frames, kPictureSize, kBeltFramesASecond));
    std::string table = "class,first,last\n";
    for (const Passing& passing : beltPassings()) {
        table += passing.name + "," + std::to_string(passing.first) + "," + std::to_string(passing.last) + "\n";
    }
    write(folder / "belt.csv", std::vector<uchar>(table.begin(), table.end()));
    std::cout << frames.size() << " frames written\n";
    return 0;
}

int checkBelt(const fs::path& folder, int every) {
    std::ifstream in(folder / "belt.avi", std::ios::binary);
    const std::vector<uchar> avi((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const std::vector<std::vector<uchar>> found = framesOf(avi), expected = drawnBelt(every);
    int failed = found.size() != expected.size() ? 1 : 0, checked = 0;
    if (failed > 0) std::cerr << folder.string() << "/belt.avi: " << found.size() << " frames\n";
    for (size_t i = 0; i < std::min(found.size(), expected.size()); i += size_t(every)) {
        const std::string fault = difference(cv::imdecode(found[i], cv::IMREAD_COLOR), expected[i]);
        if (!fault.empty()) std::cerr << folder.string() << "/belt.avi, frame " << i << ": " << fault << "\n";
        failed += fault.empty() ? 0 : 1;
        ++checked;
    }
    std::cout << checked << " frames checked, " << failed << " failed\n";
    return failed > 0 ? 1 : 0;
}

int run(const Arguments& arguments) {
    if (!arguments.belt.empty()) return writeBelt(arguments.belt);
    if (!arguments.checkBelt.empty()) return checkBelt(arguments.checkBelt, arguments.every);
    const std::vector<Picture> pictures = chosenPictures(arguments);
    const fs::path folder = arguments.out.empty() ? arguments.check : arguments.out;
    std::vector<std::string> faults(pictures.size());
    cv::parallel_for_(cv::Range(0, int(pictures.size())), [&](const cv::Range& range) {
        for (int i = range.start; i < range.end; ++i) {
            const Picture& picture = pictures[size_t(i)];
            try {
                const std::vector<uchar> bytes = encodedPicture(picture);
                if (arguments.check.empty()) {
                    write(folder / picture.path(), bytes);
                } else {
                    const fs::path path = folder / picture.path();
                    faults[size_t(i)] =
                        fs::exists(path) ? difference(cv::imread(path.string()), bytes) : "is missing";
                }
            } catch (const std::exception& error) {
                faults[size_t(i)] = error.what();
            }
        }
    });
    int failed = 0;
    for (size_t i = 0; i < pictures.size(); ++i) {
        if (faults[i].empty()) continue;
        ++failed;
        std::cerr << (folder / pictures[i].path()).string() << ": " << faults[i] << "\n";
    }
    std::cout << pictures.size() << " pictures " << (arguments.check.empty() ? "written" : "checked") << ", " << failed
              << " failed\n";
    return failed > 0 ? 1 : 0;
}

}  // namespace

}  // namespace hyperpred
}  // namespace cv

int main(int count, char** values) {
    try {
        return cv::hyperpred::run(cv::hyperpred::parseArguments(count, values));
    } catch (const cv::hyperpred::WrongUse& error) {
        std::cerr << "hyperpred_generate_images: " << error.what()
                  << "\nusage: hyperpred_generate_images --out DIR | --check DIR [--class NAME]... [--every N]"
                     " [--solids CLASSES [--each PICTURES]]\n"
                     "       hyperpred_generate_images --belt DIR | --check-belt DIR [--every N]\n";
        return 2;
    }
}
