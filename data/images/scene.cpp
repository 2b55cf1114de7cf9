// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "scene.hpp"

namespace cv {
namespace hyperpred {

namespace {

Vec towards(double elevation, double azimuth) {
    return {std::cos(elevation) * std::cos(azimuth), std::cos(elevation) * std::sin(azimuth), std::sin(elevation)};
}

// White light between the warm of a bulb (-1) and the cold of a sky (1).
Vec lightColour(double coldness) {
    return {1 - 0.13 * coldness, 1.0, 1 + 0.16 * coldness};
}

View drawView(double radius, Random& random) {
    View view;
    // Share of the frame that the part spans: the camera is mounted for parts of this size. Some are partly outside.
    const double share = random.uniform(0.7, 0.94);
    view.halfWidth = radius / share;
    const double slack = view.halfWidth - radius;
    const double cropped = random.chance(0.15) ? random.uniform(0.15, 0.4) * radius : 0;
    const double side = random.uniform(0, 2 * kPi), shift = slack * random.uniform(0, 0.9) + cropped;
    view.target = {shift * std::cos(side), shift * std::sin(side), 0};
    view.distance = view.halfWidth * random.uniform(4, 9);
    view.tilt = random.uniform(0, 0.45);
    view.azimuth = random.uniform(0, 2 * kPi);
    view.roll = random.uniform(0, 2 * kPi);
    return view;
}

Lighting drawLighting(Random& random) {
    Lighting light;
    const double coldness = random.uniform(-1, 1);
    light.direction = towards(random.uniform(0.75, 1.35), random.uniform(0, 2 * kPi));
    light.colour = lightColour(coldness) * random.uniform(0.8, 2.6);
    light.softness = random.uniform(3, 24);
    light.sky = lightColour(-0.5 * coldness) * random.uniform(0.35, 0.9);
    light.wall = lightColour(random.uniform(-1, 1)) * random.uniform(0.1, 0.4);
    light.lamps[0].direction = light.direction;  // the key light mirrors too
    light.lamps[0].colour = light.colour * random.uniform(0.8, 2.5);
    light.lamps[0].size = random.uniform(0.15, 0.5);
    for (size_t i = 1; i < light.lamps.size(); ++i) {
        light.lamps[i].direction = towards(random.uniform(0.2, 1.3), random.uniform(0, 2 * kPi));
        light.lamps[i].colour = lightColour(random.uniform(-1, 1)) * random.uniform(0.3, 2);
        light.lamps[i].size = random.uniform(0.15, 0.6);
    }
    return light;
}

// Camera frame of a view.
struct Eye {
    Vec position, right, up, forward;
    double spread = 0.2;  // half width over distance
};

Eye placeEye(const View& view) {
    Eye camera;
    const Vec away(std::sin(view.tilt) * std::cos(view.azimuth), std::sin(view.tilt) * std::sin(view.azimuth),
                   std::cos(view.tilt));
    camera.position = view.target + away * view.distance;
    camera.forward = away * -1.0;
    const Vec side = unit(camera.forward.cross(Vec(std::cos(view.roll), std::sin(view.roll), 0.01)));
    camera.up = side;
    camera.right = side.cross(camera.forward);
    camera.spread = view.halfWidth / view.distance;
    return camera;
}

}  // namespace

Scene arrangeScene(const Part& part, Random& random) {
    Scene scene;
    scene.part = part;
    scene.turn = random.uniform(0, 2 * kPi);
    scene.material = drawMaterial(random);
    scene.ground = drawGround(random);
    scene.view = drawView(part.radius, random);
    scene.lighting = drawLighting(random);
    return scene;
}

namespace {

// One scene with what its rays share.
class Renderer {
public:
    explicit Renderer(const Scene& scene)
        : scene_(scene),
          light_(scene.lighting),
          camera_(placeEye(scene.view)),
          cosine_(std::cos(scene.turn)),
          sine_(std::sin(scene.turn)) {
        groundAverage_ = (scene.ground.first + scene.ground.second) * 0.5;
    }

