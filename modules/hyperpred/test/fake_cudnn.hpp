// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TEST_FAKE_CUDNN_HPP
#define HYPERPRED_TEST_FAKE_CUDNN_HPP

#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <stdexcept>
#include <vector>

#include "cuda/driver/libraries.hpp"
#include "cuda/kernel.hpp"

// cuDNN's backend API without a GPU: descriptors as plain data that keep to the rules of the documentation (attributes
// before finalisation alone, references to finalised descriptors alone, the types that each attribute takes), and a
// graph that runs as plain loops over exactly the dimensions and strides that it was given. Any call can be made to
// fail.

namespace cv {
namespace hyperpred {
namespace test {

class FakeCudnn {
public:
    struct Engine {
        std::vector<cudnnBackendNumericalNote_t> numerical;
        std::vector<cudnnBackendBehaviorNote_t> behaviour;
        bool works = true;
        int64_t workspace = 0;
    };
    std::vector<Engine> engines;
    int64_t calls = 0, failAt = -1;  // of all calls but destructions
    cudnnStatus_t failure = CUDNN_STATUS_NOT_SUPPORTED;
    void* workspace = nullptr;  // that the last execution was given
    int executions = 0;

    FakeCudnn() : before_(current()) { current() = this; }
    ~FakeCudnn() { current() = before_; }
    size_t alive() const { return alive_.size(); }

private:
    struct Object {
        cudnnBackendDescriptorType_t type;
        bool final = false;
        std::map<cudnnBackendAttributeName_t, std::vector<char>> attributes;
        size_t engine = 0;
    };

    static FakeCudnn*& current() {
        static FakeCudnn* fake = nullptr;
        return fake;
    }
    bool fails() { return calls++ == failAt; }

    static size_t sizeOf(cudnnBackendAttributeType_t type) {
        switch (type) {
            case CUDNN_TYPE_BOOLEAN: return 1;
            case CUDNN_TYPE_INT64:
            case CUDNN_TYPE_VOID_PTR:
            case CUDNN_TYPE_HANDLE:
            case CUDNN_TYPE_BACKEND_DESCRIPTOR: return 8;
            default: return 4;  // floats and enumerations
        }
    }

    // What cuDNN takes for each attribute that this program sets.
    static cudnnBackendAttributeType_t typeOf(cudnnBackendAttributeName_t name) {
        switch (name) {
            case CUDNN_ATTR_POINTWISE_MODE: return CUDNN_TYPE_POINTWISE_MODE;
            case CUDNN_ATTR_POINTWISE_NAN_PROPAGATION: return CUDNN_TYPE_NAN_PROPOGATION;
            case CUDNN_ATTR_POINTWISE_MATH_PREC:
            case CUDNN_ATTR_CONVOLUTION_COMP_TYPE:
            case CUDNN_ATTR_TENSOR_DATA_TYPE: return CUDNN_TYPE_DATA_TYPE;
            case CUDNN_ATTR_CONVOLUTION_CONV_MODE: return CUDNN_TYPE_CONVOLUTION_MODE;
            case CUDNN_ATTR_CONVOLUTION_DILATIONS:
            case CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES:
            case CUDNN_ATTR_CONVOLUTION_POST_PADDINGS:
            case CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS:
            case CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS:
            case CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT:
            case CUDNN_ATTR_TENSOR_DIMENSIONS:
            case CUDNN_ATTR_TENSOR_STRIDES:
            case CUDNN_ATTR_TENSOR_UNIQUE_ID:
            case CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS: return CUDNN_TYPE_INT64;
            case CUDNN_ATTR_TENSOR_IS_VIRTUAL: return CUDNN_TYPE_BOOLEAN;
            case CUDNN_ATTR_ENGINEHEUR_MODE: return CUDNN_TYPE_HEUR_MODE;
            case CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA:
            case CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA: return CUDNN_TYPE_FLOAT;
            case CUDNN_ATTR_OPERATIONGRAPH_HANDLE:
            case CUDNN_ATTR_EXECUTION_PLAN_HANDLE: return CUDNN_TYPE_HANDLE;
            case CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS:
            case CUDNN_ATTR_VARIANT_PACK_WORKSPACE: return CUDNN_TYPE_VOID_PTR;
            default: return CUDNN_TYPE_BACKEND_DESCRIPTOR;
        }
    }

