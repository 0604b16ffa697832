/* Kernels for the CPU stand-in, from outside of it: nothing of this exists in CANN.
 *
 * A kernel is a pair of functions. stub_register_kernel gives one to any operator by its name; while it is registered
 * it wins over the stand-in's own. A custom operator library defines its entry points with a stub_operator record and
 * the two stub_phase functions, as the stand-in's libopapi does. Link with -lnnopbase. */
#ifndef ASCEND_STUB_KERNEL_H
#define ASCEND_STUB_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "aclnn/acl_meta.h"

#ifdef __cplusplus
extern "C" {
#endif

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
typedef struct stub_comm stub_comm;
typedef struct stub_told stub_told;

/* What a kernel's check decides. */
typedef struct {
    uint64_t workspace_size; /* bytes; 0 by default */
    bool nothing_to_run;     /* empty tensors: phase two queues nothing */
    stub_comm *comm;         /* of a multi-card operator: retained by check, released with the executor */
    const char *refusal;     /* why phase two will not launch this: it answers 561000 with the text; NULL by default */
    bool tells_shapes;       /* run tells what outputs have become (stub_tell_shape): phase two waits for its stream */
} stub_plan;

/* check  phase one, on the caller's thread: validates, in CANN's order and with CANN's status codes, and leaves a text
 *        for what it refuses. Sees the snapshot the executor holds. A registered kernel may have none (NULL).
 * run    on the stream's worker, in the stream's order. A status other than 0 becomes the stream's error. Must not
 *        wait for its own stream. Tensor addresses are device addresses, see stub_tensor_open. */
typedef struct {
    aclnnStatus (*check)(const stub_call *call, stub_plan *plan);
    aclnnStatus (*run)(const stub_call *call);
} stub_kernel;

/* An operator. Lives as long as the process: queued work refers to it. */
typedef struct {
    const char *name;         /* "aclnnAbs" */
    const stub_param *params; /* without workspaceSize and executor */
    uint32_t count;
    const stub_kernel *kernel; /* NULL: no kernel of its own */
} stub_operator;

struct stub_call {
    const stub_operator *op;
    const stub_value *args; /* op->count values; descriptors are the executor's own snapshots, NULL stays NULL */
    void *workspace;        /* device address, phase two only */
    uint64_t workspace_size;
    stub_comm *comm; /* the plan's */
    uint64_t ticket; /* of a run with a communicator: run must spend it */
    void *user;      /* what the kernel was registered with; NULL for an operator's own */
    stub_told *told; /* of a run whose plan tells_shapes: for stub_tell_shape; else NULL */
};

/* Both phases of every operator end here: pack the arguments into `args` and pass the rest on. */
ACL_FUNC_VISIBILITY aclnnStatus stub_phase_one(const stub_operator *op, const stub_value *args,
                                               uint64_t *workspace_size, aclOpExecutor **executor);
ACL_FUNC_VISIBILITY aclnnStatus stub_phase_two(const stub_operator *op, void *workspace, uint64_t workspace_size,
                                               aclOpExecutor *executor, aclrtStream stream);

/* Registers a kernel, which is copied, for the operator of that name, in place of one registered before. Counts for
 * every phase one from now on; calls that are planned already keep the kernel they were planned with. `release` (may
 * be NULL) is called with `user`, on any thread, when the last of these is over. 161001 for NULL, 561101 without
 * memory. */
ACL_FUNC_VISIBILITY aclnnStatus stub_register_kernel(const char *name, const stub_kernel *kernel, void *user,
                                                     void (*release)(void *user));

/* Ends a registration: the operator's own kernel is back. 161002 when none is registered. */
ACL_FUNC_VISIBILITY aclnnStatus stub_unregister_kernel(const char *name);

/* Whether a kernel is registered for the operator. */
ACL_FUNC_VISIBILITY bool stub_kernel_is_registered(const char *name);

/* For a process about to end, or an interpreter: waits for registered kernels that are running, and calls none, nor
 * any `release`, from then on. Queued calls fail. There is no way back. */
ACL_FUNC_VISIBILITY void stub_close_kernels(void);

/* Leaves a text of any length for the caller's aclGetRecentErrMsg, and returns `status`. */
ACL_FUNC_VISIBILITY aclnnStatus stub_kernel_fail(aclnnStatus status, const char *text);

/* What a tensor is. The arrays live as long as the call. */
typedef struct {
    aclDataType dtype;
    aclFormat format;
    uint32_t rank; /* of shape and strides */
    uint32_t storage_rank;
    const int64_t *shape;
    const int64_t *strides; /* elements */
    const int64_t *storage; /* shape of the storage, elements */
    int64_t offset;         /* elements between the storage's start and the view's first element */
    void *address;          /* device address of the storage's start */
} stub_tensor_info;

ACL_FUNC_VISIBILITY void stub_tensor_read(const aclTensor *tensor, stub_tensor_info *info);

/* Host address of a tensor's storage, for run: `tensor` is argument number `arg` of the call, or an item of it. NULL
 * when there are no elements. 507015 (what an NPU answers to a bad access) with a text that names operator and argument
 * when there is no address, when it is no device address, or when the view does not lie in one live allocation. */
ACL_FUNC_VISIBILITY aclnnStatus stub_tensor_open(const stub_call *call, uint32_t arg, const aclTensor *tensor,
                                                 void **host);

/* For run, of operators whose results have a shape that only the data tells, if the plan said so (tells_shapes): the
 * shape of the output that is argument number `arg`, at most 8 dimensions. Phase two gives it to the caller's
 * descriptor when the stream's work up to the call has succeeded. 161002 with a text otherwise. */
ACL_FUNC_VISIBILITY aclnnStatus stub_tell_shape(const stub_call *call, uint32_t arg, const int64_t *dims,
                                                uint32_t rank);

/* The items of argument number `arg`, an array or a list: int64_t, float, bool, const aclTensor * or
 * const aclScalar *; `*count` of them. NULL for an absent argument. */
ACL_FUNC_VISIBILITY const void *stub_argument_items(const stub_call *call, uint32_t arg, uint64_t *count);

/* A scalar's bytes and their type. */
ACL_FUNC_VISIBILITY const void *stub_scalar_read(const aclScalar *scalar, aclDataType *dtype);

#ifdef __cplusplus
}
#endif

#endif
