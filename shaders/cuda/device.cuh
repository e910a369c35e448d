// What kernels need of the device: on a GPU it is PTX, in tests an emulated one (tests/fakecuda/device.h).
#pragma once

#include "number.cuh"

#ifdef __CUDACC__
#include "ptx.cuh"
#else
#include "device.h"
#endif

// Before a loop over registers, on one line with it.
#define UNROLL _Pragma("unroll")
// Before a loop whose turns need not wait for each other's loads, and of which there may be many.
#define FOUR_TIMES _Pragma("unroll 4")
// Before a loop whose body is too long to be repeated.
#define ROLLED _Pragma("unroll 1")