    static std::vector<cudnnBackendAttributeName_t> needed(cudnnBackendDescriptorType_t type) {
        switch (type) {
            case CUDNN_BACKEND_TENSOR_DESCRIPTOR:
                return {CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_ATTR_TENSOR_DIMENSIONS,
                        CUDNN_ATTR_TENSOR_STRIDES, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT};
            case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR:
                return {CUDNN_ATTR_CONVOLUTION_COMP_TYPE,    CUDNN_ATTR_CONVOLUTION_CONV_MODE,
                        CUDNN_ATTR_CONVOLUTION_DILATIONS,    CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES,
                        CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS,
                        CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS};
            case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
                return {
                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA,
                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y};
            case CUDNN_BACKEND_POINTWISE_DESCRIPTOR: return {CUDNN_ATTR_POINTWISE_MODE, CUDNN_ATTR_POINTWISE_MATH_PREC};
            case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR:
                return {CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, CUDNN_ATTR_OPERATION_POINTWISE_XDESC,
                        CUDNN_ATTR_OPERATION_POINTWISE_YDESC};
            case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR:
                return {CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_ATTR_OPERATIONGRAPH_HANDLE};
            case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR:
                return {CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_ATTR_ENGINEHEUR_MODE};
            case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR:
                return {CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_ATTR_EXECUTION_PLAN_HANDLE};
            default:
                return {CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS,
                        CUDNN_ATTR_VARIANT_PACK_WORKSPACE};
        }
    }

    static Object* object(cudnnBackendDescriptor_t descriptor) { return static_cast<Object*>(descriptor); }
    template <class T>
    static std::vector<T> values(const Object& of, cudnnBackendAttributeName_t name) {
        const auto found = of.attributes.find(name);
        if (found == of.attributes.end()) return {};
        std::vector<T> result(found->second.size() / sizeof(T));
        std::memcpy(static_cast<void*>(result.data()), found->second.data(), result.size() * sizeof(T));
        return result;
    }
    static const Object& living(cudnnBackendDescriptor_t descriptor) {
        if (current()->alive_.count(object(descriptor)) == 0) {
            throw std::logic_error("a descriptor that a plan stands on has been destroyed");
        }
        return *object(descriptor);
    }
    static const Object& linked(const Object& of, cudnnBackendAttributeName_t name) {
        return living(values<cudnnBackendDescriptor_t>(of, name).at(0));
    }

    // ---- the API ----

    static cudnnStatus_t create(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t* descriptor) {
        FakeCudnn& fake = *current();
        if (fake.fails()) return fake.failure;
        auto* made = new Object{type, false, {}, 0};
        fake.alive_.insert(made);
        *descriptor = made;
        return CUDNN_STATUS_SUCCESS;
    }
    static cudnnStatus_t destroy(cudnnBackendDescriptor_t descriptor) {
        FakeCudnn& fake = *current();
        if (fake.alive_.erase(object(descriptor)) == 0) return CUDNN_STATUS_BAD_PARAM;
        delete object(descriptor);
        return CUDNN_STATUS_SUCCESS;
    }
    static cudnnStatus_t setAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                      cudnnBackendAttributeType_t type, int64_t count, const void* elements) {
        FakeCudnn& fake = *current();
        if (fake.fails()) return fake.failure;
        if (object(descriptor)->final || type != typeOf(name) || count < 1) return CUDNN_STATUS_BAD_PARAM;
        if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
            for (int64_t i = 0; i < count; ++i) {
                Object* other = object(static_cast<cudnnBackendDescriptor_t const*>(elements)[i]);
                if (fake.alive_.count(other) == 0 || !other->final) return CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED;
            }
        }
        const char* begin = static_cast<const char*>(elements);
        object(descriptor)->attributes[name].assign(begin, begin + size_t(count) * sizeOf(type));
        return CUDNN_STATUS_SUCCESS;
    }
    static cudnnStatus_t finalize(cudnnBackendDescriptor_t descriptor) {
        FakeCudnn& fake = *current();
        if (fake.fails()) return fake.failure;
        Object& made = *object(descriptor);
        if (made.final) return CUDNN_STATUS_BAD_PARAM;
        for (const cudnnBackendAttributeName_t name : needed(made.type)) {
            if (made.attributes.count(name) == 0) return CUDNN_STATUS_BAD_PARAM;
        }
        if (made.type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR) {
            made.engine = linked(made, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG).engine;
            if (!fake.engines[made.engine].works) return CUDNN_STATUS_NOT_SUPPORTED_SHAPE;
        }
        made.final = true;
        return CUDNN_STATUS_SUCCESS;
    }
    template <class T>
    static void give(const std::vector<T>& all, int64_t room, int64_t* count, void* elements) {
        *count = int64_t(all.size());
        for (int64_t i = 0; i < std::min(room, *count); ++i) static_cast<T*>(elements)[i] = all[size_t(i)];
    }
    static cudnnStatus_t getAttribute(cudnnBackendDescriptor_t const descriptor, cudnnBackendAttributeName_t name,
                                      cudnnBackendAttributeType_t, int64_t room, int64_t* count, void* elements) {
        FakeCudnn& fake = *current();
        if (fake.fails()) return fake.failure;
        const Object& from = *object(descriptor);
        if (!from.final) return CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED;
        const Engine& engine = fake.engines.at(from.engine);
        switch (name) {
            case CUDNN_ATTR_ENGINEHEUR_RESULTS:
                *count = int64_t(fake.engines.size());
                for (int64_t i = 0; i < std::min(room, *count); ++i) {
                    Object* configuration = object(static_cast<cudnnBackendDescriptor_t*>(elements)[i]);
                    configuration->engine = size_t(i);
                    configuration->attributes = from.attributes;  // with the graph
                    configuration->final = true;
                }
                break;
            case CUDNN_ATTR_ENGINECFG_ENGINE: {
                Object* of = object(*static_cast<cudnnBackendDescriptor_t*>(elements));
                of->engine = from.engine;
                of->final = true;
                *count = 1;
                break;
            }
            case CUDNN_ATTR_ENGINE_NUMERICAL_NOTE: give(engine.numerical, room, count, elements); break;
            case CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE: give(engine.behaviour, room, count, elements); break;
            case CUDNN_ATTR_ENGINE_GLOBAL_INDEX:
                give(std::vector<int64_t>{int64_t(from.engine)}, room, count, elements);
                break;
            case CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE:
                give(std::vector<int64_t>{engine.workspace}, room, count, elements);
                break;
            default: return CUDNN_STATUS_BAD_PARAM;
        }
        return CUDNN_STATUS_SUCCESS;
    }

