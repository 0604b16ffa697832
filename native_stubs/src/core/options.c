/* Storage of the process-wide run options. */
#include "core/options.h"

#include <stdatomic.h>

static _Atomic(int64_t) options[STUB_OPTION_COUNT];

int64_t stub_option(int option) {
    return atomic_load_explicit(&options[option], memory_order_relaxed);
}

void stub_set_option(int option, int64_t value) {
    atomic_store_explicit(&options[option], value, memory_order_relaxed);
}
