// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifdef HYPERPRED_WITH_CUDA

#include "cuda/driver/cudnn_graph.hpp"

#include <algorithm>
#include <vector>

#include "cuda/driver/checked.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

namespace {

const int64_t kLargestWorkspace = int64_t(256) << 20;
const int64_t kMostConfigurations = 64;
// Every map starts at a multiple of 8 channels of half precision in memory of cudaMalloc (aligned to 256 bytes).
const int64_t kAlignment = 16;

// By number, since cuDNN's headers have them from 9.1, 9.5 and 9.8 on and any 9 will do to build.
const int kStrictNan = 9;                         // a numerical note
const int kInCudaGraphs = 3, kNeedsCublasLt = 4;  // behaviour notes
const auto kHeuristicsDevice = cudnnBackendAttributeName_t(204), kPlanDevice = cudnnBackendAttributeName_t(407);

// Names of the tensors within a graph.
enum : int64_t { kIn = 1, kKernel, kConvolved, kShift, kShifted, kOther, kAdded, kOut };

// cuDNN said no while a plan was made.
struct Refused {
    std::string reason;
};

template <class T>
struct TypeOf;
#define HYPERPRED_TYPE(type, name)                                 \
    template <>                                                    \
    struct TypeOf<type> {                                          \
        static constexpr cudnnBackendAttributeType_t value = name; \
    };
HYPERPRED_TYPE(int64_t, CUDNN_TYPE_INT64)
HYPERPRED_TYPE(float, CUDNN_TYPE_FLOAT)
HYPERPRED_TYPE(bool, CUDNN_TYPE_BOOLEAN)
HYPERPRED_TYPE(void*, CUDNN_TYPE_VOID_PTR)
HYPERPRED_TYPE(cudnnHandle_t, CUDNN_TYPE_HANDLE)
HYPERPRED_TYPE(cudnnDataType_t, CUDNN_TYPE_DATA_TYPE)
HYPERPRED_TYPE(cudnnConvolutionMode_t, CUDNN_TYPE_CONVOLUTION_MODE)
HYPERPRED_TYPE(cudnnPointwiseMode_t, CUDNN_TYPE_POINTWISE_MODE)
HYPERPRED_TYPE(cudnnNanPropagation_t, CUDNN_TYPE_NAN_PROPOGATION)
HYPERPRED_TYPE(cudnnBackendHeurMode_t, CUDNN_TYPE_HEUR_MODE)
HYPERPRED_TYPE(cudnnBackendNumericalNote_t, CUDNN_TYPE_NUMERICAL_NOTE)
HYPERPRED_TYPE(cudnnBackendBehaviorNote_t, CUDNN_TYPE_BEHAVIOR_NOTE)
#undef HYPERPRED_TYPE

// A descriptor of the backend API. cuDNN's rules: attributes are set before finalize() and never after, and what is
// named in an attribute must be finalised by then.
class Descriptor {
public:
    Descriptor(const CudnnLibrary& library, cudnnBackendDescriptorType_t type) : library_(&library) {
        accept(library_->cudnnBackendCreateDescriptor(type, &descriptor_), "cudnnBackendCreateDescriptor");
    }
    Descriptor(Descriptor&& other) noexcept : library_(other.library_) { std::swap(descriptor_, other.descriptor_); }
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(library_, other.library_);
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~Descriptor() {
        if (descriptor_) library_->cudnnBackendDestroyDescriptor(descriptor_);
    }

    cudnnBackendDescriptor_t get() const { return descriptor_; }

    template <class T>
    Descriptor& set(cudnnBackendAttributeName_t name, std::initializer_list<T> values) {
        return set(name, TypeOf<T>::value, values.size(), values.begin());
    }
    Descriptor& link(cudnnBackendAttributeName_t name, const Descriptor& other) { return link(name, other.get()); }
    Descriptor& link(cudnnBackendAttributeName_t name, cudnnBackendDescriptor_t other) {
        return set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &other);
    }
    Descriptor& set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, size_t count,
                    const void* values) {
        accept(library_->cudnnBackendSetAttribute(descriptor_, name, type, int64_t(count), values),
               "cudnnBackendSetAttribute " + std::to_string(int(name)));
        return *this;
    }
    Descriptor& finalize() {
        accept(library_->cudnnBackendFinalize(descriptor_), "cudnnBackendFinalize");
        return *this;
    }
    // How many there are; of those, at most `room` are written.
    int64_t get(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t room, void* values) const {
        int64_t count = 0;
        accept(library_->cudnnBackendGetAttribute(descriptor_, name, type, room, &count, values),
               "cudnnBackendGetAttribute " + std::to_string(int(name)));
        return count;
    }

