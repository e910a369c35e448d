// The driver: what it refuses, what waits for what, graphs, and the scenes. Errors are those of cuda.h.
#include <cmath>
#include <cstdlib>

#include "cases.h"

namespace {

enum { INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_IMAGE = 200, UNSUPPORTED_PTX_VERSION = 222 };
enum { ILLEGAL_ADDRESS = 700, CAPTURE_UNSUPPORTED = 900, CAPTURE_INVALIDATED = 901, INVALID_CLUSTER_SIZE = 912 };
constexpr unsigned NON_BLOCKING = 1;
constexpr int THREAD_LOCAL_CAPTURE = 1;

void result_case(const char* name, int got, int wanted) {
    report(std::string("driver: ") + name, got == wanted ? "" : "error " + std::to_string(got));
}

// y = 2 x, of 64 numbers.
MapArgs doubling(const Buffer& x, const Buffer& y) {
    auto view = [](const Buffer& buffer) { return View{buffer.pointer(), 64, 64, 64, 1, 1, 1, 64, F32, 0}; };
    MapArgs args = {view(x), view(y), {}};
    args.posts.count = 1;
    args.posts.list[0].what = AFFINE;
    args.posts.list[0].a = 2;
    return args;
}

int ask_map(MapArgs args, void* stream, unsigned threads = 256, unsigned shared = 0, unsigned grid_y = 1) {
    // Found once: a lost device finds nothing.
    static void* const function = find_kernel("map_bf16");
    void* arguments[] = {&args};
    return cuLaunchKernel(function, 1, grid_y, 1, threads, 1, 1, shared, stream, arguments, nullptr);
}

// In clusters of so many blocks along the third axis and the first.
int ask_in_clusters(MapArgs args, void* stream, unsigned grid_z, unsigned cluster, unsigned cluster_x = 1) {
    static void* const function = find_kernel("map_bf16");
    void* arguments[] = {&args};
    const LaunchAttribute clusters = {4, {}, {{cluster_x, 1, cluster}}};
    const LaunchConfig config = {{2, 1, grid_z}, {256, 1, 1}, 0, stream, &clusters, 1};
    return cuLaunchKernelEx(&config, function, arguments, nullptr);
}

int room(unsigned cluster) {
    const LaunchAttribute clusters = {4, {}, {{1, 1, cluster}}};
    const LaunchConfig config = {{1, 1, cluster}, {256, 1, 1}, 0, nullptr, &clusters, 1};
    int found = -1;
    expect(cuOccupancyMaxActiveClusters(&found, find_kernel("map_bf16"), &config), "room for clusters");
    return found;
}

// Starts anew under some variable, does something, and goes back.
template <typename Do>
int in_scene(const char* name, const char* value, const Do& what) {
    expect(cuDevicePrimaryCtxRelease_v2(0), "leaving");
    const char* set = std::getenv(name);
    const std::string before = set ? set : "";
    setenv(name, value, 1);
    int got = cuInit(0);
    void* context = nullptr;
    if (!got) got = cuDevicePrimaryCtxRetain(&context, 0);
    if (!got) got = what();
    if (context) cuDevicePrimaryCtxRelease_v2(0);
    setenv(name, before.c_str(), 1);  // nothing is as if it were not set
    expect(cuInit(0), "coming back");
    expect(cuDevicePrimaryCtxRetain(&context, 0), "coming back");
    return got;
}

void launches(const MapArgs& args) {
    result_case("more threads than a kernel has been compiled for", ask_map(args, nullptr, 512), INVALID_VALUE);
    result_case("no threads", ask_map(args, nullptr, 0), INVALID_VALUE);
    result_case("more shared memory than was asked for", ask_map(args, nullptr, 256, 50000), INVALID_VALUE);
    result_case("a grid that is too high", ask_map(args, nullptr, 256, 0, 65536), INVALID_VALUE);
    result_case("more shared memory than there is", cuFuncSetAttribute(find_kernel("map_bf16"), 8, 102400),
                INVALID_VALUE);
}

void clusters(const MapArgs& args) {
    result_case("clusters", ask_in_clusters(args, nullptr, 6, 3), 0);
    result_case("a grid that is no clusters", ask_in_clusters(args, nullptr, 6, 4), INVALID_CLUSTER_SIZE);
    result_case("clusters that are too large", ask_in_clusters(args, nullptr, 9, 9), INVALID_CLUSTER_SIZE);
    result_case("clusters along two axes", ask_in_clusters(args, nullptr, 4, 2, 2), 0);
    result_case("a grid that is no clusters along another axis", ask_in_clusters(args, nullptr, 2, 1, 4), INVALID_CLUSTER_SIZE);
    result_case("room for clusters", room(8), 1);
    result_case("no room for clusters", room(9), 0);
    result_case("a GPU that has none", in_scene("FAKECUDA_CC", "80", [&] {
        return ask_in_clusters(args, nullptr, 2, 2);
    }), INVALID_CLUSTER_SIZE);
    expect(cuCtxSynchronize(), "waiting");
}

void waiting(const Buffer& x, const Buffer& y) {
    void* stream = nullptr;
    expect(cuStreamCreate(&stream, NON_BLOCKING), "a stream");
    void* memory = nullptr;
    expect(cuMemHostAlloc(&memory, 256, 0), "pinned memory");
    auto* pinned = static_cast<float*>(memory);
    for (int i = 0; i < 64; i++) pinned[i] = float(i);
    expect(cuMemcpyHtoDAsync_v2(x.at, pinned, 256, stream), "a copy");
    expect(ask_map(doubling(x, y), stream), "a launch");
    pinned[3] = 50;  // too early: the copy has not been waited for
    expect(cuMemcpyDtoHAsync_v2(pinned, y.at, 256, stream), "a copy");
    const bool early = pinned[5] == 10;
    expect(cuStreamSynchronize(stream), "waiting");
    report("driver: nothing is done before it is waited for",
           !early && pinned[5] == 10 && pinned[3] == 100 ? "" : "it was");
    expect(cuMemFreeHost(memory), "pinned memory");
    expect(cuStreamDestroy_v2(stream), "a stream");
}

void capturing(const Buffer& x, const Buffer& y) {
    void *stream = nullptr, *graph = nullptr, *executable = nullptr;
    expect(cuStreamCreate(&stream, NON_BLOCKING), "a stream");
    expect(cuStreamBeginCapture_v2(stream, THREAD_LOCAL_CAPTURE), "a capture");
    expect(ask_in_clusters(doubling(x, y), stream, 2, 2), "a launch");
    expect(cuStreamEndCapture(stream, &graph), "a capture");
    expect(cuGraphInstantiateWithFlags(&executable, graph, 0), "a graph");
    for (float start : {1.0f, 3.0f}) {
        std::vector<float> values(64, start);
        expect(cuMemcpyHtoDAsync_v2(x.at, values.data(), 256, stream), "a copy");
        values.assign(64, NAN);  // ordinary memory is read at once
        expect(cuGraphLaunch(executable, stream), "a graph");
        expect(cuStreamSynchronize(stream), "waiting");
        report("driver: a graph runs again", download<float>(y)[63] == 2 * start ? "" : "not right");
    }
    expect(cuStreamBeginCapture_v2(stream, THREAD_LOCAL_CAPTURE), "a capture");
    uint64_t at = 0;
    result_case("an allocation in a capture", cuMemAlloc_v2(&at, 16), CAPTURE_UNSUPPORTED);
    result_case("waiting in a capture", cuStreamSynchronize(stream), CAPTURE_UNSUPPORTED);
    result_case("the end of a broken capture", cuStreamEndCapture(stream, &graph), CAPTURE_INVALIDATED);
    expect(cuGraphExecDestroy(executable), "a graph");
    expect(cuStreamDestroy_v2(stream), "a stream");
}

// Milliseconds of some launches, by the device's clock.
float timed(const MapArgs& args, int launches) {
    void* events[2];
    for (void*& event : events) expect(cuEventCreate(&event, 0), "an event");
    expect(cuEventRecord(events[0], nullptr), "an event");
    for (int i = 0; i < launches; i++) expect(ask_map(args, nullptr), "a launch");
    expect(cuEventRecord(events[1], nullptr), "an event");
    expect(cuCtxSynchronize(), "waiting");
    float ms = 0;
    expect(cuEventElapsedTime(&ms, events[0], events[1]), "the time between events");
    for (void* event : events) expect(cuEventDestroy_v2(event), "an event");
    return ms;
}

void timing(const MapArgs& args) {
    const float one = timed(args, 1), three = timed(args, 3);
    report("driver: time passes with launches", one > 0 && std::fabs(three / one - 3) < 0.01f ? "" : "another time");
    float slow = 0;
    in_scene("FAKECUDA_SLOW", "copy:3,map_:10", [&] {
        slow = timed(args, 1);
        return 0;
    });
    report("driver: a slow kernel", std::fabs(slow / one - 10) < 0.01f ? "" : "another time");
}

void scenes(const MapArgs& args) {
    uint64_t at = 0;
    result_case("no device", in_scene("FAKECUDA_DEVICES", "0", [] { return 0; }), NO_DEVICE);
    result_case("two devices", in_scene("FAKECUDA_DEVICES", "2", [] {
        int count = 0;
        cuDeviceGetCount(&count);
        return count;
    }), 2);
    result_case("an old driver", in_scene("FAKECUDA_DRIVER", "10020", [] {
        void* module = nullptr;
        return cuModuleLoadData(&module, module_texts()[0].c_str());
    }), UNSUPPORTED_PTX_VERSION);
    result_case("a full device", in_scene("FAKECUDA_MEMORY", "1000", [&] { return cuMemAlloc_v2(&at, 1001); }),
                OUT_OF_MEMORY);
    result_case("the second allocation fails", in_scene("FAKECUDA_FAIL_ALLOC", "2", [&] {
        expect(cuMemAlloc_v2(&at, 16), "the first");
        expect(cuMemFree_v2(at), "the first");
        return cuMemAlloc_v2(&at, 16);
    }), OUT_OF_MEMORY);
#ifndef __SANITIZE_ADDRESS__
    // With AddressSanitizer the program would end here.
    result_case("a kernel that writes too far", in_scene("FAKECUDA_SEED", "3", [&] {
        uint64_t small = 0;
        expect(cuMemAlloc_v2(&small, 252), "an allocation");
        MapArgs wide = args;
        wide.out.base = reinterpret_cast<void*>(small);
        expect(ask_map(wide, nullptr), "a launch");
        int got = cuCtxSynchronize();
        cuMemFree_v2(small);
        return got;
    }), ILLEGAL_ADDRESS);
#endif
    result_case("a lost device", in_scene("FAKECUDA_LOST", "2", [&] {
        expect(ask_map(args, nullptr), "the first launch");
        expect(cuCtxSynchronize(), "the first launch");
        expect(ask_map(args, nullptr), "asking for the second");
        int got = cuCtxSynchronize();
        return ask_map(args, nullptr) == got ? got : -1;
    }), ILLEGAL_ADDRESS);
}

void modules() {
    void* module = nullptr;
    result_case("a kernel that nobody knows",
                cuModuleLoadData(&module, ".version 7.0\n.target sm_80\n.visible .entry nobody(\n)\n{\n}"),
                INVALID_IMAGE);
    result_case("arguments of another size",
                cuModuleLoadData(&module, ".version 7.0\n.target sm_80\n.visible .entry map_bf16(\n"
                                          ".param .align 8 .b8 map_bf16_param_0[8]\n)\n{\n}"),
                INVALID_IMAGE);
}

}  // namespace

void driver_cases() {
    Buffer x(256), y(256);
    const MapArgs args = doubling(x, y);
    launches(args);
    clusters(args);
    waiting(x, y);
    capturing(x, y);
    timing(args);
    modules();
    float number = 0;
    result_case("a copy beyond an allocation", cuMemcpyHtoD_v2(x.at + 253, &number, 4), INVALID_VALUE);
    scenes(args);
}
