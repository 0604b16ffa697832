/* Pooling: boxes of input positions, one box per output position, that are averaged or searched for their largest
 * element. Every operator of the family is data: which arguments it has. */
#ifndef ASCEND_STUB_OPAPI_POOLING_POOL_H
#define ASCEND_STUB_OPAPI_POOLING_POOL_H

#include "opapi/images/planes.h"

typedef enum { STUB_POOL_AVERAGE, STUB_POOL_LARGEST, STUB_POOL_MASK } stub_pool_kind;

/* An argument's number, or NONE. */
enum { STUB_POOL_NONE = -1 };

typedef struct {
    stub_pool_kind kind;
    uint32_t spatial;
    stub_dtypes allowed, index_types;
    bool takes_last;      /* channels-last tensors */
    bool stride_is_one;   /* what is meant where no stride is given; else the kernel's size */
    bool kernel_fits;     /* the kernel must not be larger than the image */
    int8_t grad, indices; /* tensors */
    int8_t self, out;
    int8_t size; /* of adaptive pooling */
    int8_t kernel, stride, padding, dilation, ceil, include, divisor;
    int8_t cube, auto_pad; /* 0: the operator has none */
} stub_pool;

enum { STUB_POOL_FP16 = 2 /* a cubeMathType: FLOAT inputs are rounded to FLOAT16 */ };

/* Three axes always; those that an operator has not are of length 1. */
typedef struct {
    int64_t in[STUB_MAX_SPATIAL], out[STUB_MAX_SPATIAL];
    bool adaptive, ceil, include;
    int64_t divisor; /* 0: the number of elements */
    int64_t kernel[STUB_MAX_SPATIAL], stride[STUB_MAX_SPATIAL];
    int64_t before[STUB_MAX_SPATIAL], after[STUB_MAX_SPATIAL]; /* padding */
} stub_pool_shape;

/* The input positions of one output position along one axis. */
typedef struct {
    int64_t from, to; /* inside the image */
    int64_t padded;   /* how many there are with the padding */
} stub_pool_range;

typedef struct {
    stub_pool_shape shape;
    stub_pool_range *axis[STUB_MAX_SPATIAL];
} stub_pool_boxes;

/* What the attributes say, and 161002 for what they may not. */
aclnnStatus stub_pool_read(const stub_call *call, const stub_pool *data, stub_pool_shape *shape);
aclnnStatus stub_pool_check(const stub_call *call, stub_plan *plan, const stub_pool *data);

/* False without host memory. */
bool stub_pool_boxes_make(stub_pool_boxes *boxes, const stub_pool_shape *shape);
void stub_pool_boxes_free(stub_pool_boxes *boxes);

/* Planes as lines.h calls them, in float and in double. Forward: self; out, and indices or mask, if any. Backward:
 * gradients, and indices or mask; the gradient of self. A largest element's index counts in the plane. */
typedef aclnnStatus stub_pool_plane(const void *boxes, void *const *array, const int64_t *length, int64_t position,
                                    void *scratch);
typedef struct {
    stub_pool_plane *forward[2], *backward[2];
} stub_pool_planes;
extern const stub_pool_planes stub_pool_average, stub_pool_largest, stub_pool_mask;
/* The same for windows (not adaptive), forward, in float, without indices. */
extern stub_pool_plane stub_pool_rows_average, stub_pool_rows_largest;

#endif
