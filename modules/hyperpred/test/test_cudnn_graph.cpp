// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE cudnn_graph
#include "cuda/driver/cudnn_graph.hpp"

#include <boost/test/unit_test.hpp>

#include "cuda/plan.hpp"
#include "fake_cudnn.hpp"
#include "fallback_backend.hpp"
#include "host_device.hpp"
#include "random_hypernetwork.hpp"

// cuDNN's graph API as this program uses it: against a fake that knows the rules and computes, and, where the library
// is installed, against the real one, which makes plans for a GPU that is only described to it. Only running them waits
// for a GPU. Without a CUDA toolkit this test is not built.

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;
using cuda::Half;

namespace {

const double kHalf = 2e-3;  // 2^-11 a value

// The maps of one convolution in half precision, and what it gives with the own kernels.
struct Case {
    Case(int inputs, int outputs, int edge, int stride, int pad, int size, unsigned seed) {
        task.half = true;
        task.images = 3;
        task.from = map(inputs, size);
        task.to = map(outputs, (size + 2 * pad - edge) / stride + 1);
        task.edge = edge;
        task.stride = stride;
        task.pad = pad;
        const double scale = 1 / std::sqrt(double(edge * edge * inputs));
        in = draw(task.images * task.from.elements(), 1, seed);
        kernel = draw(int64_t(edge) * edge * inputs * outputs, scale, seed + 1);
        other = draw(task.images * task.to.elements(), 1, seed + 2);
        out.resize(other.size());
        const std::vector<float> values = RandomTensors(seed + 3)({outputs}, 1, 0.2).values;
        shift.assign(values.begin(), values.end());
        task.in = in.data();
        task.kernel = kernel.data();
        task.out = out.data();
    }

    // bits: 1 shift, 2 other, 4 relu
    void choose(int bits) {
        task.shift = bits & 1 ? shift.data() : nullptr;
        task.other = bits & 2 ? other.data() : nullptr;
        task.relu = (bits & 4) != 0;
    }

    std::vector<float> expected(bool finish) {
        const auto device = std::make_shared<HostDevice>(HostSettings());
        DeviceVector<Half> result(out.size());
        cuda::ConvolutionTask own = task;
        own.out = result.data();
        if (finish) {
            device->convolveAndFinish(own);
        } else {
            device->convolve(own);
        }
        return floats(result);
    }
    std::vector<float> found() const { return floats(out); }

