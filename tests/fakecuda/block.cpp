#include "block.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>

namespace fake {

Thread* current;
Index block_size, grid_size;
bool (*on_device_check)(uint64_t at, size_t size);
void (*on_device_close)(bool closed);

namespace {

// Kernels keep little on their stacks, but AddressSanitizer surrounds each variable with room.
#ifdef FAKECUDA_ASAN
constexpr size_t STACK = 512 << 10;
#else
constexpr size_t STACK = 64 << 10;
#endif
constexpr size_t SHARED = 228 << 10;  // as much as any GPU has
constexpr int MOST_THREADS = 1024, MOST_BLOCKS = 8;

Fiber scheduler;
// Of a cluster, block after block.
std::vector<Block> blocks;
std::vector<Thread> threads;
std::vector<Warp> warps;
const Launch* launch;
std::string failure;
uint64_t random_state;
size_t cluster_came;  // threads, to the meeting that is next
int cluster_met;      // meetings to which all have come
size_t following;     // threads that have come to wait for the launches before
bool device_closed;
std::string early;    // what touched device memory before
Counts* counted;

unsigned random_below(unsigned limit) {
    random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    return unsigned((random_state >> 33) % limit);
}

std::string words(const Index& index) {
    return "(" + std::to_string(index.x) + ", " + std::to_string(index.y) + ", " + std::to_string(index.z) + ")";
}

std::string words(const Site& site) {
    const char* name = std::strrchr(site.file, '/');
    return std::string(name ? name + 1 : site.file) + ":" + std::to_string(site.line);
}

const char* words(Meeting meeting) {
    switch (meeting) {
        case Meeting::LAUNCHES: return "wait_for_launches_before";
        case Meeting::BLOCK: return "__syncthreads";
        case Meeting::CLUSTER: return "cluster_wait";
        case Meeting::BARRIER: return "barrier_wait";
        case Meeting::WARP: return "__syncwarp";
        case Meeting::SHUFFLE: return "a shuffle";
        case Meeting::VOTE: return "a vote";
        case Meeting::LOAD_MATRICES: return "load_matrices";
        case Meeting::MULTIPLY: return "multiply_add";
        default: return "nothing";
    }
}

std::string where(const Thread& thread) {
    return std::string(launch->name) + ", block " + words(thread.block->index) + ", thread " + words(thread.index);
}

// With a message in `failure`. Whoever calls must own nothing: his stack is never unwound.
[[noreturn]] void give_up() {
    fiber_switch(current->fiber, scheduler);
    std::abort();  // nobody goes on with a thread of a block that failed
}

// A thread waits in vain: for whom?
std::string vain(const Thread* waiting) {
    const Thread* other = nullptr;
    for (const Thread& thread : threads) {
        bool shared = waiting->meeting == Meeting::CLUSTER || waiting->meeting == Meeting::BARRIER ||
                      waiting->meeting == Meeting::LAUNCHES ||
                      (waiting->meeting == Meeting::BLOCK && thread.block == waiting->block) || thread.warp == waiting->warp;
        bool same = thread.meeting == waiting->meeting && thread.site.line == waiting->site.line;
        if (shared && (thread.done || !same) && !other) other = &thread;
    }
    std::string what = where(*waiting) + " waits at " + words(waiting->meeting) + " (" + words(waiting->site) + ")";
    if (other && other->done) what += " for thread " + words(other->index) + ", which has returned";
    if (other && !other->done) {
        what += " while thread " + words(other->index) + " waits at " + words(other->meeting) + " (" +
                words(other->site) + ")";
    }
    return what;
}

[[noreturn]] void give_up_waiting(const Thread* waiting) {
    failure = vain(waiting);
    give_up();
}

// A warp that can go on, or one that cannot if there is none.
Warp* any_warp() {
    unsigned first = random_below(unsigned(warps.size()));
    for (size_t i = 0; i < warps.size(); i++) {
        Warp* warp = &warps[(first + i) % warps.size()];
        if (warp->ready) return warp;
    }
    return &warps[first];
}

// Goes on with some lane of a warp that can.
void go_on(Warp* warp) {
    unsigned turn = random_below(32);
    uint32_t turned = turn ? warp->ready >> turn | warp->ready << (32 - turn) : warp->ready;
    Thread* self = current;
    current = warp->threads + (unsigned(__builtin_ctz(turned)) + turn) % 32;
    if (current != self) fiber_switch(self->fiber, current->fiber);
}

// Goes on with a thread that can: of this warp if there is one, since lanes of a warp meet most.
void yield() {
    Warp* warp = current->warp->ready ? current->warp : any_warp();
    if (!warp->ready) {
        auto waiting = std::find_if(threads.begin(), threads.end(), [](const Thread& thread) { return !thread.done; });
        // Maybe for what runs beside the threads.
        while (waiting != threads.end() && !warp->ready && bulk_copy_one()) warp = any_warp();
        if (warp->ready) return go_on(warp);
        if (waiting != threads.end()) give_up_waiting(&*waiting);
        fiber_switch(current->fiber, scheduler);
        return;
    }
    go_on(warp);
}

void entry() {
    fiber_begin();
    launch->run(launch->args);
    current->done = true;
    current->block->left++;
    current->warp->ready &= ~(1u << current->lane);
    yield();
    std::abort();
}

void* map_memory(size_t size) {
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    return memory;
}

// Stacks are kept for the next block: most of a small kernel's time would be fresh pages.
unsigned char* stack(int thread) {
    static auto* stacks = static_cast<unsigned char*>(map_memory(STACK * MOST_THREADS * MOST_BLOCKS));
    return stacks + STACK * size_t(thread);
}

// NaN in each format.
void prepare_shared(Block& block, unsigned dynamic) {
    if (!block.shared) block.shared = static_cast<unsigned char*>(map_memory(SHARED));
#ifdef FAKECUDA_ASAN
    __asan_unpoison_memory_region(block.shared, SHARED);
#endif
    std::memset(block.shared, 0xff, std::min(SHARED, std::max<size_t>(dynamic, block.shared_used)));
#ifdef FAKECUDA_ASAN
    __asan_poison_memory_region(block.shared + dynamic, SHARED - dynamic);
#endif
    block.shared_used = dynamic;
    block.statics.clear();
}

void prepare_thread(Block& block, unsigned i) {
    const Index& size = launch->block;
    Thread& thread = block.threads[i];
    Warp& warp = block.warps[i / 32];
    thread.index = {i % size.x, i / size.x % size.y, i / size.x / size.y};
    thread.block = &block;
    thread.warp = &warp;
    thread.lane = int(i % 32);
    thread.done = false;
    thread.meeting = Meeting::NONE;
    thread.copies.clear();
    thread.groups = 0;
    thread.shown = true;
    thread.products.clear();
    thread.product_groups = 0;
    thread.came = thread.went = 0;
    thread.followed = false;
    if (thread.lane == 0) warp.threads = &thread;
    warp.all |= 1u << thread.lane;
    warp.ready = warp.all;
    fiber_prepare(thread.fiber, stack(int(&thread - threads.data())), STACK, entry);
}

unsigned cluster_size() { return launch->cluster.x * launch->cluster.y * launch->cluster.z; }

// The blocks of a cluster, of which `first` is the first.
void prepare_cluster(const Index& first) {
    const unsigned count = launch->block.x * launch->block.y * launch->block.z, warps_each = (count + 31) / 32;
    if (blocks.empty()) blocks.resize(MOST_BLOCKS);
    const Index& size = launch->cluster;
    threads.resize(size_t(count) * cluster_size());
    warps.assign(size_t(warps_each) * cluster_size(), Warp{});
    for (unsigned rank = 0; rank < cluster_size(); rank++) {
        Block& block = blocks[rank];
        block.index = {first.x + rank % size.x, first.y + rank / size.x % size.y, first.z + rank / size.x / size.y};
        block.threads = &threads[size_t(rank) * count];
        block.warps = &warps[size_t(rank) * warps_each];
        block.warps_end = block.warps + warps_each;
        block.waiting = block.left = block.read_in = 0;
        prepare_shared(block, launch->dynamic_shared);
        for (unsigned i = 0; i < count; i++) prepare_thread(block, i);
    }
    cluster_came = 0;
    cluster_met = 0;
    following = 0;
    bulk_begin();
}

// Whoever's memory was read must meet the readers once more before it ends: else it may be gone while they read.
void check_ends() {
    for (const Thread& thread : threads) {
        if (!thread.block->read_in || thread.went > thread.block->read_in) continue;
        failure = where(thread) + " ended without meeting those who read its block's shared memory";
    }
    if (device_is_known() && following < threads.size()) failure = std::string(launch->name) + " has not waited for the launches before";
    if (!early.empty()) failure = early + " touched device memory before it had waited for the launches before";
    if (const char* what = bulk_end()) failure = std::string(launch->name) + ": " + what;
}

}  // namespace

void fail(const Site& site, const char* what) {
    failure = where(*current) + " (" + words(site) + "): " + what;
    give_up();
}

bool meet_warp(Meeting meeting, const Site& site, void* brings) {
    Warp& warp = *current->warp;
    current->meeting = meeting;
    current->site = site;
    current->brings = brings;
    warp.waiting |= 1u << current->lane;
    if (warp.waiting != warp.all) return false;
    for (int lane = 0; lane < 32; lane++) {
        if (!(warp.all >> lane & 1)) continue;
        const Thread& other = warp.threads[lane];
        if (other.meeting != meeting || other.site.line != site.line) give_up_waiting(current);
    }
    return true;
}

void met() {
    Warp& warp = *current->warp;
    warp.waiting = 0;
    warp.ready = warp.all;
    current->meeting = Meeting::NONE;
    // Now and then warps overtake each other, so that those are found that need a barrier between them.
    if (random_below(8) == 0) go_on(any_warp());
}

void wait_warp() {
    current->warp->ready &= ~(1u << current->lane);
    yield();
    current->meeting = Meeting::NONE;
}

void meet_block(const Site& site) {
    current->meeting = Meeting::BLOCK;
    current->site = site;
    current->warp->ready &= ~(1u << current->lane);
    Block& block = *current->block;
    const int count = int(block_size.x * block_size.y * block_size.z);
    if (++block.waiting == count) {
        for (int i = 0; i < count; i++) {
            if (block.threads[i].site.line != site.line) give_up_waiting(current);
        }
        block.waiting = 0;
        for (Warp* warp = block.warps; warp != block.warps_end; warp++) warp->ready = warp->all;
        go_on(any_warp());  // maybe another one is the first
    } else {
        yield();
    }
    current->meeting = Meeting::NONE;
}

bool device_is_known() { return on_device_close; }

bool device_is_closed() { return device_closed; }

void close_device(bool close) {
    if (!on_device_close || device_closed == close) return;
    device_closed = close;
    on_device_close(close);
}

void follow(const Site& site) {
    if (current->followed) fail(site, "it has waited for the launches before already");
    current->followed = true;
    if (++following < threads.size()) return sleep(Meeting::LAUNCHES, site, nullptr);
    close_device(false);
    for (Thread& thread : threads) {
        if (thread.meeting == Meeting::LAUNCHES) thread.warp->ready |= 1u << thread.lane;
    }
    go_on(any_warp());  // maybe another one is the first
}

void touched_early() {
    early = where(*current);
    close_device(false);
}

void come_to_cluster(const Site& site) {
    if (current->came != current->went) fail(site, "it has come to its cluster and not left it");
    current->came++;
    if (++cluster_came < threads.size()) return;
    cluster_came = 0;
    cluster_met++;
    for (Thread& thread : threads) {
        if (thread.meeting == Meeting::CLUSTER) thread.warp->ready |= 1u << thread.lane;
    }
}

void leave_cluster(const Site& site) {
    if (current->came == current->went) fail(site, "it has not come to its cluster");
    if (cluster_met < current->came) {
        current->meeting = Meeting::CLUSTER;
        current->site = site;
        current->warp->ready &= ~(1u << current->lane);
        yield();
        current->meeting = Meeting::NONE;
    }
    current->went++;
    go_on(any_warp());  // maybe another one is the first
}

const void* of_other_block(const Site& site, const void* own, int number, size_t size) {
    check_shared(site, own, size);
    if (number < 0 || number >= cluster_blocks()) fail(site, "a block that is not of the cluster");
    Block& block = blocks[size_t(number)];
    if (!current->went) fail(site, "shared memory of a block that it has not met");
    if (block.left) fail(site, "shared memory of a block that has ended");
    block.read_in = std::max(block.read_in, current->came);
    return block.shared + (static_cast<const unsigned char*>(own) - current->block->shared);
}

int cluster_rank() { return int(current->block - blocks.data()); }

int cluster_blocks() { return int(cluster_size()); }

void sleep(Meeting meeting, const Site& site, void* what) {
    current->meeting = meeting;
    current->site = site;
    current->brings = what;
    current->warp->ready &= ~(1u << current->lane);
    yield();
    current->meeting = Meeting::NONE;
}

void wake(const void* what) {
    for (Thread& thread : threads) {
        if (thread.meeting == Meeting::BARRIER && thread.brings == what) thread.warp->ready |= 1u << thread.lane;
    }
}

void* dynamic_shared_memory() { return current->block->shared; }

void* static_shared_memory(const void* key, size_t size, size_t align) {
    Block& block = *current->block;
    for (const Static& found : block.statics) {
        if (found.key == key) return found.place;
    }
    // A gap before each, so that AddressSanitizer sees who leaves his place.
    size_t start = (block.shared_used + 64 + align - 1) / align * align;
    if (start + size > SHARED) fail({"", 0}, "more shared memory than a GPU has");
    void* place = block.shared + start;
#ifdef FAKECUDA_ASAN
    __asan_unpoison_memory_region(place, size);
#endif
    std::memset(place, 0xff, size);
    block.shared_used = start + size;
    block.statics.push_back({key, place});
    return place;
}

void check_shared(const Site& site, const void* at, size_t size) {
    const Block& block = *current->block;
    auto* bytes = static_cast<const unsigned char*>(at);
    if (reinterpret_cast<uintptr_t>(at) % size) fail(site, "an address that is no multiple of its size");
    if (bytes < block.shared || bytes + size > block.shared + block.shared_used) {
        static char what[80];
        std::snprintf(what, sizeof what, "an address outside shared memory: %td of %zu", bytes - block.shared,
                      block.shared_used);
        fail(site, what);
    }
}

void count_matrix_phase(const void* const* rows) {
    // 16 bytes are four of the 32 banks.
    int most = 0, used[8] = {};
    for (int i = 0; i < 8; i++) most = std::max(most, ++used[reinterpret_cast<uintptr_t>(rows[i]) / 16 % 8]);
    counted->matrices++;
    counted->conflicts += most - 1;
}

std::string run(const Launch& what, uint64_t seed, Counts& counts) {
    launch = &what;
    scheduler = {};
    counted = &counts;
    failure.clear();
    early.clear();
    random_state = seed;
    block_size = what.block;
    grid_size = what.grid;
    // In clusters.
    const size_t across = what.grid.x / what.cluster.x, area = across * (what.grid.y / what.cluster.y);
    std::vector<uint32_t> order(area * (what.grid.z / what.cluster.z));
    std::iota(order.begin(), order.end(), 0);
    for (size_t i = order.size(); i > 1; i--) std::swap(order[i - 1], order[random_below(unsigned(i))]);
    // For the first cluster: closing it for each would take most of the time, and all do the same.
    close_device(true);
    for (uint32_t cluster : order) {
        prepare_cluster({unsigned(cluster % across) * what.cluster.x, unsigned(cluster % area / across) * what.cluster.y,
                         unsigned(cluster / area) * what.cluster.z});
        current = warps[random_below(unsigned(warps.size()))].threads;
        fiber_switch(scheduler, current->fiber);
        if (failure.empty()) check_ends();
        if (!failure.empty()) break;
    }
    close_device(false);
    return failure;
}

}  // namespace fake
