/* Phase two of the float products over several ranks: this rank's product before or after the ranks meet. Products are
 * rounded to the type of the output before they are summed, and x3 is added, rounded again, on every rank. */
#include "opapi/matmul/ranks.h"

#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "opapi/matmul/quant.h"
#include "opapi/rows.h"

typedef struct {
    const stub_call *call;
    const stub_ranks *op;
    stub_ranks_sizes sizes;
    stub_view x1, output;
    stub_batch_product product;
    void *integers, *floats; /* of quantised weights */
} job;

/* Dense memory: on the host, and its device address. */
typedef struct {
    uint8_t *bytes;
    void *address;
} place;

/* Kernels of one device cannot reach another's memory. */
static aclnnStatus open_here(const stub_call *call, uint32_t number, stub_view *view) {
    const aclTensor *tensor = stub_ranks_arg(call, number);
    stub_allocation block;
    STUB_REQUIRE(stub_view_open(call, number - 1, view));
    if (!stub_find_allocation(tensor->data, &block) || block.device == stub_comm_device(call->comm)) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                     "%s: %s lies on device %d, but rank %u of the communicator \"%s\" is device %d; all tensors of a "
                     "rank must be on its device",
                     call->op->name, call->op->params[number - 1].name, block.device, stub_comm_rank(call->comm),
                     stub_comm_name(call->comm), stub_comm_device(call->comm));
}

static aclnnStatus open_part(const job *all, uint32_t number, stub_part *part) {
    stub_view view;
    if (!stub_ranks_arg(all->call, number)) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(open_here(all->call, number, &view));
    *part = stub_part_last(&view, 0);
    return ACLNN_SUCCESS;
}

static aclnnStatus place_in_workspace(const job *all, uint64_t at, place *to) {
    const stub_call *call = all->call;
    const bool fits = stub_block_bytes_from(call->workspace) >= all->sizes.bytes;
    to->address = (uint8_t *)call->workspace + at;
    to->bytes = fits ? (uint8_t *)stub_shadow(call->workspace) + at : NULL;
    return fits ? ACLNN_SUCCESS
                : stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                            "%s: the workspace at %p has no room for %llu bytes; allocate what phase one asks for with "
                            "aclrtMalloc",
                            call->op->name, call->workspace, (unsigned long long)all->sizes.bytes);
}

/* The tensor itself, where it has no gaps. */
static aclnnStatus place_of(const job *all, const stub_view *view, uint64_t at, place *to) {
    if (!view->tensor || !stub_tensor_is_contiguous(view->tensor)) {
        return place_in_workspace(all, at, to);
    }
    const int64_t skipped = view->tensor->offset * (view->bits / 8);
    *to = (place){view->base + skipped, (uint8_t *)view->tensor->data + skipped};
    return ACLNN_SUCCESS;
}

/* Rows between a tensor with gaps and dense memory; none where they are the same. */
static void move_rows(const stub_view *view, uint8_t *dense, bool into_tensor) {
    const aclTensor *tensor = view->tensor;
    const size_t columns = (size_t)stub_last_dim(tensor), size = (size_t)view->bits / 8;
    const size_t rows = (size_t)stub_tensor_numel(tensor) / columns;
    stub_row row;
    if (stub_tensor_is_contiguous(tensor)) {
        return;
    }
    stub_row_start(&row, view, tensor->rank - 1, 0);
    for (size_t i = 0; i < rows; i++, dense += columns * size) {
        for (size_t first = 0; first < columns; first += STUB_CHUNK) {
            stub_chunk chunk;
            const size_t n = stub_chunk_length((int64_t)columns, (int64_t)first);
            if (into_tensor) {
                stub_row_write(&row, (int64_t)first, n, dense + first * size);
            } else {
                memcpy(dense + first * size, stub_row_read(&row, (int64_t)first, n, &chunk), n * size);
            }
        }
        stub_row_next(&row);
    }
}

/* ---- this rank's product ---- */

