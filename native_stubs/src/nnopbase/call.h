/* One operator call as data: what the generated entry points produce and what kernels receive. */
#ifndef ASCEND_STUB_NNOPBASE_CALL_H
#define ASCEND_STUB_NNOPBASE_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "comm/communicator.h"
#include "nnopbase/descriptors.h"

typedef enum {
    STUB_TENSOR,
    STUB_TENSOR_LIST,
    STUB_SCALAR,
    STUB_SCALAR_LIST,
    STUB_INT_ARRAY,
    STUB_FLOAT_ARRAY,
    STUB_BOOL_ARRAY,
    STUB_INT,  /* every integer type and aclDataType: value.integer */
    STUB_REAL, /* float and double: value.real */
    STUB_FLAG, /* bool: value.flag */
    STUB_TEXT  /* char pointers: value.text */
} stub_kind;

typedef enum { STUB_IN, STUB_OUT, STUB_INOUT } stub_role;

typedef union {
    const aclTensor *tensor;
    const aclTensorList *tensors;
    const aclScalar *scalar;
    const aclScalarList *scalars;
    const aclIntArray *ints;
    const aclFloatArray *floats;
    const aclBoolArray *bools;
    int64_t integer;
    double real;
    bool flag;
    const char *text;
} stub_value;

typedef struct {
    const char *name;
    stub_kind kind;
    stub_role role;
} stub_param;

typedef struct stub_call stub_call;

/* What a kernel's check decides. */
typedef struct {
    uint64_t workspace_size; /* bytes; 0 by default */
    bool nothing_to_run;     /* empty tensors: phase two queues nothing */
    stub_comm *comm;         /* of a multi-card operator: retained by check, released with the executor */
    const char *refusal;     /* why phase two will not launch this: it answers 561000 with the text; NULL by default */
} stub_plan;

/* A kernel: defined in opapi as `const stub_kernel stub_kernel_<operator> = {check, run};`. The generated operator
 * table refers to that name weakly, so a kernel needs no registration and an operator without one has NULL.
 *
 * check  phase one, on the caller's thread: validates, in CANN's order and with CANN's status codes; texts through
 *        stub_fail. Sees the snapshot the executor holds.
 * run    on the stream's worker. Tensor addresses are device addresses; see opapi/view.h. */
typedef struct {
    aclnnStatus (*check)(const stub_call *call, stub_plan *plan);
    aclnnStatus (*run)(const stub_call *call);
} stub_kernel;

typedef struct {
    const char *name;         /* "aclnnAbs" */
    const stub_param *params; /* without workspaceSize and executor */
    uint32_t count;
    const stub_kernel *kernel; /* NULL: no kernel */
} stub_operator;

struct stub_call {
    const stub_operator *op;
    const stub_value *args; /* op->count values; descriptors are the executor's own snapshots, NULL stays NULL */
    void *workspace;        /* device address, phase two only */
    uint64_t workspace_size;
    stub_comm *comm; /* the plan's */
    uint64_t ticket; /* of a run with a communicator: run must spend it (comm/communicator.h) */
};

/* Both phases of every operator end here. Exported by libnnopbase for libopapi. */
STUB_EXPORT aclnnStatus stub_phase_one(const stub_operator *op, const stub_value *args, uint64_t *workspace_size,
                                       aclOpExecutor **executor);
STUB_EXPORT aclnnStatus stub_phase_two(const stub_operator *op, void *workspace, uint64_t workspace_size,
                                       aclOpExecutor *executor, aclrtStream stream);

#endif