    // ---- the graph as plain loops ----

    struct Tensor {
        std::vector<int64_t> extent, stride;
        bool half = false;
        std::vector<float> held;  // a virtual one's values
        void* place = nullptr;

        size_t at(const int64_t* index) const {
            int64_t offset = 0;
            for (size_t d = 0; d < 4; ++d) offset += (extent[d] == 1 ? 0 : index[d]) * stride[d];
            return size_t(offset);
        }
        float load(const int64_t* index) const {
            if (!place) return held[at(index)];
            return half ? cuda::load(static_cast<const cuda::Half*>(place)[at(index)])
                        : static_cast<const float*>(place)[at(index)];
        }
        void store(const int64_t* index, float value) {
            if (!place) {
                held[at(index)] = value;
            } else if (half) {
                cuda::store(value, static_cast<cuda::Half*>(place)[at(index)]);
            } else {
                static_cast<float*>(place)[at(index)] = value;
            }
        }
    };

    Tensor& tensor(const Object& of, const std::map<int64_t, void*>& places) {
        const int64_t name = values<int64_t>(of, CUDNN_ATTR_TENSOR_UNIQUE_ID)[0];
        Tensor& made = tensors_[name];
        if (!made.extent.empty()) return made;
        made.extent = values<int64_t>(of, CUDNN_ATTR_TENSOR_DIMENSIONS);
        made.stride = values<int64_t>(of, CUDNN_ATTR_TENSOR_STRIDES);
        made.half = values<cudnnDataType_t>(of, CUDNN_ATTR_TENSOR_DATA_TYPE)[0] == CUDNN_DATA_HALF;
        const std::vector<char> isVirtual = values<char>(of, CUDNN_ATTR_TENSOR_IS_VIRTUAL);
        if (!isVirtual.empty() && isVirtual[0]) {
            made.held.resize(size_t(made.extent[0] * made.extent[1] * made.extent[2] * made.extent[3]), NAN);
        } else {
            made.place = places.at(name);
            const auto alignment = uintptr_t(values<int64_t>(of, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT)[0]);
            aligned_ = aligned_ && reinterpret_cast<uintptr_t>(made.place) % alignment == 0;
        }
        return made;
    }

    template <class Call>
    static void forEach(const std::vector<int64_t>& extent, const Call& call) {
        int64_t i[4];
        for (i[0] = 0; i[0] < extent[0]; ++i[0]) {
            for (i[1] = 0; i[1] < extent[1]; ++i[1]) {
                for (i[2] = 0; i[2] < extent[2]; ++i[2]) {
                    for (i[3] = 0; i[3] < extent[3]; ++i[3]) call(i);
                }
            }
        }
    }

