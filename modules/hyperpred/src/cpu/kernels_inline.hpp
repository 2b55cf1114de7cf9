// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
// Included once for each instruction set, after its target is switched on and HYPERPRED_LANES, HYPERPRED_ROWS and
// HYPERPRED_KERNELS (the name of the function that returns the table) are defined. No include guard, no includes: what
// a header defines here would be compiled for that instruction set and might be used by code that must not have it.

namespace cv {
namespace hyperpred {
namespace cpu {

namespace {

constexpr int kLanes = HYPERPRED_LANES;
constexpr int kPanel = 2 * kLanes;
constexpr int kRows = HYPERPRED_ROWS;

// Unaligned, and an alias of float: rows of any number of channels are read with it.
typedef float Lanes __attribute__((vector_size(kLanes * sizeof(float)), aligned(sizeof(float)), may_alias));

inline Lanes load(const float* p) {
    return *reinterpret_cast<const Lanes*>(p);
}

inline void store(float* p, Lanes value) {
    *reinterpret_cast<Lanes*>(p) = value;
}

inline Lanes atLeastZero(Lanes value) {
    const Lanes zero = {};
    return value < zero ? zero : value;  // a NaN stays one
}

inline float atLeastZero(float value) {
    return value < 0 ? 0.f : value;
}

// Where the panel reaches beyond the last output channel.
template <int M>
void storePart(const PanelTask& task, const Lanes (&sums)[M][2]) {
    for (int m = 0; m < M; ++m) {
        float values[kPanel];
        store(values, sums[m][0]);
        store(values + kLanes, sums[m][1]);
        for (int j = 0; j < task.columns; ++j) {
            float value = values[j];
            if (task.bias) value += task.bias[task.first + size_t(j)];
            if (task.other) value += task.other[m][task.first + size_t(j)];
            task.out[m][task.first + size_t(j)] = task.relu ? atLeastZero(value) : value;
        }
    }
}

// Loops of their own, unrolled, so that the sums stay in registers.
template <int M>
inline void storeWhole(const PanelTask& task, Lanes (&sums)[M][2]) {
    if (task.bias) {
        const Lanes low = load(task.bias + task.first), high = load(task.bias + task.first + kLanes);
#pragma GCC unroll 16
        for (int m = 0; m < M; ++m) {
            sums[m][0] += low;
            sums[m][1] += high;
        }
    }
    if (task.other) {
#pragma GCC unroll 16
        for (int m = 0; m < M; ++m) {
            sums[m][0] += load(task.other[m] + task.first);
            sums[m][1] += load(task.other[m] + task.first + kLanes);
        }
    }
    if (task.relu) {
#pragma GCC unroll 16
        for (int m = 0; m < M; ++m) {
            sums[m][0] = atLeastZero(sums[m][0]);
            sums[m][1] = atLeastZero(sums[m][1]);
        }
    }
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m) {
        store(task.out[m] + task.first, sums[m][0]);
        store(task.out[m] + task.first + kLanes, sums[m][1]);
    }
}

// 2 M registers of sums, 2 of weights: a register file's worth.
template <int M>
void multiplyRows(const PanelTask& task) {
    Lanes sums[M][2];
    for (int m = 0; m < M; ++m) sums[m][0] = sums[m][1] = Lanes{};
    for (int r = 0; r < task.runCount; ++r) {
        const float* weights = task.weights + size_t(task.taps[r]) * size_t(task.runLength) * kPanel;
        const float* rows[M];
        for (int m = 0; m < M; ++m) rows[m] = task.runs[r * M + m];
        for (int k = 0; k < task.runLength; ++k, weights += kPanel) {
            const Lanes low = load(weights), high = load(weights + kLanes);
#pragma GCC unroll 16
            for (int m = 0; m < M; ++m) {
                const Lanes value = rows[m][k] - Lanes{};
                sums[m][0] += value * low;
                sums[m][1] += value * high;
            }
        }
    }
    if (task.columns < kPanel) {
        storePart<M>(task, sums);
    } else {
        storeWhole<M>(task, sums);
    }
}

typedef void (*PanelFunction)(const PanelTask&);

template <int M>
struct PanelFunctions {
    static void fill(PanelFunction* table) {
        table[M] = multiplyRows<M>;
        PanelFunctions<M - 1>::fill(table);
    }
};
template <>
struct PanelFunctions<0> {
    static void fill(PanelFunction*) {}
};

struct PanelTable {
    PanelTable() { PanelFunctions<kRows>::fill(functions); }
    PanelFunction functions[kRows + 1] = {};
};

void multiplyPanel(const PanelTask& task) {
    static const PanelTable table;
    table.functions[task.rows](task);
}

void finish(const FinishTask& task) {
    const int channels = task.channels;
    for (size_t pixel = 0; pixel < task.pixels; ++pixel) {
        float* values = task.values + pixel * size_t(channels);
        const float* other = task.other ? task.other + pixel * size_t(channels) : nullptr;
        int c = 0;
        for (; c + kLanes <= channels; c += kLanes) {
            Lanes value = load(values + c);
            if (task.scale) value = value * load(task.scale + c) + load(task.shift + c);
            if (other) value += load(other + c);
            store(values + c, task.relu ? atLeastZero(value) : value);
        }
        for (; c < channels; ++c) {
            float value = values[c];
            if (task.scale) value = value * task.scale[c] + task.shift[c];
            if (other) value += other[c];
            values[c] = task.relu ? atLeastZero(value) : value;
        }
    }
}

// B^T d for one row or column of six.
inline void winogradInputLine(const Lanes (&d)[6], Lanes (&v)[6]) {
    const Lanes even = d[4] - 4 * d[2], odd = d[3] - 4 * d[1], even1 = d[4] - d[2], odd2 = 2 * (d[3] - d[1]);
    v[0] = 4 * d[0] - 5 * d[2] + d[4];
    v[1] = even + odd;
    v[2] = even - odd;
    v[3] = even1 + odd2;
    v[4] = even1 - odd2;
    v[5] = 4 * d[1] - 5 * d[3] + d[5];
}

// A^T m for one row or column of six.
inline void winogradOutputLine(const Lanes (&m)[6], Lanes (&y)[4]) {
    const Lanes sum12 = m[1] + m[2], difference12 = m[1] - m[2], sum34 = m[3] + m[4], difference34 = m[3] - m[4];
    y[0] = m[0] + sum12 + sum34;
    y[1] = difference12 + 2 * difference34;
    y[2] = sum12 + 4 * sum34;
    y[3] = difference12 + 8 * difference34 + m[5];
}

void winogradInput(const float* const* pixels, int channels, float* out, size_t stride) {
    for (int c = 0; c < channels; c += kLanes) {
        Lanes half[6][6];
        for (int x = 0; x < 6; ++x) {
            Lanes column[6], result[6];
            for (int y = 0; y < 6; ++y) column[y] = load(pixels[6 * y + x] + c);
            winogradInputLine(column, result);
            for (int y = 0; y < 6; ++y) half[y][x] = result[y];
        }
        for (int y = 0; y < 6; ++y) {
            Lanes result[6];
            winogradInputLine(half[y], result);
            for (int x = 0; x < 6; ++x) store(out + size_t(6 * y + x) * stride + c, result[x]);
        }
    }
}

void winogradOutput(const float* in, size_t stride, int channels, const float* bias, const float* const* other,
                    bool relu, float* const* pixels) {
    for (int c = 0; c < channels; c += kLanes) {
        Lanes half[4][6];
        for (int x = 0; x < 6; ++x) {
            Lanes column[6], result[4];
            for (int y = 0; y < 6; ++y) column[y] = load(in + size_t(6 * y + x) * stride + c);
            winogradOutputLine(column, result);
            for (int y = 0; y < 4; ++y) half[y][x] = result[y];
        }
        const Lanes shift = bias ? load(bias + c) : Lanes{};
        for (int y = 0; y < 4; ++y) {
            Lanes result[4];
            winogradOutputLine(half[y], result);
            for (int x = 0; x < 4; ++x) {
                if (!pixels[4 * y + x]) continue;
                Lanes value = result[x] + shift;
                if (other) value += load(other[4 * y + x] + c);
                store(pixels[4 * y + x] + c, relu ? atLeastZero(value) : value);
            }
        }
    }
}

// G g for one row or column of three. The two ends and four combinations of taps.
inline void winogradKernelLine(const Lanes (&g)[3], Lanes (&v)[6]) {
    const float kSixth = 1.f / 6, kTwelfth = 1.f / 12, kTwentyFourth = 1.f / 24;
    const Lanes even = -kSixth * (g[0] + g[2]), odd = -kSixth * g[1];
    const Lanes even2 = kTwentyFourth * g[0] + kSixth * g[2], odd2 = kTwelfth * g[1];
    v[0] = 0.25f * g[0];
    v[1] = even + odd;
    v[2] = even - odd;
    v[3] = even2 + odd2;
    v[4] = even2 - odd2;
    v[5] = g[2];
}

void winogradKernel(const float* taps, float* out, size_t stride) {
    for (int lane = 0; lane < kPanel; lane += kLanes) {
        Lanes half[6][3];
        for (int x = 0; x < 3; ++x) {
            Lanes column[3], result[6];
            for (int y = 0; y < 3; ++y) column[y] = load(taps + (3 * y + x) * kPanel + lane);
            winogradKernelLine(column, result);
            for (int y = 0; y < 6; ++y) half[y][x] = result[y];
        }
        for (int y = 0; y < 6; ++y) {
            Lanes result[6];
            winogradKernelLine(half[y], result);
            for (int x = 0; x < 6; ++x) store(out + size_t(6 * y + x) * stride + lane, result[x]);
        }
    }
}

// Each function below is written once: with Whole for registers, with Single for the channels that are left.
struct Whole {
    typedef Lanes Value;
    static Lanes read(const float* p) { return load(p); }
    static void write(float* p, Lanes value) { store(p, value); }
};
struct Single {
    typedef float Value;
    static float read(const float* p) { return *p; }
    static void write(float* p, float value) { *p = value; }
};

template <class Part>
inline void storeDepthwise(const DepthwiseTask& task, int x, int c, typename Part::Value value) {
    const size_t at = size_t(x) * size_t(task.channels) + size_t(c);
    if (task.bias) value += Part::read(task.bias + c);
    if (task.other) value += Part::read(task.other + at);
    Part::write(task.out + at, task.relu ? atLeastZero(value) : value);
}

// Result x of any window and stride, for channels c ...
template <class Part>
inline void depthwiseAt(const DepthwiseTask& task, int x, int c) {
    typename Part::Value sum = {};
    const float* weights = task.weights + c;
    for (int ky = 0; ky < task.kernel; ++ky) {
        const float* const* pixels = task.pixels + ky * task.columns + x * task.stride;
        for (int kx = 0; kx < task.kernel; ++kx, weights += task.channels) {
            sum += Part::read(pixels[kx] + c) * Part::read(weights);
        }
    }
    storeDepthwise<Part>(task, x, c, sum);
}

// N neighbouring results, x ..., of a window of K and a stride of S, for a register of channels: each input pixel is
// loaded once for all of them.
template <int N, int K, int S>
inline void depthwiseBlock(const DepthwiseTask& task, int x, int c) {
    Lanes sums[N] = {};
    const float* weights = task.weights + c;
    const float* const* pixels = task.pixels + x * S;
    for (int ky = 0; ky < K; ++ky, pixels += task.columns) {
        Lanes taps[K];
#pragma GCC unroll 5
        for (int kx = 0; kx < K; ++kx, weights += task.channels) taps[kx] = load(weights);
#pragma GCC unroll 16
        for (int j = 0; j < (N - 1) * S + K; ++j) {
            const Lanes value = load(pixels[j] + c);
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n) {
                if (j >= n * S && j < n * S + K) sums[n] += value * taps[j - n * S];
            }
        }
    }
    for (int n = 0; n < N; ++n) storeDepthwise<Whole>(task, x + n, c, sums[n]);
}

template <int K, int S>
void depthwiseRowOf(const DepthwiseTask& task) {
    int x = 0;
    const int whole = task.channels / kLanes * kLanes;
    for (; x + 4 <= task.width; x += 4) {
        for (int c = 0; c < whole; c += kLanes) depthwiseBlock<4, K, S>(task, x, c);
    }
    for (; x + 2 <= task.width; x += 2) {
        for (int c = 0; c < whole; c += kLanes) depthwiseBlock<2, K, S>(task, x, c);
    }
    for (; x < task.width; ++x) {
        for (int c = 0; c < whole; c += kLanes) depthwiseBlock<1, K, S>(task, x, c);
    }
}

void depthwiseRow(const DepthwiseTask& task) {
    const int whole = task.channels / kLanes * kLanes;
    if (task.kernel == 3 && task.stride == 1) {
        depthwiseRowOf<3, 1>(task);
    } else if (task.kernel == 3 && task.stride == 2) {
        depthwiseRowOf<3, 2>(task);
    } else if (task.kernel == 5 && task.stride == 1) {
        depthwiseRowOf<5, 1>(task);
    } else if (task.kernel == 5 && task.stride == 2) {
        depthwiseRowOf<5, 2>(task);
    } else {
        for (int x = 0; x < task.width; ++x) {
            for (int c = 0; c < whole; c += kLanes) depthwiseAt<Whole>(task, x, c);
        }
    }
    for (int x = 0; x < task.width; ++x) {
        for (int c = whole; c < task.channels; ++c) depthwiseAt<Single>(task, x, c);
    }
}

// Four running sums: one would wait for each addition.
template <class Part>
inline void measureAt(const float* values, size_t pixels, size_t stride, float* mean, float* squares) {
    typedef typename Part::Value Value;
    Value sums[4] = {}, deviations[4] = {};
    const size_t whole = pixels / 4 * 4;
    for (size_t i = 0; i < whole; i += 4) {
        for (size_t k = 0; k < 4; ++k) sums[k] += Part::read(values + (i + k) * stride);
    }
    for (size_t i = whole; i < pixels; ++i) sums[0] += Part::read(values + i * stride);
    const Value middle = ((sums[0] + sums[1]) + (sums[2] + sums[3])) / float(pixels);
    for (size_t i = 0; i < whole; i += 4) {
        for (size_t k = 0; k < 4; ++k) {
            const Value apart = Part::read(values + (i + k) * stride) - middle;
            deviations[k] += apart * apart;
        }
    }
    for (size_t i = whole; i < pixels; ++i) {
        const Value apart = Part::read(values + i * stride) - middle;
        deviations[0] += apart * apart;
    }
    Part::write(mean, middle);
    Part::write(squares, (deviations[0] + deviations[1]) + (deviations[2] + deviations[3]));
}

void measure(const float* values, size_t pixels, int channels, float* mean, float* squares) {
    const size_t stride = size_t(channels);
    int c = 0;
    for (; c + kLanes <= channels; c += kLanes) measureAt<Whole>(values + c, pixels, stride, mean + c, squares + c);
    for (; c < channels; ++c) measureAt<Single>(values + c, pixels, stride, mean + c, squares + c);
}

template <class Part>
inline void greatestAt(const float* const* pixels, int count, int c, const float* signs, float* out) {
    typename Part::Value most = Part::read(pixels[0] + c);
    if (signs) most *= Part::read(signs + c);
    for (int i = 1; i < count; ++i) {
        typename Part::Value value = Part::read(pixels[i] + c);
        if (signs) value *= Part::read(signs + c);
        most = most < value ? value : most;
    }
    if (signs) most *= Part::read(signs + c);
    Part::write(out + c, most);
}

void greatest(const float* const* pixels, int count, int channels, const float* signs, float* out) {
    int c = 0;
    for (; c + kLanes <= channels; c += kLanes) greatestAt<Whole>(pixels, count, c, signs, out);
    for (; c < channels; ++c) greatestAt<Single>(pixels, count, c, signs, out);
}

// Sums of at most 64 pixels, then a sum of those: float loses no more than a few last bits.
template <class Part>
inline void meanAt(const float* const* pixels, int count, int c, float* out) {
    typename Part::Value total = {};
    for (int first = 0; first < count; first += 64) {
        const int end = first + 64 < count ? first + 64 : count;
        typename Part::Value sum = {};
        for (int i = first; i < end; ++i) sum += Part::read(pixels[i] + c);
        total += sum;
    }
    Part::write(out + c, total / float(count));
}

void mean(const float* const* pixels, int count, int channels, float* out) {
    int c = 0;
    for (; c + kLanes <= channels; c += kLanes) meanAt<Whole>(pixels, count, c, out);
    for (; c < channels; ++c) meanAt<Single>(pixels, count, c, out);
}

template <class Part>
inline void addRowsAt(const float* base, const float* gains, const float* factors, const float* rows, int rowCount,
                      int count, float* out) {
    typename Part::Value sum = Part::read(base) * Part::read(gains);
    for (int r = 0; r < rowCount; ++r) sum += factors[r] * Part::read(rows + size_t(r) * size_t(count));
    Part::write(out, sum);
}

void addRows(const float* base, const float* gains, const float* factors, const float* rows, int rowCount, int count,
             float* out) {
    int j = 0;
    for (; j + kLanes <= count; j += kLanes) {
        addRowsAt<Whole>(base + j, gains + j, factors, rows + j, rowCount, count, out + j);
    }
    for (; j < count; ++j) addRowsAt<Single>(base + j, gains + j, factors, rows + j, rowCount, count, out + j);
}

float dot(const float* a, const float* b, int count) {
    Lanes sums[4] = {};
    int i = 0;
    for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
        for (int k = 0; k < 4; ++k) sums[k] += load(a + i + k * kLanes) * load(b + i + k * kLanes);
    }
    for (; i + kLanes <= count; i += kLanes) sums[0] += load(a + i) * load(b + i);
    float parts[kLanes];
    store(parts, (sums[0] + sums[1]) + (sums[2] + sums[3]));
    for (int half = kLanes / 2; half > 0; half /= 2) {
        for (int k = 0; k < half; ++k) parts[k] += parts[k + half];
    }
    for (; i < count; ++i) parts[0] += a[i] * b[i];
    return parts[0];
}

}  // namespace

const Kernels& HYPERPRED_KERNELS(const char* name);  // OpenCV's build warns of a definition without one
const Kernels& HYPERPRED_KERNELS(const char* name) {
    static const Kernels table = {name,   kLanes,        kPanel,         kRows,          multiplyPanel, depthwiseRow,
                                  finish, winogradInput, winogradOutput, winogradKernel, measure,       greatest,
                                  mean,   dot,           addRows};
    return table;
}

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv
