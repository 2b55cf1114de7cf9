// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "belt.hpp"

#include <opencv2/imgcodecs.hpp>

#include "scene.hpp"

namespace cv {
namespace hyperpred {

namespace {

const int kFrames = 14;         // a passing
const double kHalfWidth = 1.4;  // of what the camera sees
const double kWay = 2.6;        // from the middle to where nothing of a part is in view
const int kQuality = 80;        // JPEG
const uint64_t kSeed = 20261125;

// What comes along: a class, or a number of makeOther.
struct Item {
    const char* name;
    int other;
};
const Item kItems[] = {{"gear", -1},  {"hex_nut", -1},    {"unknown", 0}, {"washer", -1},
                       {"bolt", -1},  {"bearing", -1},    {"unknown", 3}, {"spring", -1},
                       {"screw", -1}, {"square_nut", -1}, {"unknown", 7}, {"wing_nut", -1}};

uint64_t seedOf(uint64_t purpose, int number) {
    return mixBits(mixBits(kSeed + purpose) + uint64_t(number));
}

// The first drawn scene on a belt lends the clip its ground and its light.
Scene drawCell() {
    for (int draw = 0;; ++draw) {
        Random random(seedOf(1, draw));
        const Scene scene = arrangeScene(Part(), random);
        if (scene.ground.kind == GroundKind::Belt) return scene;
    }
}

Scene beltScene(int frame) {
    static const Scene cell = drawCell();
    const int passing = frame / kFrames;
    const Item& item = kItems[passing];
    Random random(seedOf(2, passing));
    const Part part = item.other < 0 ? makePart(item.name, random) : makeOther(item.other, random);
    Scene scene = arrangeScene(part, random);  // its own material and turn
    scene.ground = cell.ground;
    scene.lighting = cell.lighting;
    scene.groundShift = -2 * kWay * passing;
    scene.view = View();
    scene.view.halfWidth = kHalfWidth;
    scene.view.distance = 7 * kHalfWidth;
    scene.view.tilt = 0.12;
    scene.view.azimuth = kPi / 2;
    // The camera goes left over a resting part: on the picture the part goes right.
    scene.view.target = {kWay * (1 - 2.0 * (frame % kFrames) / kFrames), 0, 0};
    return scene;
}

}  // namespace

const std::vector<Passing>& beltPassings() {
    static const std::vector<Passing> passings = [] {
        std::vector<Passing> made;
        for (const Item& item : kItems) {
            Passing passing;
            passing.name = item.name;
            passing.first = int(made.size()) * kFrames;
            passing.last = passing.first + kFrames - 1;
            made.push_back(passing);
        }
        return made;
    }();
    return passings;
}

int beltFrames() {
    return int(beltPassings().size()) * kFrames;
}

std::vector<uchar> encodedBeltFrame(int frame) {
    Camera camera;
    camera.gain = 0.5;
    camera.defocus = 0.3;
    camera.grain = 0.9;
    camera.chroma = 0.2;
    Random random(seedOf(3, frame));
    std::vector<uchar> bytes;
    cv::imencode(".jpg", takePicture(renderScene(beltScene(frame)), camera, random), bytes,
                 {cv::IMWRITE_JPEG_QUALITY, kQuality});
    return bytes;
}

}  // namespace hyperpred
}  // namespace cv
