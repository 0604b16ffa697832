/* Which expert a row belongs to: groups of rows given by their ends or by their lengths. */
#ifndef ASCEND_STUB_OPAPI_EXPERTS_H
#define ASCEND_STUB_OPAPI_EXPERTS_H

#include "opapi/line_set.h"

typedef struct {
    const int64_t *groups; /* NULL: one expert for all */
    int64_t count;
    bool lengths; /* else ends */
} stub_experts;

/* Loads argument `arg`, integers (absent: no groups). */
stub_experts stub_experts_load(stub_line_set *set, int arg, bool lengths);

/* The first expert whose end lies behind the row; rows behind all ends, whose results CANN leaves open, belong to the
 * last expert. */
int64_t stub_expert_of(const stub_experts *experts, int64_t row);

#endif