    void convolve(const Object& operation, const std::map<int64_t, void*>& places) {
        const Tensor& x = tensor(linked(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X), places);
        const Tensor& w = tensor(linked(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W), places);
        Tensor& y = tensor(linked(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y), places);
        const Object& shape = linked(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC);
        const auto step = values<int64_t>(shape, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
        const auto pad = values<int64_t>(shape, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
        forEach(y.extent, [&](const int64_t* to) {
            double sum = 0;
            forEach({1, w.extent[1], w.extent[2], w.extent[3]}, [&](const int64_t* tap) {
                const int64_t from[4] = {to[0], tap[1], to[2] * step[0] - pad[0] + tap[2],
                                         to[3] * step[1] - pad[1] + tap[3]};
                if (from[2] < 0 || from[2] >= x.extent[2] || from[3] < 0 || from[3] >= x.extent[3]) return;
                const int64_t weight[4] = {to[1], tap[1], tap[2], tap[3]};
                sum += double(x.load(from)) * double(w.load(weight));
            });
            y.store(to, float(sum));
        });
    }

    void pointwise(const Object& operation, const std::map<int64_t, void*>& places) {
        const Object& kind = linked(operation, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
        const bool relu = values<cudnnPointwiseMode_t>(kind, CUDNN_ATTR_POINTWISE_MODE)[0] == CUDNN_POINTWISE_RELU_FWD;
        const auto nan = values<cudnnNanPropagation_t>(kind, CUDNN_ATTR_POINTWISE_NAN_PROPAGATION);
        const bool keepsNan = !nan.empty() && nan[0] == CUDNN_PROPAGATE_NAN;
        const Tensor& x = tensor(linked(operation, CUDNN_ATTR_OPERATION_POINTWISE_XDESC), places);
        Tensor& y = tensor(linked(operation, CUDNN_ATTR_OPERATION_POINTWISE_YDESC), places);
        const Tensor* b = nullptr;
        if (!relu) b = &tensor(linked(operation, CUDNN_ATTR_OPERATION_POINTWISE_BDESC), places);
        forEach(y.extent, [&](const int64_t* at) {
            const float value = x.load(at);
            if (b) {
                y.store(at, value + b->load(at));
            } else {
                y.store(at, value > 0 || (keepsNan && std::isnan(value)) ? value : 0.f);
            }
        });
    }

    static cudnnStatus_t execute(cudnnHandle_t, cudnnBackendDescriptor_t plan, cudnnBackendDescriptor_t pack) {
        FakeCudnn& fake = *current();
        if (fake.fails()) return fake.failure;
        if (!object(plan)->final || !object(pack)->final) return CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED;
        const auto names = values<int64_t>(*object(pack), CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
        const auto pointers = values<void*>(*object(pack), CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
        fake.workspace = values<void*>(*object(pack), CUDNN_ATTR_VARIANT_PACK_WORKSPACE)[0];
        std::map<int64_t, void*> places;
        for (size_t i = 0; i < names.size(); ++i) places[names[i]] = pointers[i];
        fake.tensors_.clear();
        fake.aligned_ = true;
        const Object& configuration = linked(*object(plan), CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
        const Object& graph = linked(configuration, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
        for (cudnnBackendDescriptor_t each : values<cudnnBackendDescriptor_t>(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS)) {
            if (living(each).type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR) {
                fake.convolve(living(each), places);
            } else {
                fake.pointwise(living(each), places);
            }
        }
        ++fake.executions;
        return fake.aligned_ ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER;
    }

    FakeCudnn* before_;
    std::set<Object*> alive_;
    std::map<int64_t, Tensor> tensors_;
    bool aligned_ = true;

public:
    static cuda::CudnnLibrary asLibrary() {
        cuda::CudnnLibrary all;
        all.cudnnGetErrorString = [](cudnnStatus_t) { return "the fake says no"; };
        all.cudnnBackendCreateDescriptor = &create;
        all.cudnnBackendDestroyDescriptor = &destroy;
        all.cudnnBackendSetAttribute = &setAttribute;
        all.cudnnBackendGetAttribute = &getAttribute;
        all.cudnnBackendFinalize = &finalize;
        all.cudnnBackendExecute = &execute;
        return all;
    }
};

}  // namespace test
}  // namespace hyperpred
}  // namespace cv

#endif
