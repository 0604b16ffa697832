/* Faults on demand, as the rest of the stand-in sees them: ASCEND_STUB_FAULT, include/ascend_stub/fault.h. */
#ifndef ASCEND_STUB_FAULT_FAULT_H
#define ASCEND_STUB_FAULT_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "ascend_stub/fault.h"
#include "watch/watch.h"

/* At load: reads ASCEND_STUB_FAULT. */
void stub_fault_start(void);

/* Whether this call fails; then `result` is set and a text says that it was asked for. STUB_WATCH_FAULTS is on. */
bool stub_fault_call(stub_visit *visit);

/* On the worker, before a task runs: a status other than 0 is the task's instead of running it; does not return before
 * the stream is aborted when a rule says that the task never ends. STUB_WATCH_FAULTS is on. */
int stub_fault_task(const char *name, int device);

/* How much memory a device of that many bytes has for the rules, and whether that much more fits: else the status, with
 * a text. STUB_WATCH_FAULTS is on. */
uint64_t stub_fault_memory_size(int device, uint64_t bytes);
int stub_fault_memory(int device, uint64_t used, uint64_t wanted);

#endif
