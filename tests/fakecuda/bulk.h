// A twin of each function of shaders/cuda/bulk.cuh. Copies are done at some time before somebody needs them; until then there is
// NaN.
#pragma once

#include "device.h"

namespace fake {

void begin_barrier(const Site& site, void* barrier, int arrivals);
void show_barriers();
// Comes to the barrier at this place of a block, of the cluster's if it is not -1, and expects so many bytes.
void come_to_barrier(const Site& site, void* barrier, int block, int bytes);
// No launch writes this tensor.
void may_copy_early(const TensorMap& map);
void wait_at_barrier(const Site& site, void* barrier, unsigned parity);
void copy_tensor(const Site& site, void* to, const TensorMap& map, const int (&first)[4], void* barrier, unsigned blocks);

}  // namespace fake

inline void barrier_init(Barrier& barrier, int arrivals, FAKE_SITE) {
    fake::begin_barrier({file, line}, &barrier, arrivals);
}
inline void fence_barrier_init() { fake::show_barriers(); }
inline void barrier_arrive_expect(Barrier& barrier, int bytes, FAKE_SITE) {
    fake::come_to_barrier({file, line}, &barrier, fake::cluster_rank(), bytes);
}
inline void barrier_arrive(Barrier& barrier, int block, FAKE_SITE) {
    fake::come_to_barrier({file, line}, &barrier, block, 0);
}
inline void barrier_wait(Barrier& barrier, unsigned parity, FAKE_SITE) {
    fake::wait_at_barrier({file, line}, &barrier, parity);
}
inline void prefetch_tensor_map(const TensorMap&) {}
inline void prefetch_constant_tensor_map(const TensorMap& map) { fake::may_copy_early(map); }

inline void copy_tensor(void* to, const TensorMap& map, int a, int b, int c, int d, Barrier& barrier, FAKE_SITE) {
    fake::copy_tensor({file, line}, to, map, {a, b, c, d}, &barrier, 1u << fake::cluster_rank());
}
inline void copy_tensor(void* to, const TensorMap& map, int a, int b, int c, int d, Barrier& barrier, unsigned blocks,
                        FAKE_SITE) {
    fake::copy_tensor({file, line}, to, map, {a, b, c, d}, &barrier, blocks);
}
