// aclnnQuantMatmulAllReduceV2 when ranks disagree or one of them fails: every rank's stream ends with a status and a
// text, soon.
#include "aclnnop/aclnn_quant_matmul_all_reduce_v2.h"
#include "matmul_group.h"

// What one rank passes.
struct Part {
    int64_t m = 3, k = 8, n = 5;
    aclDataType dtype = ACL_BF16;
    int x1_device = -1; // -1: the rank's own
    bool host_bias = false;
    bool destroys_group = false; // between the phases
};

struct Outcome {
    int status = 0;
    std::string text;
};

static Outcome failed(int status) {
    const char *text = aclGetRecentErrMsg();
    return {status, text ? text : ""};
}

// Zeros, allocated while a context of that device is current.
static TensorPointer zeros_on(int device, const Rank &rank, aclDataType dtype, const Shape &shape) {
    const Array array = zeros(dtype, shape);
    if (device >= 0) {
        MUST(aclrtSetDevice(device));
    }
    TensorPointer tensor = on_device(&array, Layout::Packed);
    MUST(aclrtSetCurrentContext(rank.context));
    return tensor;
}

static Outcome run_part(const Part &part, Rank &rank) {
    const aclDataType scale_dtype = part.dtype == ACL_BF16 ? ACL_BF16 : ACL_UINT64;
    const TensorPointer x1 = zeros_on(part.x1_device, rank, ACL_INT8, {part.m, part.k}),
                        x2 = zeros_on(-1, rank, ACL_INT8, {part.k, part.n}),
                        bias = zeros_on(-1, rank, ACL_INT32, {part.n}), scale = zeros_on(-1, rank, scale_dtype, {1}),
                        output = zeros_on(-1, rank, part.dtype, {part.m, part.n});
    std::vector<int32_t> host(16);
    if (part.host_bias) {
        MUST(aclSetRawTensorAddr(bias->handle(), host.data()));
    }
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    MUST(aclnnQuantMatmulAllReduceV2GetWorkspaceSize(x1->handle(), x2->handle(), bias->handle(), nullptr,
                                                     scale->handle(), nullptr, rank.name.c_str(), "sum", 0, 1,
                                                     output->handle(), &size, &executor));
    if (part.destroys_group) {
        MUST(HcclCommDestroy(rank.comm));
        rank.comm = nullptr;
    }
    const int status = aclnnQuantMatmulAllReduceV2(nullptr, size, executor, rank.stream);
    return failed(status != 0 ? status : aclrtSynchronizeStreamWithTimeout(rank.stream, 20000));
}

struct FailureCase {
    const char *what;
    std::vector<const char *> text; // every rank's holds one of these
    void (*change)(Part &part, int rank);
};

static const FailureCase failure_cases[] = {
    {"another n", {"5", "6"}, [](Part &part, int rank) { part.n = rank == 1 ? 6 : 5; }},
    {"another m", {"3", "4"}, [](Part &part, int rank) { part.m = rank == 0 ? 4 : 3; }},
    {"another shape of as many elements",
     {"aclnnQuantMatmulAllReduceV2"},
     [](Part &part, int rank) { part.m = rank == 0 ? 2 : 4, part.n = rank == 0 ? 4 : 2; }},
    {"another data type",
     {"aclnnQuantMatmulAllReduceV2"},
     [](Part &part, int rank) { part.dtype = rank == 0 ? ACL_FLOAT16 : ACL_BF16; }},
    {"x1 of rank 1 on device 0", {"x1", "rank 1"}, [](Part &part, int rank) { part.x1_device = rank == 1 ? 0 : -1; }},
    {"a bias in host memory", {"biasOptional", "rank 0"}, [](Part &part, int rank) { part.host_bias = rank == 0; }},
    {"rank 1 has destroyed its group",
     {"destroy", "rank 1", "HcclCommDestroy"},
     [](Part &part, int rank) { part.destroys_group = rank == 1; }},
};

static bool holds_one_of(const std::string &text, const std::vector<const char *> &parts) {
    for (const char *part : parts) {
        if (text.find(part) != std::string::npos) {
            return true;
        }
    }
    return false;
}

static void run_failure(const FailureCase &row) {
    Group group(2);
    Outcome outcomes[2];
    group.run([&](Rank &rank) {
        Part part;
        row.change(part, rank.index);
        outcomes[rank.index] = run_part(part, rank);
    });
    for (int i = 0; i < 2; i++) {
        CHECK(outcomes[i].status != 0 && outcomes[i].status != ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, "%s, rank %d: %d",
              row.what, i, outcomes[i].status);
        CHECK(holds_one_of(outcomes[i].text, row.text), "%s, rank %d: '%s'", row.what, i, outcomes[i].text.c_str());
    }
}

int main() {
    for (const FailureCase &row : failure_cases) {
        in_child("HCCL_EXEC_TIMEOUT", "30", [&row](aclrtStream) { run_failure(row); });
    }
    std::printf("%d failures\n", failures);
    return failures == 0 ? 0 : 1;
}
