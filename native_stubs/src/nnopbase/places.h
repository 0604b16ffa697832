/* Where the tensors of a call are, in the order in which the functions that set addresses count them: inputs in
 * argument order, then outputs, lists by their elements. What is both comes twice. */
#ifndef ASCEND_STUB_NNOPBASE_PLACES_H
#define ASCEND_STUB_NNOPBASE_PLACES_H

#include "nnopbase/executor.h"

typedef enum { STUB_SIDE_IN = 1, STUB_SIDE_OUT = 2, STUB_SIDE_ALL = STUB_SIDE_IN | STUB_SIDE_OUT } stub_side;

/* An entry of a repeatable executor's table. */
struct stub_tensor_place {
    uint32_t arg;
    uint32_t element; /* of a list */
    uint32_t twin;    /* the next place of a tensor made from the same descriptor; all of them form a ring */
};

/* Goes through the tensor and list arguments. */
typedef struct {
    const stub_call *call;
    unsigned which;
    unsigned pass;
    uint32_t next;
    uint32_t arg;   /* the current argument */
    uint64_t count; /* its tensors: none in an absent list */
} stub_walk;

stub_walk stub_walk_over(const stub_call *call, stub_side which);
bool stub_walk_step(stub_walk *walk);

uint64_t stub_count_places(const stub_call *call, stub_side which);

/* Snapshots belong to the executor: they are const for kernels only. NULL for what was absent in phase one. */
aclTensor *stub_tensor_at(const stub_call *call, uint32_t arg, uint64_t element);

/* Makes the executor's table. There is none for very many tensors, and when there is no memory: everything works
 * without. */
void stub_places_make(stub_executor *executor);

#endif
