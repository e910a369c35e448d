// Kernels with faults: the machine must name each. They run on a copy of block.cpp that knows no driver.
#include "bulk.cuh"
#include "cases.h"
#include "hopper.h"
#include "tensor_map.h"

namespace {


void missing_barrier(const void*) {
    if (threadIdx.x != 40) __syncthreads();
}

void two_barriers(const void*) {
    if (threadIdx.x < 32) {
        __syncthreads();
    } else {
        __syncthreads();
    }
}

void barrier_against_shuffle(const void*) {
    if (threadIdx.x % 32 == 3) __syncthreads();
    __shfl_xor_sync(0xffffffff, 1, 1);
}

void returned_lane(const void*) {
    if (threadIdx.x == 7) return;
    __syncwarp();
}

void some_lanes(const void*) { __shfl_xor_sync(0xffff, 1, 1); }

void outside_shared(const void*) { copy_async(dynamic_shared() + 1024, dynamic_shared(), false); }

void odd_shared(const void*) { copy_async(dynamic_shared() + 8, dynamic_shared(), false); }

void odd_global(const void* memory) { copy_async(dynamic_shared(), static_cast<const char*>(memory) + 8, true); }

alignas(16) const char numbers[32] = {};

// Shared memory and a copy that was not waited for must read as NaN.
void fresh_memory(const void* wrong) {
    unsigned char* memory = dynamic_shared() + 16 * threadIdx.x;
    auto& count = *static_cast<int*>(const_cast<void*>(wrong));
    if (memory[5] != 0xff) count++;
    copy_async(memory, numbers, true);
    copies_commit();
    if (memory[5] != 0xff) count++;
    copy_async(memory, numbers, true);
    copies_commit();
    copies_wait<0>();
    if (memory[5] != 0) count++;
}

// Whether a thread sees what another has written depends on the barrier between them alone.
void order(const void* sums) {
    auto* memory = reinterpret_cast<int*>(dynamic_shared());
    memory[threadIdx.x] = int(threadIdx.x);
    __syncthreads();
    static_cast<int*>(const_cast<void*>(sums))[threadIdx.x] = memory[threadIdx.x ^ 63];
}

// What a thread finds in the first block of its cluster.
float look() {
    float found[1];
    load_remote(found, map_to_block(dynamic_shared(), 0), 0);
    return found[0];
}

void meet() {
    cluster_arrive();
    cluster_wait();
}

void not_met(const void*) { look(); }

void not_left(const void*) {
    meet();
    look();
}

void not_waited_for(const void*) {
    meet();
    cluster_arrive();
    look();
    cluster_wait();
}

void came_twice(const void*) {
    cluster_arrive();
    cluster_arrive();
}

void never_came(const void*) { cluster_wait(); }

void some_come(const void*) {
    if (blockIdx.z == 0 || threadIdx.x != 40) meet();
}

void one_block_too_far(const void*) {
    meet();
    float found[1];
    load_remote(found, map_to_block(dynamic_shared(), 2), 0);
}

// What each block finds of both.
void exchange(const void* found) {
    auto* own = reinterpret_cast<float*>(dynamic_shared());
    own[threadIdx.x] = float(64 * blockIdx.z + threadIdx.x);
    meet();
    float theirs[1];
    load_remote(theirs, map_to_block(own, 1 - int(blockIdx.z)), int(threadIdx.x ^ 63));
    static_cast<int*>(const_cast<void*>(found))[64 * blockIdx.z + threadIdx.x] = int(theirs[0]);
    meet();
}

// A barrier of the block, for so many.
Barrier& barrier(int arrivals) {
    auto& own = *reinterpret_cast<Barrier*>(dynamic_shared());
    if (threadIdx.x == 0) barrier_init(own, arrivals);
    return own;
}

void not_begun(const void*) { barrier_wait(*reinterpret_cast<Barrier*>(dynamic_shared()), 0); }

void not_shown(const void*) { barrier_arrive(barrier(64), 0); }

void nobody_came(const void*) {
    Barrier& own = barrier(1);
    fence_barrier_init();
    __syncthreads();
    barrier_wait(own, 0);
}

void bytes_that_never_come(const void*) {
    Barrier& own = barrier(1);
    fence_barrier_init();
    __syncthreads();
    if (threadIdx.x == 0) barrier_arrive_expect(own, 128);
    barrier_wait(own, 0);
}

// Two phases, for the first of which everybody comes.
void phases(const void*) {
    Barrier& own = barrier(64);
    fence_barrier_init();
    __syncthreads();
    barrier_wait(own, 1);
    barrier_arrive(own, 0);
    barrier_wait(own, 0);
}

void no_tensor(const void*) {
    Barrier& own = barrier(1);
    fence_barrier_init();
    __syncthreads();
    if (threadIdx.x == 0) copy_tensor(dynamic_shared(), TensorMap{}, 0, 0, 0, 0, own);
}

// A box that is not waited for: 8 rows of 64 numbers.
void box_left_behind(const void* map) {
    auto& own = *reinterpret_cast<Barrier*>(dynamic_shared() + 1024);
    if (threadIdx.x > 0) return;
    barrier_init(own, 1);
    fence_barrier_init();
    barrier_arrive_expect(own, 1024);
    copy_tensor(dynamic_shared(), *static_cast<const TensorMap*>(map), 0, 0, 0, 0, own);
}

void follows_twice(const void*) {
    wait_for_launches_before();
    wait_for_launches_before();
}

void some_follow(const void*) {
    if (threadIdx.x != 40) wait_for_launches_before();
}

void never_follows(const void*) {}

void fault_case(const char* name, void (*kernel)(const void*), const void* args, const char* wanted,
                unsigned cluster = 1, unsigned shared = 1024) {
    fake::Counts counts;
    const std::string got = fake::run({name, kernel, args, {2, 1, cluster}, {64, 1, 1}, shared, {1, 1, cluster}}, 5, counts);
    const bool good = *wanted ? got.find(wanted) != std::string::npos : got.empty();
    report(std::string("fault: ") + name, good ? "" : "says: " + got);
}

}  // namespace

