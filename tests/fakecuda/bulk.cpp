// Barriers in shared memory, and copies of boxes of tensors that run beside the threads of a cluster.
#include "bulk.cuh"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "tensor_map.h"

namespace fake {

namespace {

struct State {
    int arrivals, pending;
    long long bytes;  // that are expected and have not come; fewer than none if they came first
    unsigned phase;
    bool shown;
};

// A box on its way to one block.
struct Box {
    Tensor4 tensor;
    int first[4];
    unsigned char* to;  // in the block's shared memory
    void* barrier;      // there
    Site site;
};

// By their places.
std::map<void*, State> barriers;
std::vector<Box> boxes;
unsigned turn;
// Where tensors begin that may be copied before launches before have ended.
std::vector<uint64_t> constants;

State& find(const Site& site, void* barrier) {
    auto found = barriers.find(barrier);
    if (found == barriers.end()) fail(site, "a barrier that has not begun");
    return found->second;
}

void end_phase(void* barrier, State& state) {
    if (state.pending || state.bytes) return;
    state.pending = state.arrivals;
    state.phase++;
    wake(barrier);
}

// Where something of this block would be in another one, which must know of it.
void* there(const Site& site, void* own, int block, size_t size) {
    if (block == cluster_rank()) return own;
    return const_cast<void*>(of_other_block(site, own, block, size));
}

// Bytes of a row of a box, which is a row in shared memory, too.
constexpr size_t ROW = 128;

void do_copy(const Box& box) {
    const Tensor4& tensor = box.tensor;
    const bool closed = device_is_closed();  // to others
    if (closed) close_device(false);
    size_t row = 0;
    for (unsigned d = 0; d < tensor.box[3]; d++) {
        for (unsigned c = 0; c < tensor.box[2]; c++) {
            for (unsigned b = 0; b < tensor.box[1]; b++, row++) {
                const int64_t at[] = {int64_t(box.first[1]) + b * tensor.step[1], int64_t(box.first[2]) + c * tensor.step[2],
                                      int64_t(box.first[3]) + d * tensor.step[3]};
                bool inside = true;
                uint64_t from = tensor.base;
                for (int i = 0; i < 3; i++) {
                    inside &= at[i] >= 0 && at[i] < int64_t(tensor.extent[i + 1]);
                    from += uint64_t(at[i]) * tensor.stride[i + 1];
                }
                for (unsigned a = 0; a < tensor.box[0]; a++) {
                    const int64_t x = int64_t(box.first[0]) + a;
                    unsigned short number = 0;
                    if (inside && x >= 0 && x < int64_t(tensor.extent[0])) {
                        if (on_device_check && !on_device_check(from + 2 * uint64_t(x), 2)) {
                            fail(box.site, "an address outside device memory");
                        }
                        std::memcpy(&number, reinterpret_cast<const void*>(from + 2 * uint64_t(x)), 2);
                    }
                    const size_t place = row * ROW + 2 * a;
                    std::memcpy(box.to + (place ^ (place >> 7 & 7) << 4), &number, 2);
                }
            }
        }
    }
    if (closed) close_device(true);
    State& state = find(box.site, box.barrier);
    state.bytes -= (long long)(row * ROW);
    end_phase(box.barrier, state);
}

}  // namespace

void begin_barrier(const Site& site, void* barrier, int arrivals) {
    check_shared(site, barrier, 8);
    if (arrivals < 1) fail(site, "a barrier for nobody");
    barriers[barrier] = {arrivals, arrivals, 0, 0, false};
}

void show_barriers() {
    for (auto& [place, state] : barriers) state.shown = true;
}

void come_to_barrier(const Site& site, void* barrier, int block, int bytes) {
    void* const place = there(site, barrier, block, 8);
    State& state = find(site, place);
    if (!state.shown) fail(site, "a barrier that was not shown");
    if (!state.pending) fail(site, "more have come to a barrier than it is for");
    state.bytes += bytes;
    state.pending--;
    end_phase(place, state);
}

void may_copy_early(const TensorMap& map) {
    Tensor4 tensor;
    std::memcpy(&tensor, &map, sizeof tensor);
    constants.push_back(tensor.base);
}

void wait_at_barrier(const Site& site, void* barrier, unsigned parity) {
    // Copies come at all times.
    if (++turn % 3 == 0) bulk_copy_one();
    for (;;) {
        State& state = find(site, barrier);
        if ((state.phase & 1) != (parity & 1)) return;
        sleep(Meeting::BARRIER, site, barrier);
    }
}

void copy_tensor(const Site& site, void* to, const TensorMap& map, const int (&first)[4], void* barrier, unsigned blocks) {
    Box box = {{}, {first[0], first[1], first[2], first[3]}, nullptr, nullptr, site};
    std::memcpy(&box.tensor, &map, sizeof box.tensor);
    const Tensor4& tensor = box.tensor;
    if (tensor.magic != Tensor4::MAGIC) fail(site, "no tensor");
    const bool early = device_is_known() && !current->followed;
    if (early && std::find(constants.begin(), constants.end(), tensor.base) == constants.end()) {
        fail(site, "a tensor that launches before may still write");
    }
    if (tensor.box[0] * 2 != ROW) fail(site, "rows that are shorter than those in shared memory");
    const size_t rows = size_t(tensor.box[1]) * tensor.box[2] * tensor.box[3];
    if (reinterpret_cast<uintptr_t>(to) % 1024) fail(site, "an address that is no multiple of 1024");
    check_shared(site, static_cast<unsigned char*>(to) + (rows - 1) * ROW, ROW);
    if (!blocks || blocks >> cluster_blocks()) fail(site, "blocks that are not of the cluster");
    for (int block = 0; block < cluster_blocks(); block++) {
        if (!(blocks >> block & 1)) continue;
        box.to = static_cast<unsigned char*>(there(site, to, block, ROW));
        box.barrier = there(site, barrier, block, 8);
        std::memset(box.to, 0xff, rows * ROW);
        boxes.push_back(box);
    }
}

void bulk_begin() {
    barriers.clear();
    boxes.clear();
    constants.clear();
}

bool bulk_copy_one() {
    if (boxes.empty()) return false;
    // Not in the order in which they were begun.
    const size_t i = turn++ % boxes.size();
    const Box box = boxes[i];
    boxes.erase(boxes.begin() + long(i));
    do_copy(box);
    return true;
}

const char* bulk_end() {
    if (!boxes.empty()) return "it ended before all that it had copied was there";
    const bool all = std::all_of(barriers.begin(), barriers.end(), [](const auto& own) { return own.second.bytes == 0; });
    return all ? nullptr : "it ended while a barrier still expected bytes";
}

}  // namespace fake
