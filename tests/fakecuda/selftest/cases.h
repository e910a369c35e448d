// What is tested: each function runs its kernels on small and odd shapes and reports every case.
#pragma once

#include "tensor.h"

void elementwise_cases(Format format);
void norm_cases(Format format);
void conv_cases(Format format);
void attention_cases(Format format);
// Last: it starts the driver anew.
void driver_cases();
void fault_cases();
