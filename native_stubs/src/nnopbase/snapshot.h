/* A copy of one call's arguments that shares nothing with the caller's descriptors. */
#ifndef ASCEND_STUB_NNOPBASE_SNAPSHOT_H
#define ASCEND_STUB_NNOPBASE_SNAPSHOT_H

#include "nnopbase/arena.h"
#include "nnopbase/call.h"

/* Copies the values of the operator's parameters into the arena and fills `call`. Copied tensors remember where they
 * come from in `origin`. 161002 with a text for a dead or wrong descriptor and for a shape that no memory can hold,
 * 561101 when host memory is exhausted. */
aclnnStatus stub_snapshot(stub_arena *arena, const stub_operator *op, const stub_value *values, stub_call *call);

/* A copy of a snapshot; its tensors come from where those of `from` do. 561101 when host memory is exhausted. */
aclnnStatus stub_snapshot_again(stub_arena *arena, const stub_call *from, stub_call *call);

#endif
