/* The timeline. */
#include "trace/trace.h"

void stub_trace_start_process(void) {}

void stub_trace_call(const stub_visit *visit) {
    (void)visit;
}

void stub_trace_task(const stub_watched *watched, int status) {
    (void)watched;
    (void)status;
}
