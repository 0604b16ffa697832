/* HCCL_DETERMINISTIC: the environment, then what the program sets. */
#include "comm/deterministic.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>

static _Atomic(int32_t) chosen;

/* Malformed texts are refused where communicators are made. */
int32_t stub_deterministic(void) {
    const char *wish = getenv("HCCL_DETERMINISTIC");
    if (wish == NULL) {
        return atomic_load(&chosen);
    }
    return strcasecmp(wish, "strict") == 0 ? 2 : strcasecmp(wish, "true") == 0;
}

void stub_set_deterministic(int32_t value) {
    atomic_store(&chosen, value);
}
