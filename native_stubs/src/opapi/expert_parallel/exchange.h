/* Experts on several cards: what aclnnMoeDistributeDispatch and aclnnMoeDistributeCombine share.
 *
 * Every rank packs what the others may need into its workspace and then takes what it needs from theirs. Rank r has
 * experts r * local .. r * local + local - 1. The rows that it receives are in the order of its experts, of an expert
 * in the order of the ranks they come from, and of a rank in the order of its tokens and of their choices: both
 * operators can find a row by counting. */
#ifndef ASCEND_STUB_OPAPI_EXPERT_PARALLEL_EXCHANGE_H
#define ASCEND_STUB_OPAPI_EXPERT_PARALLEL_EXCHANGE_H

#include "opapi/kernel.h"

/* Numbers of the arguments; they differ between the versions. -1: the version has no such argument. */
typedef struct {
    int group, world_size, rank_id, experts, tp_world_size, shared_experts, shared_ranks;
} stub_ep_args;

/* Checks them and finds the communicator: 561002 for values that are not allowed, 561003 with the name of what the
 * stand-in does not do (shared experts, a second group for tensor parallelism). */
aclnnStatus stub_ep_check(const stub_call *call, const stub_ep_args *args, stub_plan *plan);

/* Experts of one rank. */
int64_t stub_ep_local(const stub_call *call, const stub_ep_args *args);

/* 561002 unless the tensor, if it is given, has at least `count` elements in one dimension. */
aclnnStatus stub_ep_check_length(const stub_call *call, uint32_t arg, int64_t count, const char *rule);
/* 561002 unless the tensor has these two dimensions; -1: any. */
aclnnStatus stub_ep_check_matrix(const stub_call *call, uint32_t arg, int64_t rows, int64_t columns);

/* The workspace on the host; NULL with a text when it is smaller than `bytes`. */
uint8_t *stub_ep_workspace(const stub_call *call, size_t bytes);

/* All elements of a view, row-major, as numbers of type `as`. */
void stub_ep_read(const stub_view *view, aclDataType as, void *numbers);

static inline size_t stub_ep_aligned(size_t bytes) {
    return (bytes + 63) / 64 * 64;
}

#endif
