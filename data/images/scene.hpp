// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_IMAGES_SCENE_HPP
#define HYPERPRED_IMAGES_SCENE_HPP

#include <array>
#include <opencv2/core.hpp>

#include "parts.hpp"
#include "surface.hpp"

namespace cv {
namespace hyperpred {

const int kPictureSize = 96;
const int kSubsamples = 2;  // an edge; the light of kSubsamples^2 rays makes a pixel

// Where the camera stands: it looks at `target` on the table from `distance`, `tilt` away from straight down, and sees
// `halfWidth` to each side there. Angles in radians.
struct View {
    Vec target;
    double distance = 8, tilt = 0, azimuth = 0, roll = 0, halfWidth = 1.5;
};

// A lamp with soft edges, seen in the reflections of the metal.
struct Lamp {
    Vec direction, colour;
    double size = 0.3;  // radius in radians
};

struct Lighting {
    Vec direction, colour;  // key light, which casts the shadow; `direction` points to it
    double softness = 10;   // of the shadow: large is hard
    Vec sky, wall;          // colours of the surroundings, overhead and at the horizon
    std::array<Lamp, 3> lamps;
};

struct Scene {
    Part part;
    double turn = 0;  // of the part on the table, radians
    Material material;
    Ground ground;
    double groundShift = 0;  // along x: where on the ground the part lies
    View view;
    Lighting lighting;
};

// Everything but the part is drawn the same way whatever the part is.
Scene arrangeScene(const Part& part, Random& random);

// Linear light, RGB as CV_64FC3, kPictureSize * kSubsamples pixels an edge.
cv::Mat renderScene(const Scene& scene);

// How an inspection camera is set.
struct Camera {
    double gain = 0;     // 0: by the picture, so that its mean becomes `wanted`
    double wanted = 0.2;
    double defocus = 0;  // deviation of the blur in pixels
    double darkening = 0;  // towards the corners
    double grain = 0, chroma = 0;  // deviation of the noise in levels of 255, and the share that differs by channel
    Vec balance = {1, 1, 1};
};
Camera drawCamera(Random& random);

// Exposure, vignetting, blur, noise and 8-bit conversion: kPictureSize square, CV_8UC3, BGR.
cv::Mat takePicture(const cv::Mat& light, const Camera& camera, Random& random);

}  // namespace hyperpred
}  // namespace cv

#endif
