// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "augment.hpp"

#include <algorithm>
#include <cmath>

#include "error.hpp"

namespace cv {
namespace hyperpred {

namespace F = torch::nn::functional;

namespace {

torch::Tensor uniforms(Chance& chance, at::IntArrayRef shape, const torch::Device& device, double low, double high) {
    return (torch::rand(shape, chance, torch::kFloat) * (high - low) + low).to(device);
}

torch::Tensor blurred(const torch::Tensor& images) {
    const torch::Tensor padded = F::pad(images, F::PadFuncOptions({2, 2, 2, 2}).mode(torch::kReplicate));
    return F::avg_pool2d(padded, F::AvgPool2dFuncOptions(5).stride(1));
}

torch::Tensor edges(const torch::Tensor& images) {
    const torch::Tensor grey = images.mean(1, true);
    const torch::Tensor dx = F::pad(grey.slice(3, 1) - grey.slice(3, 0, -1), F::PadFuncOptions({0, 1, 0, 0}));
    const torch::Tensor dy = F::pad(grey.slice(2, 1) - grey.slice(2, 0, -1), F::PadFuncOptions({0, 0, 0, 1}));
    return (2 * torch::sqrt(dx * dx + dy * dy)).clamp(0, 255).expand_as(images).contiguous();
}

// The six orders of three channels; 0 is the identity.
torch::Tensor permuted(const torch::Tensor& images, int64_t permutation) {
    static const int64_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    const int64_t* order = orders[permutation];
    return torch::stack({images.select(1, order[0]), images.select(1, order[1]), images.select(1, order[2])}, 1);
}

}  // namespace

double uniform(Chance& chance) {
    return torch::rand({1}, chance, torch::kDouble).item<double>();
}

int64_t below(Chance& chance, int64_t bound) {
    return std::min(bound - 1, static_cast<int64_t>(uniform(chance) * double(bound)));
}

const char* shiftName(Shift shift) {
    static const char* const names[kShifts] = {"plain",        "grey",    "inverted", "permuted", "blurred",
                                               "low_contrast", "rotated", "edges",    "noise"};
    return names[int(shift)];
}

DataSetTransform drawTransform(Chance& chance, double identity) {
    DataSetTransform transform;
    const double draw = uniform(chance);
    const int64_t kind = 1 + below(chance, kShifts - 1);
    transform.permutation = 1 + below(chance, 5);
    transform.turns = 1 + below(chance, 3);
    if (draw >= identity) transform.shift = static_cast<Shift>(kind);
    return transform;
}

torch::Tensor applyTransform(const DataSetTransform& transform, const torch::Tensor& images, Chance& chance) {
    switch (transform.shift) {
        case Shift::Identity: return images;
        case Shift::Grey: return images.mean(1, true).expand_as(images).contiguous();
        case Shift::Inverted: return 255 - images;
        case Shift::Permuted: return permuted(images, transform.permutation);
        case Shift::Blurred: return blurred(images);
        case Shift::LowContrast: {
            const torch::Tensor mean = images.mean({1, 2, 3}, true);
            return (images - mean) * 0.25 + mean;
        }
        case Shift::Rotated: return torch::rot90(images, transform.turns, {2, 3}).contiguous();
        case Shift::Edges: return edges(images);
        case Shift::Noise: {
            const torch::Tensor noise = torch::randn(images.sizes(), chance, torch::kFloat).to(images.device());
            return (images + 25 * noise).clamp(0, 255);
        }
    }
    fail(Failure::Internal, "data-set transform " + std::to_string(int(transform.shift)) + " does not exist");
}

torch::Tensor augmentImages(const torch::Tensor& images, int64_t edge, const Settings& settings, Chance& chance) {
    const int64_t count = images.size(0);
    const torch::Device device = images.device();
    const double low = settings.number("base.scale_low"), high = std::max(low, settings.number("base.scale_high"));
    const double aspectRange = settings.number("base.aspect"), colour = settings.number("base.colour");
    const torch::Tensor scale = uniforms(chance, {count}, device, low, high);
    const torch::Tensor aspect = torch::exp(uniforms(chance, {count}, device, -aspectRange, aspectRange));
    const torch::Tensor mirror =
        (uniforms(chance, {count}, device, 0, 1) >= settings.number("base.flip")).to(torch::kFloat);
    const torch::Tensor room = (high - scale + 0.03).clamp_min(0);
    torch::Tensor affine = torch::zeros({count, 2, 3}, torch::TensorOptions().device(device));
    using torch::indexing::Slice;
    affine.index_put_({Slice(), 0, 0}, scale * aspect * (2 * mirror - 1));
    affine.index_put_({Slice(), 1, 1}, scale / aspect);
    affine.index_put_({Slice(), 0, 2}, uniforms(chance, {count}, device, -1, 1) * room);
    affine.index_put_({Slice(), 1, 2}, uniforms(chance, {count}, device, -1, 1) * room);
    const torch::Tensor grid = F::affine_grid(affine, {count, 3, edge, edge}, false);
    torch::Tensor out = F::grid_sample(
        images, grid,
        F::GridSampleFuncOptions().mode(torch::kBilinear).padding_mode(torch::kReflection).align_corners(false));
    if (colour > 0) {
        const torch::Tensor factor = uniforms(chance, {count, 1, 1, 1}, device, 1 - colour, 1 + colour);
        out = (out * factor + uniforms(chance, {count, 3, 1, 1}, device, -60 * colour, 60 * colour)).clamp(0, 255);
    }
    const double erase = settings.number("base.erase");
    for (int64_t i = 0; erase > 0 && i < count; ++i) {
        if (uniform(chance) >= erase) continue;
        const int64_t side = edge / 8 + below(chance, edge / 4), top = below(chance, edge - side),
                      left = below(chance, edge - side);
        out[i].slice(1, top, top + side).slice(2, left, left + side).fill_(127.f);
    }
    return out;
}

Mixed mixImages(const torch::Tensor& images, const Settings& settings, Chance& chance) {
    Mixed mixed;
    mixed.images = images;
    const double draw = uniform(chance), mixup = settings.number("base.mixup");
    if (draw >= mixup + settings.number("base.cutmix")) return mixed;
    mixed.partner = torch::randperm(images.size(0), chance, torch::kLong).to(images.device());
    const torch::Tensor others = images.index_select(0, mixed.partner);
    mixed.share = 1 - 0.5 * uniform(chance);
    if (draw < mixup) {
        mixed.images = mixed.share * images + (1 - mixed.share) * others;
        return mixed;
    }
    const int64_t edge = images.size(2), side = int64_t(double(edge) * std::sqrt(1 - mixed.share));
    const int64_t top = below(chance, edge - side + 1), left = below(chance, edge - side + 1);
    mixed.images = images.clone();
    mixed.images.slice(2, top, top + side)
        .slice(3, left, left + side)
        .copy_(others.slice(2, top, top + side).slice(3, left, left + side));
    mixed.share = 1 - double(side * side) / double(edge * edge);
    return mixed;
}

}  // namespace hyperpred
}  // namespace cv
