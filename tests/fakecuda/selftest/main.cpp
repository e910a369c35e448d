// Runs every kernel on the emulated GPU against plain loops in double precision, then the GPU itself. One line for each
// case; ends at a fault. `selftest kernels` leaves the GPU itself out and goes
// on after a fault: so it runs on a real one, too, whose sums have another order.
#include <cstdio>
#include <cstring>

#include "cases.h"

int main(int count, char** words) {
    const bool kernels = count > 1 && std::strcmp(words[1], "kernels") == 0;
    if (kernels) report_all();
    std::setvbuf(stdout, nullptr, _IOLBF, 0);  // what came last before a kernel that does not end
    gpu_begin();
    for (Format format : {Format::BF16, Format::F16}) {
        elementwise_cases(format);
        norm_cases(format);
        conv_cases(format);
        attention_cases(format);
    }
    norm_cases(Format::F8);
    conv_cases(Format::F8);
    if (!kernels) {
        fault_cases();
        driver_cases();
    }
    gpu_end();
    std::printf("%d cases are right\n", reported());
    return all_right() ? 0 : 1;
}
