// Every set of inner loops and every number of threads gives the same bits: the same calls in child processes that
// differ in ASCEND_STUB_SIMD and ASCEND_STUB_THREADS only, over all bit patterns of fp16 and bf16 and over random
// parameters, infinities, NaNs and subnormals included.
#include "aclnnop/aclnn_ascend_anti_quant.h"
#include "aclnnop/aclnn_dynamic_quant_v2.h"
#include "vectors.h"

static uint32_t state = 1;

static uint32_t next_random() {
    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

// Random bits; `tame` keeps 16-bit floating point values between 2^-4 and 2^4 or so, for rows without infinities.
static Array random_array(aclDataType dtype, const Shape &shape, bool tame) {
    Array array = zeros(dtype, shape);
    for (size_t i = 0; i < array.bytes.size(); i++) {
        array.bytes[i] = static_cast<uint8_t>(next_random());
        if (tame && i % 2 == 1) {
            const int middle = dtype == ACL_BF16 ? 0x3E : 0x34;
            array.bytes[i] = static_cast<uint8_t>((array.bytes[i] & 0x83) | middle);
        }
    }
    return array;
}

// Row r holds the patterns 64 r to 64 r + 63, so that rows of subnormals, of NaNs and of every size of number occur.
static Array all_patterns(aclDataType dtype) {
    Array array = zeros(dtype, {1024, 64});
    for (size_t i = 0; i < 65536; i++) {
        const size_t shuffled = i * 40503 % 65536;
        const size_t pattern = i < 32768 ? i : shuffled;
        array.bytes[2 * i] = static_cast<uint8_t>(pattern);
        array.bytes[2 * i + 1] = static_cast<uint8_t>(pattern >> 8);
    }
    return array;
}

using Output = std::vector<uint8_t>;

static void append(Output &output, const TensorPointer &tensor) {
    const Array array = tensor->read("output");
    output.insert(output.end(), array.bytes.begin(), array.bytes.end());
}

// What a call of DynamicQuantV2 may have besides x; pointers may be NULL.
struct Quantised {
    aclDataType y_type;
    bool symmetric;
    const Array *smooth, *group;
    Layout layout;
};

static void quantise(const Array &x, const Quantised &by, aclrtStream stream, Output &output) {
    const Array y_array = zeros(by.y_type, x.shape), per_row = zeros(ACL_FLOAT, {x.shape[0]});
    const TensorPointer in = on_device(&x, by.layout), factors = on_device(by.smooth, Layout::Packed),
                        group = on_device(by.group, Layout::Packed), y = on_device(&y_array, by.layout),
                        scale = on_device(&per_row, Layout::Packed),
                        offset = by.symmetric ? nullptr : on_device(&per_row, Layout::Packed);
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    MUST(aclnnDynamicQuantV2GetWorkspaceSize(handle_of(in), handle_of(factors), handle_of(group), 2, handle_of(y),
                                             handle_of(scale), handle_of(offset), &size, &executor));
    finish(aclnnDynamicQuantV2, size, executor, stream);
    append(output, y);
    append(output, scale);
    if (offset) {
        append(output, offset);
    }
}

static void restore(const Array &x, const Array &scale, const Array &offset, aclDataType y_type, bool sqrt_mode,
                    aclrtStream stream, Output &output) {
    const Array y_array = zeros(y_type, x.shape);
    const TensorPointer in = on_device(&x, Layout::Packed), s = on_device(&scale, Layout::Packed),
                        o = on_device(&offset, Layout::Packed), y = on_device(&y_array, Layout::Packed);
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    MUST(aclnnAscendAntiQuantGetWorkspaceSize(handle_of(in), handle_of(s), handle_of(o), y_type, sqrt_mode,
                                              handle_of(y), &size, &executor));
    finish(aclnnAscendAntiQuant, size, executor, stream);
    append(output, y);
}

static void quantise_everything(aclrtStream stream, Output &output) {
    for (aclDataType dtype : {ACL_FLOAT16, ACL_BF16}) {
        for (aclDataType y : {ACL_INT8, ACL_INT4}) {
            for (bool symmetric : {true, false}) {
                quantise(all_patterns(dtype), {y, symmetric, nullptr, nullptr, Layout::Packed}, stream, output);
                for (int64_t columns : {2, 30, 34, 64, 66, 126, 1022, 1500}) {
                    const bool tame = columns != 66;
                    const Array smooth = random_array(dtype, {columns}, tame);
                    const Array x = random_array(dtype, {9, columns}, tame);
                    quantise(x, {y, symmetric, &smooth, nullptr, Layout::Packed}, stream, output);
                    quantise(x, {y, symmetric, nullptr, nullptr, Layout::Packed}, stream, output);
                }
            }
        }
    }
}

// Enough rows for several threads; rows of shifted int4 share a byte with their neighbours.
static void quantise_on_threads(aclrtStream stream, Output &output) {
    const int64_t rows = 131, columns = 2050;
    Array group = zeros(ACL_INT32, {3});
    const int32_t ends[] = {20, 110, 131};
    std::memcpy(group.bytes.data(), ends, sizeof ends);
    const Array x = random_array(ACL_FLOAT16, {rows, columns}, true);
    const Array smooth = random_array(ACL_FLOAT16, {columns}, true);
    const Array experts = random_array(ACL_FLOAT16, {3, columns}, true);
    for (Layout layout : {Layout::Packed, Layout::Shifted}) {
        for (aclDataType y : {ACL_INT8, ACL_INT4}) {
            quantise(x, {y, true, nullptr, nullptr, layout}, stream, output);
            quantise(x, {y, false, &smooth, nullptr, layout}, stream, output);
            quantise(x, {y, true, &experts, &group, layout}, stream, output);
        }
    }
}

static void restore_everything(aclrtStream stream, Output &output) {
    for (aclDataType dtype : {ACL_FLOAT, ACL_BF16}) {
        for (aclDataType x_type : {ACL_INT8, ACL_INT4}) {
            for (aclDataType y : {ACL_FLOAT16, ACL_BF16}) {
                for (bool sqrt_mode : {false, true}) {
                    for (int64_t columns : {2, 30, 1022, 5000}) {
                        const Array scale = random_array(dtype, {columns}, columns == 30);
                        const Array offset = random_array(dtype, {columns}, columns != 2);
                        const Array x = random_array(x_type, {3, columns}, false);
                        restore(x, scale, offset, y, sqrt_mode, stream, output);
                    }
                }
            }
        }
    }
}

// Many rows, long rows, and one scale for all: the ways in which threads share the work.
static void restore_on_threads(aclrtStream stream, Output &output) {
    for (aclDataType x_type : {ACL_INT8, ACL_INT4}) {
        for (const Shape &shape : {Shape{60, 3002}, Shape{2, 70002}, Shape{140002}}) {
            const int64_t columns = shape.size() == 1 ? 1 : shape.back();
            const Array scale = random_array(ACL_BF16, {columns}, true), x = random_array(x_type, shape, false);
            restore(x, scale, random_array(ACL_BF16, {columns}, true), ACL_FLOAT16, false, stream, output);
        }
    }
}

static void run_everything(aclrtStream stream, Output &output) {
    quantise_everything(stream, output);
    quantise_on_threads(stream, output);
    restore_everything(stream, output);
    restore_on_threads(stream, output);
}

static Output output_with(const char *simd, const char *threads) {
    int ends[2];
    MUST(pipe(ends));
    // The child's child does the work, so that this process can read while it writes.
    std::fflush(stdout);
    const pid_t writer = fork();
    if (writer == 0) {
        close(ends[0]);
        failures = 0;
        setenv("ASCEND_STUB_THREADS", threads, 1);
        in_child("ASCEND_STUB_SIMD", simd, [&ends](aclrtStream stream) {
            Output output;
            run_everything(stream, output);
            for (size_t done = 0; done < output.size();) {
                const ssize_t n = write(ends[1], output.data() + done, output.size() - done);
                MUST(n <= 0);
                done += static_cast<size_t>(n);
            }
        });
        std::exit(failures == 0 ? 0 : 1);
    }
    close(ends[1]);
    Output output;
    uint8_t buffer[65536];
    for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) {
        output.insert(output.end(), buffer, buffer + n);
    }
    close(ends[0]);
    int status = -1;
    CHECK(waitpid(writer, &status, 0) == writer && status == 0, "%s, %s threads", simd, threads);
    return output;
}

int main() {
    const Output baseline = output_with("baseline", "1"), best = output_with("", "1"), threads = output_with("", "7");
    CHECK(baseline.size() > 1000000, "only %zu bytes", baseline.size());
    CHECK(baseline == best, "the two sets of inner loops differ");
    CHECK(best == threads, "one thread and several differ");
    std::printf("%zu bytes compared, %d failures\n", baseline.size(), failures);
    return failures == 0 ? 0 : 1;
}