void fault_cases() {
    fault_case("missing_barrier", missing_barrier, nullptr, "for thread (40, 0, 0), which has returned");
    fault_case("two_barriers", two_barriers, nullptr, "waits at __syncthreads (faults.cpp:");
    fault_case("barrier_against_shuffle", barrier_against_shuffle, nullptr, "waits at");
    fault_case("returned_lane", returned_lane, nullptr, "for thread (7, 0, 0), which has returned");
    fault_case("some_lanes", some_lanes, nullptr, "a shuffle of some lanes only");
    fault_case("outside_shared", outside_shared, nullptr, "an address outside shared memory: 1024 of 1024");
    fault_case("odd_shared", odd_shared, nullptr, "an address that is no multiple of its size");
    fault_case("odd_global", odd_global, numbers, "an address that is no multiple of 16");
    int wrong = 0, sums[64];
    fault_case("fresh_memory", fresh_memory, &wrong, "");
    report("fault: fresh memory is NaN", wrong ? std::to_string(wrong) + " times it was not" : "");
    fault_case("order", order, sums, "");
    for (int i = 0; i < 64; i++) {
        if (sums[i] != (i ^ 63)) wrong++;
    }
    report("fault: a barrier orders", wrong ? "it did not" : "");
    fault_case("not_met", not_met, nullptr, "a block that it has not met", 2);
    fault_case("not_left", not_left, nullptr, "a block", 2);
    fault_case("not_waited_for", not_waited_for, nullptr, "ended without meeting those who read", 2);
    fault_case("came_twice", came_twice, nullptr, "has come to its cluster and not left it", 2);
    fault_case("never_came", never_came, nullptr, "has not come to its cluster", 2);
    fault_case("some_come", some_come, nullptr, "for thread (40, 0, 0), which has returned", 2);
    fault_case("one_block_too_far", one_block_too_far, nullptr, "a block that is not of the cluster", 2);
    int found[128];
    fault_case("exchange", exchange, found, "", 2);
    for (int i = 0; i < 128; i++) {
        if (found[i] != (i ^ 127)) wrong++;
    }
    report("fault: blocks of a cluster read each other", wrong ? "they did not" : "");
    fault_case("not_begun", not_begun, nullptr, "a barrier that has not begun");
    fault_case("not_shown", not_shown, nullptr, "a barrier that");  // has not begun, or was not shown
    fault_case("nobody_came", nobody_came, nullptr, "waits at barrier_wait");
    fault_case("bytes_that_never_come", bytes_that_never_come, nullptr, "waits at barrier_wait");
    fault_case("phases", phases, nullptr, "");
    fault_case("no_tensor", no_tensor, nullptr, "no tensor");
    const unsigned short numbers_of_box[512] = {};
    const fake::Tensor4 tensor = {fake::Tensor4::MAGIC, reinterpret_cast<uint64_t>(numbers_of_box), {64, 8, 1, 1},
                                  {2, 128, 1024, 1024}, {64, 8, 1, 1}, {1, 1, 1, 1}};
    TensorMap map;
    std::memcpy(&map, &tensor, sizeof tensor);
    fault_case("follows_twice", follows_twice, nullptr, "has waited for the launches before already");
    fault_case("some_follow", some_follow, nullptr, "for thread (40, 0, 0), which has returned");
    fake::on_device_close = [](bool) {};
    fault_case("never_follows", never_follows, nullptr, "has not waited for the launches before");
    fake::on_device_close = nullptr;
    fault_case("box_left_behind", box_left_behind, &map, "ended before all that it had copied was there", 1, 2048);
}