static aclnnStatus open_weight(job *all) {
    const stub_ranks *op = all->op;
    stub_view view;
    STUB_REQUIRE(open_here(all->call, op->x2, &view));
    if (op->scale == 0) {
        all->product.b = stub_part_last(&view, 0);
        return ACLNN_SUCCESS;
    }
    const int64_t group = all->call->args[op->group_size - 1].integer;
    stub_antiquant by = {.k = all->sizes.k,
                         .n = all->sizes.n,
                         .group = group > 0 ? group : all->sizes.k,
                         .as = stub_ranks_arg(all->call, op->x1)->dtype};
    STUB_REQUIRE(stub_int4_open(all->call, op->x2 - 1, &view, 0, &by.weight, &all->integers));
    STUB_REQUIRE(open_part(all, op->scale, &by.scale));
    STUB_REQUIRE(open_part(all, op->offset, &by.offset));
    return stub_antiquant_run(all->call, &by, &all->product.b, &all->floats);
}

/* Rows of x1 and x3 are those of all their leading axes. */
static aclnnStatus add_term(job *all, uint32_t number, bool rounded) {
    stub_view view;
    if (!stub_ranks_arg(all->call, number)) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(open_here(all->call, number, &view));
    stub_term *term = &all->product.term[all->product.terms++];
    *term = (stub_term){.part = stub_part_last(&view, all->product.rank), .factor = 1, .rounded = rounded};
    return ACLNN_SUCCESS;
}

static stub_part dense_part(const job *all, uint8_t *bytes, int64_t columns) {
    stub_part part = {.first = bytes, .dtype = all->x1.tensor->dtype, .row = columns, .column = 1};
    part.batch[0] = all->product.m * columns;
    return part;
}

static aclnnStatus multiply(job *all, const stub_part *rows, uint8_t *to) {
    all->product.a = *rows;
    all->product.out = dense_part(all, to, all->sizes.n);
    STUB_REQUIRE(open_weight(all));
    STUB_REQUIRE(add_term(all, all->op->bias, false));
    STUB_REQUIRE(add_term(all, all->op->x3, true));
    return stub_batch_product_run(all->call, &all->product);
}

static void plan_product(job *all) {
    const aclTensor *x1 = all->x1.tensor;
    all->product = (stub_batch_product){.m = all->sizes.m, .n = all->sizes.n, .k = all->sizes.k, .alpha = 1};
    if (x1->rank == 3) {
        all->product.rank = 1;
        all->product.batch[0] = x1->shape[0];
        all->product.m = x1->shape[1];
    }
}

static aclnnStatus prepare(job *all) {
    all->sizes = stub_ranks_measure(all->call, all->op, stub_comm_size(all->call->comm));
    STUB_REQUIRE(open_here(all->call, all->op->x1, &all->x1));
    STUB_REQUIRE(open_here(all->call, all->op->output, &all->output));
    plan_product(all);
    return ACLNN_SUCCESS;
}

/* ---- with the others ---- */

static stub_comm_operation operation_of(const job *all, uint64_t count) {
    return (stub_comm_operation){
        .name = all->call->op->name,
        .data_type = stub_ranks_arg(all->call, all->op->output)->dtype == ACL_FLOAT16 ? HCCL_DATA_TYPE_FP16
                                                                                      : HCCL_DATA_TYPE_BFP16,
        .reduce_op = all->op->kind == STUB_RANKS_ALL_GATHER ? -1 : HCCL_REDUCE_SUM,
        .root = -1,
        .count = count,
        .dims = {all->sizes.m, all->sizes.n},
    };
}

/* Product first, then the sum. */
static aclnnStatus run_reduction(job *all) {
    stub_comm *comm = all->call->comm;
    const bool scatters = all->op->kind == STUB_RANKS_REDUCE_SCATTER;
    place product = {0}, result = {0};
    aclnnStatus status = prepare(all);
    const uint64_t elements = (uint64_t)(all->sizes.m * all->sizes.n);
    const stub_comm_operation operation = operation_of(all, scatters ? elements / stub_comm_size(comm) : elements);
    if (status == ACLNN_SUCCESS) {
        status = place_of(all, &all->output, all->sizes.result, &result);
    }
    if (status == ACLNN_SUCCESS) {
        product = result;
        status = scatters ? place_in_workspace(all, all->sizes.product, &product) : ACLNN_SUCCESS;
    }
    if (status == ACLNN_SUCCESS) {
        const stub_part rows = stub_part_last(&all->x1, all->product.rank);
        status = multiply(all, &rows, product.bytes);
    }
    if (status != ACLNN_SUCCESS) {
        return stub_comm_fail(comm, all->call->ticket, &operation, status);
    }
    status = (scatters ? stub_comm_reduce_scatter : stub_comm_all_reduce)(comm, all->call->ticket, &operation,
                                                                          product.address, result.address);
    if (status == ACLNN_SUCCESS) {
        move_rows(&all->output, result.bytes, true);
        status = stub_ranks_run_norm(all->call, all->op);
    }
    return status;
}