    Vec lightAt(double u, double v) const {  // u, v in -1..1 over the picture
        const Vec direction =
            unit(camera_.forward + camera_.right * (u * camera_.spread) + camera_.up * (v * camera_.spread));
        const double tableAt = -camera_.position[2] / direction[2];
        const double hit = march(direction, tableAt);
        if (hit < tableAt) return shadePart(camera_.position + direction * hit, direction);
        return shadeGround(camera_.position + direction * tableAt, direction);
    }

private:
    Vec intoPart(const Vec& p) const { return {cosine_ * p[0] + sine_ * p[1], cosine_ * p[1] - sine_ * p[0], p[2]}; }
    double distanceAt(const Vec& p) const { return scene_.part.distance(intoPart(p)); }

    // Whether the ray's shadow on the table passes the part at all; `margin` widens the part.
    bool passesPart(const Vec& from, const Vec& to, double margin) const {
        if (scene_.part.height <= 0) return false;
        const double x = to[0] - from[0], y = to[1] - from[1], span = x * x + y * y;
        const double t = span > 0 ? clamp01(-(from[0] * x + from[1] * y) / span) : 0;
        return length(from[0] + t * x, from[1] + t * y) < scene_.part.radius + margin;
    }

    // Distance along the ray to the part, or `end` when it meets the table first.
    double march(const Vec& direction, double end) const {
        double t = (scene_.part.height + 0.01 - camera_.position[2]) / direction[2];
        if (!passesPart(camera_.position + direction * t, camera_.position + direction * end, 0.01)) return end;
        for (int step = 0; step < 160 && t < end; ++step) {
            const double d = distanceAt(camera_.position + direction * t);
            if (d < 4e-4) return t;
            t += d;
        }
        return end;
    }

    Vec normalAt(const Vec& p) const {
        const double e = 0.006;  // rounds the sharpest edges a little, which gives them their glint
        static const Vec corners[4] = {{1, -1, -1}, {-1, -1, 1}, {-1, 1, -1}, {1, 1, 1}};
        Vec sum(0, 0, 1e-9);
        for (const Vec& corner : corners) sum += corner * distanceAt(p + corner * e);
        return unit(sum);
    }

    // Share of the key light that arrives: penumbra from how near the shadow ray comes to the part (in its width).
    double shadow(const Vec& p) const {
        const Vec& l = light_.direction;
        const double end = (scene_.part.height + 0.01 - p[2]) / l[2];
        if (end <= 0 || !passesPart(p, p + l * end, 0.6)) return 1;
        double open = 1, t = 0.02;
        for (int step = 0; step < 48 && t < end && open > 0.01; ++step) {
            const double d = distanceAt(p + l * t);
            open = std::min(open, light_.softness * d / t);
            t += std::min(std::max(d, 0.012), 0.15);
        }
        return smoothStep(0, 1, open);
    }

    // How much of the surroundings a point sees.
    double openness(const Vec& p, const Vec& normal) const {
        if (scene_.part.height <= 0 || length(p[0], p[1]) > scene_.part.radius + 0.6) return 1;
        static const double heights[3] = {0.05, 0.15, 0.4};
        double hidden = 0;
        for (const double h : heights) {
            const Vec q = p + normal * h;
            const double free = std::min(distanceAt(q), std::max(q[2], 0.0) + (normal[2] > 0.9 ? 1.0 : 0.0));
            hidden += clamp01(1 - free / (0.8 * h)) / 3;
        }
        return 1 - 0.85 * hidden;
    }

    // What a mirror of this roughness sees in a direction.
    Vec surroundings(const Vec& d, double roughness) const {
        const Vec ground = groundAverage_.mul(light_.sky * 0.6 + light_.colour * (0.3 * light_.direction[2]));
        const double up = smoothStep(-0.15 - roughness, 0.15 + roughness, d[2]);
        Vec seen = ground * (1 - up) + (light_.wall + (light_.sky - light_.wall) * smoothStep(0.1, 1.0, d[2])) * up;
        for (const Lamp& lamp : light_.lamps) {
            const double angle = std::acos(std::min(1.0, std::max(-1.0, d.dot(lamp.direction))));
            const double blur = 0.08 + 1.1 * roughness;
            const double strength = lamp.size / (lamp.size + 0.6 * roughness);
            seen += lamp.colour * (strength * (1 - smoothStep(lamp.size - 0.5 * blur, lamp.size + blur, angle)));
        }
        return seen;
    }

