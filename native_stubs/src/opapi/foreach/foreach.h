/* The foreach family: a map (opapi/map.h) over lists of tensors, item by item.
 *
 * As in a map, the signature says what goes in and out, and in which order. Lists give one tensor or scalar for each
 * item; a scalar, or a tensor of one element, is for all of them; a tensor with an element for each item is said to be
 * so. Lists have one data type, shapes that agree item by item, and no broadcasting. Halves are computed in FLOAT and
 * rounded once. */
#ifndef ASCEND_STUB_OPAPI_FOREACH_FOREACH_H
#define ASCEND_STUB_OPAPI_FOREACH_FOREACH_H

#include "opapi/map.h"

typedef struct {
    const stub_loops *loops[STUB_CLASS_COUNT];
    stub_dtypes types;     /* of the items on A2 and A3 */
    stub_dtypes scalars;   /* of the scalar; 0: those that go with the items' type */
    bool in_float;         /* integers are computed in FLOAT, too */
    bool element_for_each; /* the tensor beside the lists has an element for each item */
    bool converts;         /* outputs may be of another float type */
} foreach;

enum { FOREACH_MAX_PARAMS = 6 };

/* One item's arguments as a call of its own: lists are replaced by their item, tensors of numbers by one element. */
typedef struct {
    stub_call call;
    stub_operator op;
    stub_param params[FOREACH_MAX_PARAMS];
    stub_value args[FOREACH_MAX_PARAMS];
    aclTensor element;
} foreach_item;

/* The number of items: that of the first list. */
uint64_t foreach_count(const stub_call *call);
void foreach_take(const stub_call *call, uint64_t index, bool element_for_each, foreach_item *item);

/* What all operators on lists ask for: every argument given, lists of one length and with no hole in them (161001,
 * 161002), items of at most STUB_MAX_RANK axes, of types in `types`. */
aclnnStatus foreach_check_lists(const stub_call *call, stub_dtypes types);
/* A tensor beside the lists: its number of elements. */
aclnnStatus foreach_check_elements(const stub_call *call, uint32_t arg, int64_t count);

aclnnStatus foreach_check(const stub_call *call, stub_plan *plan, const foreach *family);
aclnnStatus foreach_run(const stub_call *call, const foreach *family);

#endif