private:
    void accept(cudnnStatus_t status, const std::string& call) const {
        if (status != CUDNN_STATUS_SUCCESS) throw Refused{call + ": " + library_->cudnnGetErrorString(status)};
    }

    const CudnnLibrary* library_;
    cudnnBackendDescriptor_t descriptor_ = nullptr;
};

// Of an engine: true where none of its notes speaks against it. A note that this program does not know does.
bool wanted(const Descriptor& engine, bool compile) {
    cudnnBackendNumericalNote_t numerical[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
    cudnnBackendBehaviorNote_t behaviour[CUDNN_BEHAVIOR_NOTE_TYPE_COUNT];
    const int64_t numbers = engine.get(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                                       CUDNN_NUMERICAL_NOTE_TYPE_COUNT, numerical);
    const int64_t behaviours = engine.get(CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE,
                                          CUDNN_BEHAVIOR_NOTE_TYPE_COUNT, behaviour);
    if (numbers > CUDNN_NUMERICAL_NOTE_TYPE_COUNT || behaviours > CUDNN_BEHAVIOR_NOTE_TYPE_COUNT) return false;
    const bool exact = std::all_of(numerical, numerical + numbers, [](cudnnBackendNumericalNote_t note) {
        return note == CUDNN_NUMERICAL_NOTE_TENSOR_CORE || int(note) == kStrictNan;
    });
    return exact && std::all_of(behaviour, behaviour + behaviours, [&](cudnnBackendBehaviorNote_t note) {
               return int(note) == kInCudaGraphs || int(note) == kNeedsCublasLt ||
                      (compile && note == CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION);
           });
}

}  // namespace

// The graph of one task and its plan. All descriptors live as long as the plan that was made from them.
struct CudnnGraphs::Entry {
    Entry(const CudnnLibrary& from, const CudnnTarget& device, bool compiles)
        : library(from), target(device), compile(compiles) {}

    void make(const ConvolutionTask& task, bool finish) {
        const std::vector<cudnnBackendDescriptor_t> operations = operationsOf(task, finish);
        Descriptor graph(library, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
        graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, operations.size(), operations.data());
        if (target.handle) graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, {target.handle});
        graph.finalize();
        for (const cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
            try {
                if (!executable) choose(graph, mode);
            } catch (const Refused& refused) {
                reason = refused.reason;
            }
        }
        keep(std::move(graph));
        if (!executable) throw Refused{"none of the engines that cuDNN offers is wanted and works"};
    }

    const CudnnLibrary& library;
    const CudnnTarget& target;
    bool compile;
    bool followed = false, supported = false;
    std::string reason;  // why not
    int64_t engine = -1, workspace = 0;

private:
    std::vector<Descriptor> kept_;  // outlive the plan, so they come before it

public:
    std::unique_ptr<Descriptor> executable;

