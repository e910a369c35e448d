// How long kernels take on the emulated GPU: a function of the launch alone, so that whoever measures finds the same again.
#pragma once

#include "block.h"

namespace fake {

// Milliseconds of a launch: some for starting it, some for each block that a multiprocessor does, some for what its
// tensor cores load; times what the scene says of kernels whose names begin so.
double duration_ms(const Launch& launch, const Counts& counts, int processors);

}  // namespace fake
