/* Experts of rows. */
#include "opapi/quantisation/experts.h"

stub_experts stub_experts_load(stub_line_set *set, int arg, bool lengths) {
    const aclTensor *tensor = stub_tensor_or_none(set->call, arg);
    return (stub_experts){.groups = stub_line_weight_as(set, arg, ACL_INT64),
                          .count = tensor ? stub_tensor_numel(tensor) : 0,
                          .lengths = lengths};
}

int64_t stub_expert_of(const stub_experts *experts, int64_t row) {
    int64_t end = 0;
    for (int64_t i = 0; experts->groups && i + 1 < experts->count; i++) {
        end = experts->lengths ? end + experts->groups[i] : experts->groups[i];
        if (row < end) {
            return i;
        }
    }
    return experts->count > 0 ? experts->count - 1 : 0;
}
