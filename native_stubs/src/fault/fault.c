/* Faults on demand. */
#include "fault/fault.h"

void stub_fault_start(void) {}

bool stub_fault_call(stub_visit *visit) {
    (void)visit;
    return false;
}

int stub_fault_task(const char *name, int device) {
    (void)name;
    (void)device;
    return 0;
}