private:
    cudnnBackendDescriptor_t keep(Descriptor descriptor) {
        kept_.push_back(std::move(descriptor));
        return kept_.back().get();
    }

    // N x C x H x W in the order of memory N, H, W, C; of a kernel K x C x R x S as K, R, S, C. A virtual tensor goes
    // from one operation to the next and never to memory.
    cudnnBackendDescriptor_t tensor(int64_t name, cudnnDataType_t type, int64_t n, const MapShape& shape,
                                    bool isVirtual = false) {
        const int64_t c = shape.channels, h = shape.height, w = shape.width;
        Descriptor made(library, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
        made.set<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID, {name})
            .set(CUDNN_ATTR_TENSOR_DATA_TYPE, {type})
            .set<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS, {n, c, h, w})
            .set<int64_t>(CUDNN_ATTR_TENSOR_STRIDES, {h * w * c, 1, w * c, c})
            .set<int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, {kAlignment})
            .set<bool>(CUDNN_ATTR_TENSOR_IS_VIRTUAL, {isVirtual})
            .finalize();
        return keep(std::move(made));
    }

    cudnnBackendDescriptor_t convolution(const ConvolutionTask& task, cudnnBackendDescriptor_t y) {
        const int64_t stride = task.stride, pad = task.pad;
        Descriptor shape(library, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
        shape.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, {CUDNN_DATA_FLOAT})
            .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, {CUDNN_CROSS_CORRELATION})
            .set<int64_t>(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, {2})
            .set<int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS, {1, 1})
            .set<int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, {stride, stride})
            .set<int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, {pad, pad})
            .set<int64_t>(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, {pad, pad})
            .finalize();
        MapShape window;
        window.channels = task.from.channels;
        window.height = window.width = task.edge;
        Descriptor operation(library, CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
        operation.set<float>(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, {1.f})
            .set<float>(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, {0.f})
            .link(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, keep(std::move(shape)))
            .link(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, tensor(kIn, CUDNN_DATA_HALF, task.images, task.from))
            .link(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                  tensor(kKernel, CUDNN_DATA_HALF, task.to.channels, window))
            .link(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, y)
            .finalize();
        return keep(std::move(operation));
    }

    // y = mode(x, b), in float; b may be null.
    cudnnBackendDescriptor_t pointwise(cudnnPointwiseMode_t mode, cudnnBackendDescriptor_t x,
                                       cudnnBackendDescriptor_t b, cudnnBackendDescriptor_t y) {
        Descriptor kind(library, CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
        kind.set(CUDNN_ATTR_POINTWISE_MODE, {mode}).set(CUDNN_ATTR_POINTWISE_MATH_PREC, {CUDNN_DATA_FLOAT});
        // An activation beyond half precision must reach the features as a NaN, as with the own kernel.
        if (mode == CUDNN_POINTWISE_RELU_FWD) kind.set(CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, {CUDNN_PROPAGATE_NAN});
        kind.finalize();
        Descriptor operation(library, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
        operation.link(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, keep(std::move(kind)))
            .link(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x)
            .link(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
        if (b) operation.link(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, b);
        operation.finalize();
        return keep(std::move(operation));
    }

    // convolution, + shift, + other, relu: each only where the task has it. What lies between is virtual and of floats;
    // the last result is what is stored.
    std::vector<cudnnBackendDescriptor_t> operationsOf(const ConvolutionTask& task, bool whole) {
        int left = whole ? int(task.shift != nullptr) + int(task.other != nullptr) + int(task.relu) : 0;
        const auto result = [&](int64_t name) {
            return left == 0 ? tensor(kOut, CUDNN_DATA_HALF, task.images, task.to)
                             : tensor(name, CUDNN_DATA_FLOAT, task.images, task.to, true);
        };
        cudnnBackendDescriptor_t last = result(kConvolved);
        std::vector<cudnnBackendDescriptor_t> operations = {convolution(task, last)};
        const auto follow = [&](cudnnPointwiseMode_t mode, cudnnBackendDescriptor_t b, int64_t name) {
            --left;
            const cudnnBackendDescriptor_t y = result(name);
            operations.push_back(pointwise(mode, last, b, y));
            last = y;
        };
        if (!whole) return operations;
        MapShape channels;
        channels.channels = task.to.channels;
        channels.height = channels.width = 1;
        if (task.shift) follow(CUDNN_POINTWISE_ADD, tensor(kShift, CUDNN_DATA_FLOAT, 1, channels), kShifted);
        if (task.other) {
            follow(CUDNN_POINTWISE_ADD, tensor(kOther, CUDNN_DATA_HALF, task.images, task.to), kAdded);
        }
        if (task.relu) follow(CUDNN_POINTWISE_RELU_FWD, nullptr, kOut);
        return operations;
    }

    void choose(const Descriptor& graph, cudnnBackendHeurMode_t mode) {
        Descriptor heuristics(library, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
        heuristics.link(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph).set(CUDNN_ATTR_ENGINEHEUR_MODE, {mode});
        if (target.description) heuristics.link(kHeuristicsDevice, target.description);
        heuristics.finalize();
        const int64_t offered =
            heuristics.get(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, nullptr);
        std::vector<Descriptor> configurations;
        std::vector<cudnnBackendDescriptor_t> raw;
        for (int64_t i = 0; i < std::min(offered, kMostConfigurations); ++i) {
            configurations.emplace_back(library, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
            raw.push_back(configurations.back().get());
        }
        if (raw.empty()) return;
        // Only those that the device supports are filled in, which may be fewer than were announced.
        const int64_t filled = heuristics.get(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                              int64_t(raw.size()), raw.data());
        for (size_t i = 0; i < size_t(std::min(filled, int64_t(raw.size()))) && !executable; ++i) {
            try {
                tryConfiguration(configurations[i]);
            } catch (const Refused& refused) {
                reason = refused.reason;
            }
            if (executable) keep(std::move(configurations[i]));
        }
    }

    void tryConfiguration(const Descriptor& configuration) {
        Descriptor of(library, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
        cudnnBackendDescriptor_t raw = of.get();
        configuration.get(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &raw);
        if (!wanted(of, compile)) return;
        auto made = std::make_unique<Descriptor>(library, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
        if (target.handle) made->set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, {target.handle});
        if (target.description) made->link(kPlanDevice, target.description);
        made->link(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration).finalize();
        int64_t bytes = 0;
        made->get(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &bytes);
        if (bytes > kLargestWorkspace) return;
        of.get(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &engine);
        workspace = bytes;
        executable = std::move(made);
    }
};

CudnnGraphs::CudnnGraphs(const CudnnLibrary& library, const CudnnTarget& target, bool compile,
                         std::function<void*(size_t)> workspace)
    : library_(library), target_(target), compile_(compile), workspace_(std::move(workspace)) {}

CudnnGraphs::~CudnnGraphs() = default;

CudnnGraphs::Entry& CudnnGraphs::entryFor(const ConvolutionTask& task, bool finish) {
    const Key key(task.images, task.from.channels, task.from.height, task.from.width, task.to.channels, task.to.height,
                  task.to.width, task.edge, task.stride, task.pad, finish && task.shift, finish && task.other,
                  finish && task.relu);
    std::unique_ptr<Entry>& entry = entries_[key];
    if (!entry) {
        entry = std::make_unique<Entry>(library_, target_, compile_);
        entry->followed = finish && (task.shift || task.other || task.relu);
        try {
            entry->make(task, finish);
            entry->supported = true;
        } catch (const Refused& refused) {
            if (entry->reason.empty()) entry->reason = refused.reason;
        }
    }
    return *entry;
}

bool CudnnGraphs::run(const ConvolutionTask& task, bool finish) {
    if (!task.half) return false;
    Entry& entry = entryFor(task, finish);
    if (!entry.supported) return false;
    std::vector<int64_t> names = {kIn, kKernel, kOut};
    std::vector<void*> places = {const_cast<void*>(task.in), const_cast<void*>(task.kernel), task.out};
    const auto add = [&](int64_t name, const void* place) {
        if (!finish || !place) return;
        names.push_back(name);
        places.push_back(const_cast<void*>(place));
    };
    add(kShift, task.shift);
    add(kOther, task.other);
    void* workspace = entry.workspace > 0 ? workspace_(size_t(entry.workspace)) : nullptr;
    try {
        Descriptor pack(library_, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
        pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, names.size(), names.data())
            .set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, places.size(), places.data())
            .set<void*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, {workspace})
            .finalize();
        const cudnnStatus_t status = library_.cudnnBackendExecute(target_.handle, entry.executable->get(), pack.get());
        const int category = CUDNN_STATUS_CATEGORY(int(status));
        if (category == CUDNN_STATUS_NOT_SUPPORTED || category == CUDNN_STATUS_BAD_PARAM) {
            throw Refused{std::string("cudnnBackendExecute: ") + library_.cudnnGetErrorString(status)};
        }
        check(status, "cudnnBackendExecute", __FILE__, __LINE__);
        return true;
    } catch (const Refused& refused) {
        entry.supported = false;
        entry.reason = refused.reason;
    }
    return false;
}

std::string CudnnGraphs::plan(const ConvolutionTask& task, bool finish) {
    if (!task.half) return "not in half precision";
    const Entry& entry = entryFor(task, finish);
    return entry.supported ? "engine " + std::to_string(entry.engine) : entry.reason;
}

int CudnnGraphs::plans(bool followed) const {
    return int(std::count_if(entries_.begin(), entries_.end(), [&](const auto& entry) {
        return entry.second->supported && entry.second->followed == followed;
    }));
}

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