/* The gathered rows first, then the product. */
static aclnnStatus run_gather(job *all) {
    stub_comm *comm = all->call->comm;
    stub_view gathered = {0};
    place send = {0}, receive = {0};
    aclnnStatus status = prepare(all);
    const stub_comm_operation operation = operation_of(all, (uint64_t)(all->sizes.m * all->sizes.k));
    if (status == ACLNN_SUCCESS && stub_ranks_arg(all->call, all->op->gathered)) {
        status = open_here(all->call, all->op->gathered, &gathered);
    }
    if (status == ACLNN_SUCCESS) {
        status = place_of(all, &all->x1, all->sizes.sent, &send);
    }
    if (status == ACLNN_SUCCESS) {
        status = place_of(all, &gathered, all->sizes.gathered, &receive);
    }
    if (status != ACLNN_SUCCESS) {
        return stub_comm_fail(comm, all->call->ticket, &operation, status);
    }
    move_rows(&all->x1, send.bytes, false);
    STUB_REQUIRE(stub_comm_all_gather(comm, all->call->ticket, &operation, send.address, receive.address));
    if (gathered.tensor) {
        move_rows(&gathered, receive.bytes, true);
    }
    all->product.m *= stub_comm_size(comm);
    const stub_part rows = dense_part(all, receive.bytes, all->sizes.k);
    all->product.a = rows;
    all->product.out = stub_part_last(&all->output, 0);
    STUB_REQUIRE(open_weight(all));
    STUB_REQUIRE(add_term(all, all->op->bias, false));
    return stub_batch_product_run(all->call, &all->product);
}

aclnnStatus stub_ranks_run(const stub_call *call, const stub_ranks *op) {
    job all = {.call = call, .op = op};
    const aclnnStatus status = (op->kind == STUB_RANKS_ALL_GATHER ? run_gather : run_reduction)(&all);
    free(all.integers);
    free(all.floats);
    return status;
}

STUB_FAMILY_KERNEL(aclnnMatmulAllReduce, stub_ranks,
                   {.kind = STUB_RANKS_ALL_REDUCE,
                    .x1 = 1,
                    .x2 = 2,
                    .bias = 3,
                    .group = 4,
                    .reduce_op = 5,
                    .comm_turn = 6,
                    .stream_mode = 7,
                    .output = 8})
STUB_FAMILY_KERNEL(aclnnMatmulAllReduceV2, stub_ranks,
                   {.kind = STUB_RANKS_ALL_REDUCE,
                    .x1 = 1,
                    .x2 = 2,
                    .bias = 3,
                    .x3 = 4,
                    .group = 5,
                    .reduce_op = 6,
                    .comm_turn = 7,
                    .stream_mode = 8,
                    .output = 9})
STUB_FAMILY_KERNEL(aclnnWeightQuantMatmulAllReduce, stub_ranks,
                   {.kind = STUB_RANKS_ALL_REDUCE,
                    .x1 = 1,
                    .x2 = 2,
                    .bias = 3,
                    .scale = 4,
                    .offset = 5,
                    .x3 = 6,
                    .group = 7,
                    .reduce_op = 8,
                    .comm_turn = 9,
                    .stream_mode = 10,
                    .group_size = 11,
                    .output = 12})
STUB_FAMILY_KERNEL(aclnnMatmulReduceScatter, stub_ranks,
                   {.kind = STUB_RANKS_REDUCE_SCATTER,
                    .x1 = 1,
                    .x2 = 2,
                    .bias = 3,
                    .group = 4,
                    .reduce_op = 5,
                    .comm_turn = 6,
                    .stream_mode = 7,
                    .output = 8})
STUB_FAMILY_KERNEL(aclnnAllGatherMatmul, stub_ranks,
                   {.kind = STUB_RANKS_ALL_GATHER,
                    .x1 = 1,
                    .x2 = 2,
                    .bias = 3,
                    .group = 4,
                    .gather_index = 5,
                    .comm_turn = 6,
                    .stream_mode = 7,
                    .output = 8,
                    .gathered = 9})
