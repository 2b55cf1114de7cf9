// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_KERNEL_LIST_HPP
#define HYPERPRED_CUDA_KERNEL_LIST_HPP

#include <type_traits>

#include "cuda/encode_kernels.hpp"
#include "cuda/gram_kernels.hpp"
#include "cuda/hyper_kernels.hpp"
#include "cuda/map_kernels.hpp"
#include "cuda/moment_kernels.hpp"
#include "cuda/unroll_kernel.hpp"

// Every kernel of the backend, once. A device holds a table in this order, so code that launches kernels needs neither
// nvcc nor a template of its own.

namespace cv {
namespace hyperpred {
namespace cuda {

template <class... Kernels>
struct KernelList {
    static constexpr int kCount = int(sizeof...(Kernels));
};

using AllKernels =
    KernelList<Normalise<float>, Normalise<Half>, Finish<float>, Finish<Half>, Pool<float>, Pool<Half>,
               SpatialMean<float, float>, SpatialMean<Half, Half>, SpatialMean<Half, float>, DirectConvolution<float>,
               DirectConvolution<Half>, PackKernel<float>, PackKernel<Half>, DepthwiseConvolution<float>,
               DepthwiseConvolution<Half>, PackDepthwise<float>, PackDepthwise<Half>, ColumnMoments<float>,
               ColumnMoments<Half>, FinishMoments, AffineOfNorm, SketchPlanes, EncoderInput, ImageStatistics, LongRows,
               ShortRows, GruProducts, GruGates, NormRow, ResidualKernels, PredictedNorms, ExpandTiles, MixTiles,
               PureKernels, GatherRows, GramEntries, ClassSums, UnrollCluster>;

// Whether K is a cluster kernel (unroll_kernel.hpp).
template <class K, class = void>
struct IsCluster : std::false_type {};
template <class K>
struct IsCluster<K, std::enable_if_t<(K::kCluster > 0)>> : std::true_type {};

// Position of K in a list; a kernel that is missing there does not compile.
template <class K, class List>
struct IndexOf;
template <class K, class... Rest>
struct IndexOf<K, KernelList<K, Rest...>> : std::integral_constant<int, 0> {};
template <class K, class First, class... Rest>
struct IndexOf<K, KernelList<First, Rest...>>
    : std::integral_constant<int, 1 + IndexOf<K, KernelList<Rest...>>::value> {};

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
