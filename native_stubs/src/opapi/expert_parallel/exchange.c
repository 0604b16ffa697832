/* Groups, shapes and packing of the operators for experts on several cards. */
#include "opapi/expert_parallel/exchange.h"

#include "core/context.h"
#include "core/memory.h"
#include "opapi/elements.h"

static aclnnStatus refuse(const stub_call *call, int arg, const char *what) {
    return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR, "%s: %s is %lld; the stand-in has no kernel for %s",
                     call->op->name, call->op->params[arg].name, (long long)call->args[arg].integer, what);
}

static aclnnStatus check_numbers(const stub_call *call, const stub_ep_args *args) {
    const int64_t size = call->args[args->world_size].integer, experts = call->args[args->experts].integer;
    if (call->args[args->tp_world_size].integer > 1) {
        return refuse(call, args->tp_world_size, "a group for tensor parallelism");
    }
    if (call->args[args->shared_ranks].integer != 0) {
        return refuse(call, args->shared_ranks, "ranks with shared experts");
    }
    if (size < 1 || experts < 1 || experts % size != 0) {
        return stub_fail(
            ACLNN_ERR_INNER_TILING_ERROR,
            "%s: moeExpertNum is %lld and epWorldSize is %lld; every rank has the same number of experts, 1 "
            "or more",
            call->op->name, (long long)experts, (long long)size);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_place(const stub_call *call, const stub_ep_args *args, const stub_comm *comm) {
    const int64_t size = call->args[args->world_size].integer, rank = call->args[args->rank_id].integer;
    if (size == stub_comm_size(comm) && rank == stub_comm_rank(comm)) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(
        ACLNN_ERR_INNER_TILING_ERROR,
        "%s: epRankId is %lld of epWorldSize %lld, but here is rank %u of the %u of the communicator \"%s\"",
        call->op->name, (long long)rank, (long long)size, stub_comm_rank(comm), stub_comm_size(comm),
        stub_comm_name(comm));
}

aclnnStatus stub_ep_check(const stub_call *call, const stub_ep_args *args, stub_plan *plan) {
    const char *group = call->args[args->group].text;
    stub_context *context;
    STUB_REQUIRE(check_numbers(call, args));
    if (!group || !*group) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: groupEp is %s; pass what HcclGetCommName wrote",
                         call->op->name, group ? "empty" : "NULL");
    }
    if (stub_context_current(&context) != 0) {
        return ACLNN_ERR_RUNTIME_ERROR;
    }
    plan->comm = stub_comm_find(stub_context_device(context), group);
    return plan->comm ? check_place(call, args, plan->comm) : ACLNN_ERR_INNER_TILING_ERROR;
}

int64_t stub_ep_local(const stub_call *call, const stub_ep_args *args) {
    return call->args[args->experts].integer / call->args[args->world_size].integer;
}

aclnnStatus stub_ep_check_length(const stub_call *call, uint32_t arg, int64_t count, const char *rule) {
    const aclTensor *tensor = stub_tensor_arg(call, arg);
    if (!tensor || (tensor->rank == 1 && tensor->shape[0] >= count)) {
        return ACLNN_SUCCESS;
    }
    char given[128];
    return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: %s is %s; it must have one dimension of %lld (%s) or more",
                     call->op->name, call->op->params[arg].name, stub_describe(tensor, given, sizeof given),
                     (long long)count, rule);
}

aclnnStatus stub_ep_check_matrix(const stub_call *call, uint32_t arg, int64_t rows, int64_t columns) {
    const aclTensor *tensor = stub_tensor_arg(call, arg);
    if (!tensor ||
        (tensor->rank == 2 && (rows < 0 || tensor->shape[0] == rows) && (columns < 0 || tensor->shape[1] == columns))) {
        return ACLNN_SUCCESS;
    }
    char given[128];
    return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: %s is %s; its shape must be [%lld, %lld] (-1: any)",
                     call->op->name, call->op->params[arg].name, stub_describe(tensor, given, sizeof given),
                     (long long)rows, (long long)columns);
}

uint8_t *stub_ep_workspace(const stub_call *call, size_t bytes) {
    if (stub_block_bytes_from(call->workspace) >= bytes) {
        return stub_shadow(call->workspace);
    }
    stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
              "%s: the workspace at %p has no room for %zu bytes; allocate what phase one asks for with aclrtMalloc",
              call->op->name, call->workspace, bytes);
    return NULL;
}

void stub_ep_read(const stub_view *view, aclDataType as, void *numbers) {
    const aclTensor *tensor = view->tensor;
    const int64_t columns = tensor->rank > 0 ? tensor->shape[tensor->rank - 1] : 1;
    const int64_t count = stub_tensor_numel(tensor);
    const size_t size = stub_class_size(stub_class_of(as));
    uint8_t *place = numbers;
    for (int64_t done = 0; done < count; done += columns) {
        stub_row row;
        stub_row_start(&row, view, tensor->rank > 0 ? tensor->rank - 1 : 0, done / columns);
        const int64_t step = row.step * (view->bits / 8);
        for (int64_t first = 0; first < columns; first += STUB_STRETCH) {
            const size_t n = (size_t)(columns - first < STUB_STRETCH ? columns - first : STUB_STRETCH);
            const uint8_t *elements = view->base + row.offset * (view->bits / 8) + first * step;
            stub_load(tensor->dtype, elements, step, n, as, place);
            place += n * size;
        }
    }
}
