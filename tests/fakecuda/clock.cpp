#include "clock.h"

#include <cstdlib>
#include <sstream>

#include "scene.h"

namespace fake {

namespace {

constexpr double LAUNCH_MS = 0.002, BLOCK_MS = 0.0005, MATRIX_MS = 1e-6;

// What FAKECUDA_SLOW says of a kernel.
double factor(const std::string& name) {
    std::istringstream all(scene.slow);
    for (std::string one; std::getline(all, one, ',');) {
        const size_t colon = one.find(':');
        if (colon != std::string::npos && name.compare(0, colon, one, 0, colon) == 0) {
            return std::atof(one.c_str() + colon + 1);
        }
    }
    return 1;
}

}  // namespace

double duration_ms(const Launch& launch, const Counts& counts, int processors) {
    const double blocks = double(launch.grid.x) * launch.grid.y * launch.grid.z;
    const double ms = LAUNCH_MS + (BLOCK_MS * blocks + MATRIX_MS * double(counts.matrices)) / processors;
    return factor(launch.name) * ms;
}

}  // namespace fake