    Vec bentNormal(const Vec& local, const Vec& normal, double marks) const {
        Vec across = scene_.part.turned ? Vec(local[0], local[1], 0) : Vec(0, 1, 0);
        const double size = length(across);
        if (size < 1e-6) return normal;
        across *= marks / size;
        return unit(normal + Vec(cosine_ * across[0] - sine_ * across[1], sine_ * across[0] + cosine_ * across[1], 0));
    }

    Vec shadePart(const Vec& p, const Vec& direction) const {
        const Vec local = intoPart(p), flat = normalAt(p);
        const Finish finish = finishAt(scene_.material, local, scene_.part.turned);
        const Vec normal = bentNormal(local, flat, finish.marks);
        const double open = openness(p, flat), lit = shadow(p + flat * 0.01);
        const double facing = std::max(0.0, normal.dot(light_.direction)) * lit;
        const Vec ambient = light_.wall * 0.4 + light_.sky * (0.3 + 0.3 * normal[2]);
        Vec result = finish.body.mul(light_.colour * facing + ambient * open);
        const double into = direction.dot(normal);
        const Vec mirrored = unit(direction - normal * (2 * into));
        const double edge = std::pow(1 - clamp01(-into), 5) * (1 - finish.roughness);
        const double seesOut = openness(p, unit(mirrored + flat * 0.5));
        const Vec colour = finish.mirror * (1 - edge) + Vec(0.9, 0.9, 0.9) * edge;
        result += colour.mul(surroundings(mirrored, finish.roughness)) * (seesOut * mix(0.45, 1, lit));
        return result;
    }

    Vec groundNormal(const Vec& p) const {
        if (scene_.ground.relief <= 0) return {0, 0, 1};
        const double e = 0.01, x = p[0] + scene_.groundShift, h = groundHeight(scene_.ground, x, p[1]);
        return unit(Vec((h - groundHeight(scene_.ground, x + e, p[1])) / e,
                        (h - groundHeight(scene_.ground, x, p[1] + e)) / e, 1));
    }

    Vec shadeGround(const Vec& p, const Vec& direction) const {
        const Vec normal = groundNormal(p), colour = groundColour(scene_.ground, p[0] + scene_.groundShift, p[1]);
        const double open = openness(p, {0, 0, 1}), lit = shadow(p + Vec(0, 0, 0.005));
        const double facing = std::max(0.0, normal.dot(light_.direction)) * lit;
        Vec result = colour.mul(light_.colour * facing + (light_.sky * 0.6 + light_.wall * 0.4) * open);
        if (scene_.ground.gloss > 0) {
            const Vec mirrored = unit(direction - normal * (2 * direction.dot(normal)));
            const double share = scene_.ground.gloss * open * mix(0.4, 1, lit);
            result = result * (1 - 0.7 * scene_.ground.gloss) + surroundings(mirrored, 0.5).mul(colour) * share;
        }
        return result;
    }

    const Scene& scene_;
    const Lighting& light_;
    Eye camera_;
    double cosine_, sine_;
    Vec groundAverage_;
};

}  // namespace

cv::Mat renderScene(const Scene& scene) {
    const Renderer renderer(scene);
    const int edge = kPictureSize * kSubsamples;
    cv::Mat light(edge, edge, CV_64FC3);
    for (int row = 0; row < edge; ++row) {
        for (int column = 0; column < edge; ++column) {
            light.at<Vec>(row, column) = renderer.lightAt(2 * (column + 0.5) / edge - 1, 1 - 2 * (row + 0.5) / edge);
        }
    }
    return light;
}

}  // namespace hyperpred
}  // namespace cv