    cuda::ConvolutionTask task;
    DeviceVector<Half> in, kernel, other, out;
    DeviceVector<float> shift;

private:
    static cuda::MapShape map(int channels, int size) {
        cuda::MapShape shape;
        shape.channels = channels;
        shape.height = shape.width = size;
        return shape;
    }
    static DeviceVector<Half> draw(int64_t count, double scale, unsigned seed) {
        DeviceVector<Half> values;
        for (const float value : RandomTensors(seed)({count}, scale, 0.1).values) {
            values.emplace_back();
            cuda::store(value, values.back());
        }
        return values;
    }
    static std::vector<float> floats(const DeviceVector<Half>& halves) {
        std::vector<float> values;
        for (const Half value : halves) values.push_back(cuda::load(value));
        return values;
    }
};

double apart(const std::vector<float>& found, const std::vector<float>& expected) {
    double most = 0, scale = 1e-30;
    for (size_t i = 0; i < found.size(); ++i) {
        if (!std::isfinite(found[i])) return HUGE_VAL;
        most = std::max(most, std::abs(double(found[i]) - double(expected[i])));
        scale = std::max(scale, std::abs(double(expected[i])));
    }
    return most / scale;
}

FakeCudnn::Engine engine(std::vector<cudnnBackendNumericalNote_t> numerical = {},
                         std::vector<cudnnBackendBehaviorNote_t> behaviour = {}) {
    FakeCudnn::Engine made;
    made.numerical = std::move(numerical);
    made.behaviour = std::move(behaviour);
    return made;
}

struct Fixture {
    explicit Fixture(bool compile = true) : library(FakeCudnn::asLibrary()) {
        cuda::CudnnTarget target;
        target.handle = reinterpret_cast<cudnnHandle_t>(&library);  // the fake only looks whether there is one
        graphs = std::make_unique<cuda::CudnnGraphs>(library, target, compile, [this](size_t bytes) {
            workspace.resize(bytes);
            return static_cast<void*>(workspace.data());
        });
    }
    FakeCudnn fake;
    cuda::CudnnLibrary library;
    std::vector<char> workspace;
    std::unique_ptr<cuda::CudnnGraphs> graphs;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_graph_computes_what_the_own_kernels_do) {
    Fixture fixture;
    fixture.fake.engines = {engine({CUDNN_NUMERICAL_NOTE_TENSOR_CORE})};
    const int shapes[][6] = {{8, 16, 3, 1, 1, 9}, {16, 24, 3, 2, 1, 7}, {24, 8, 1, 2, 0, 6}, {8, 8, 7, 2, 3, 11}};
    unsigned seed = 1;
    for (const auto& s : shapes) {
        Case one(s[0], s[1], s[2], s[3], s[4], s[5], ++seed);
        for (int bits = 0; bits < 8; ++bits) {
            BOOST_TEST_CONTEXT(s[0] << " to " << s[1] << " channels, window " << s[2] << ", what follows: " << bits) {
                one.choose(bits);
                BOOST_TEST(fixture.graphs->run(one.task, true));
                BOOST_TEST(apart(one.found(), one.expected(true)) < kHalf);
                // What follows is left to others here.
                BOOST_TEST(fixture.graphs->run(one.task, false));
                BOOST_TEST(apart(one.found(), one.expected(false)) < kHalf);
            }
        }
    }
    BOOST_TEST(fixture.graphs->plans(true) == 4 * 7);
    BOOST_TEST(fixture.graphs->plans(false) == 4);
}

BOOST_AUTO_TEST_CASE(relu_keeps_a_nan) {
    Fixture fixture;
    fixture.fake.engines = {engine()};
    Case one(8, 8, 1, 1, 0, 3, 20);
    one.choose(4);
    cuda::store(std::nanf(""), one.in[5 * 8]);
    BOOST_TEST(fixture.graphs->run(one.task, true));
    BOOST_TEST(std::isnan(one.found()[5 * 8 + 3]));
}

BOOST_AUTO_TEST_CASE(the_first_engine_that_can_be_relied_on_is_taken) {
    Fixture fixture(false);
    fixture.fake.engines = {engine({CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC}),
                            engine({CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_WINOGRAD}),
                            engine({CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION}),
                            engine({CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS}),
                            engine({CUDNN_NUMERICAL_NOTE_FFT}),
                            engine({}, {CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION}),
                            engine({}, {CUDNN_BEHAVIOR_NOTE_REQUIRES_FILTER_INT8x32_REORDER}),
                            engine({cudnnBackendNumericalNote_t(12)}),
                            engine(),
                            engine(),
                            engine({CUDNN_NUMERICAL_NOTE_TENSOR_CORE}),
                            engine()};
    fixture.fake.engines[8].works = false;
    fixture.fake.engines[9].workspace = int64_t(1) << 40;
    fixture.fake.engines[10].workspace = 640;
    Case one(8, 8, 3, 1, 1, 5, 21);
    BOOST_TEST(fixture.graphs->plan(one.task, false) == "engine 10");
    BOOST_TEST(fixture.graphs->run(one.task, false));
    BOOST_TEST(fixture.workspace.size() == 640);
    BOOST_TEST(fixture.fake.workspace == static_cast<void*>(fixture.workspace.data()));

    Fixture compiling(true);
    compiling.fake.engines = {engine({}, {CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION}), engine()};
    BOOST_TEST(compiling.graphs->plan(one.task, true) == "engine 0");
}

BOOST_AUTO_TEST_CASE(without_such_an_engine_nothing_is_done) {
    Fixture fixture;
    fixture.fake.engines = {engine({CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC})};
    Case one(8, 8, 3, 1, 1, 5, 22);
    BOOST_TEST(!fixture.graphs->run(one.task, false));
    BOOST_TEST(fixture.fake.executions == 0);
    const int64_t calls = fixture.fake.calls;
    BOOST_TEST(!fixture.graphs->run(one.task, false));  // and cuDNN is not asked again
    BOOST_TEST(fixture.fake.calls == calls);
    one.task.half = false;
    fixture.fake.engines = {engine()};
    BOOST_TEST(!fixture.graphs->run(one.task, false));
}

// Whichever call says no, the answer is no, another way is open, and no descriptor is left behind.
BOOST_AUTO_TEST_CASE(any_call_may_fail) {
    Case one(8, 16, 3, 1, 1, 5, 23);
    one.choose(7);
    int64_t calls = 0;
    {
        Fixture fixture;
        fixture.fake.engines = {engine()};
        BOOST_REQUIRE(fixture.graphs->run(one.task, true));
        calls = fixture.fake.calls;
    }
    BOOST_REQUIRE(calls > 100);
    for (const cudnnStatus_t status :
         {CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, CUDNN_STATUS_BAD_PARAM, CUDNN_STATUS_INTERNAL_ERROR}) {
        for (int64_t at = 0; at < calls; ++at) {
            const bool last = at == calls - 1;  // the execution
            if (last && status == CUDNN_STATUS_INTERNAL_ERROR) continue;
            BOOST_TEST_CONTEXT("call " << at << " of " << calls << ", status " << int(status)) {
                Fixture fixture;
                fixture.fake.engines = {engine()};
                fixture.fake.failAt = at;
                fixture.fake.failure = status;
                // A failing first heuristics leaves the second.
                const bool done = fixture.graphs->run(one.task, true);
                BOOST_TEST(done == (fixture.fake.executions == 1));
                BOOST_TEST((done || !fixture.graphs->plan(one.task, true).empty()));
                BOOST_TEST(!(last && done));
                fixture.graphs.reset();
                BOOST_TEST(fixture.fake.alive() == 0);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_device_that_breaks_while_it_runs_is_no_refusal) {
    Fixture fixture;
    fixture.fake.engines = {engine()};
    Case one(8, 8, 3, 1, 1, 5, 24);
    BOOST_REQUIRE(fixture.graphs->run(one.task, false));
    const int64_t before = fixture.fake.calls;
    BOOST_REQUIRE(fixture.graphs->run(one.task, false));
    fixture.fake.failAt = fixture.fake.calls + (fixture.fake.calls - before) - 1;
    fixture.fake.failure = CUDNN_STATUS_EXECUTION_FAILED;
    BOOST_CHECK_THROW(fixture.graphs->run(one.task, false), DeviceFailure);
    fixture.graphs.reset();
    BOOST_TEST(fixture.fake.alive() == 0);
}

// ---- the real library, for a GPU that is described to it ----

namespace {

// What cuDNN 9.8 and later write of an H100; with it they make plans on a machine that has none.
const char* const kH100 =
    R"({"deviceVer":900,"driverVer":13000,"cudaDeviceId":0,"maxGridSize":[2147483647,65535,65535],)"
    R"("maxBlockSize":[1024,1024,64],"regsPerBlock":65536,"multiProcessorCount":132,"warpSize":32,)"
    R"("maxSharedMemoryPerBlock":49152,"maxSharedMemoryPerBlockOptin":232448,"reservedSharedMemoryPerBlock":1024,)"
    R"("maxRegistersPerSM":65536,"maxCtasPerSM":32,"maxThreadsPerBlock":1024,"maxThreadsPerSM":2048,)"
    R"("pciDeviceId":9008,"isTccDriver":0,"supportCoopLaunch":1,"smClockRateKHz":1980000,)"
    R"("memClockRateKHz":2619000,"l2CacheSize":52428800,"totalGlobalMem":85029158912,)"
    R"("deviceName":"NVIDIA H100 80GB HBM3"})";

// Null where the library is not there, is too old or does not take the description.
class DescribedDevice {
public:
    DescribedDevice() {
        const cuda::CudnnLibrary* library = cuda::cudnnLibrary();
        if (!library || library->cudnnGetVersion() < 90800) return;
        const auto type = cudnnBackendDescriptorType_t(38);       // CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR
        const auto text = cudnnBackendAttributeName_t(2702);      // CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION
        const auto characters = cudnnBackendAttributeType_t(24);  // CUDNN_TYPE_CHAR
        if (library->cudnnBackendCreateDescriptor(type, &target.description) != CUDNN_STATUS_SUCCESS) return;
        usable = library->cudnnBackendSetAttribute(target.description, text, characters, int64_t(std::strlen(kH100)),
                                                   kH100) == CUDNN_STATUS_SUCCESS &&
                 library->cudnnBackendFinalize(target.description) == CUDNN_STATUS_SUCCESS;
    }
    ~DescribedDevice() {
        if (target.description) cuda::cudnnLibrary()->cudnnBackendDestroyDescriptor(target.description);
    }
    cuda::CudnnTarget target;
    bool usable = false;
};

}  // namespace

BOOST_AUTO_TEST_CASE(cudnn_has_a_plan_for_every_convolution_of_the_shipped_networks) {
    const DescribedDevice device;
    if (!device.usable) {
        BOOST_TEST_MESSAGE("skipped: no cuDNN 9.8 or later here");
        return;
    }
    cuda::CudnnGraphs graphs(*cuda::cudnnLibrary(), device.target, false, [](size_t) { return nullptr; });
    for (const char* name : {"resnet18", "resnet18_cifar", "resnet34", "convnet3"}) {
        const Architecture architecture =
            loadArchitecture(std::string(HYPERPRED_DATA_DIR) + "/architectures/" + name + ".json");
        for (const cuda::Step& step : cuda::makePlan(architecture).steps) {
            if (step.op != Op::Conv) continue;
            const Node& node = architecture.nodes[size_t(step.node)];
            cuda::ConvolutionTask task;
            task.half = true;
            task.images = cuda::chunkImages(architecture, size_t(512) << 20, sizeof(Half));
            task.from = step.from;
            task.to = step.to;
            task.edge = node.kernel;
            task.stride = node.stride;
            task.pad = node.pad;
            const std::string plan = graphs.plan(task, false);
            BOOST_TEST_CONTEXT(name << ", " << node.name << ": " << plan) {
                BOOST_TEST(plan.find("engine") == 0);
            }
        }
    }
    BOOST_TEST_MESSAGE(graphs.plans(false) << " plans");
}
