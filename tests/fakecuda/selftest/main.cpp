// Runs every kernel on the played GPU against plain loops in double precision, then the GPU itself. One line for each
// case; ends at a fault.
#include <cstdio>

#include "cases.h"

int main() {
    gpu_begin();
    for (Format format : {Format::BF16, Format::F16}) {
        elementwise_cases(format);
        norm_cases(format);
        conv_cases(format);
        attention_cases(format);
    }
    fault_cases();
    driver_cases();
    gpu_end();
    std::printf("%d cases are right\n", reported());
}
