// Every set of inner loops gives the same bits: the same calls in child processes that differ in ASCEND_STUB_SIMD only,
// over all bit patterns of fp16 and bf16 and over random parameters, infinities, NaNs and subnormals included.
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

static void quantise(const Array &x, const Array *smooth, aclDataType y_type, bool symmetric, aclrtStream stream,
                     Output &output) {
    const Array y_array = zeros(y_type, x.shape), per_row = zeros(ACL_FLOAT, {x.shape[0]});
    const TensorPointer in = on_device(&x, Layout::Packed), factors = on_device(smooth, Layout::Packed),
                        y = on_device(&y_array, Layout::Packed), scale = on_device(&per_row, Layout::Packed),
                        offset = symmetric ? nullptr : on_device(&per_row, Layout::Packed);
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    MUST(aclnnDynamicQuantV2GetWorkspaceSize(handle_of(in), handle_of(factors), nullptr, 2, handle_of(y),
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
                quantise(all_patterns(dtype), nullptr, y, symmetric, stream, output);
                for (int64_t columns : {2, 30, 66, 1022, 1500}) {
                    const bool tame = columns != 66;
                    const Array smooth = random_array(dtype, {columns}, tame);
                    const Array x = random_array(dtype, {9, columns}, tame);
                    quantise(x, &smooth, y, symmetric, stream, output);
                    quantise(x, nullptr, y, symmetric, stream, output);
                }
            }
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

static Output output_with(const char *simd) {
    int ends[2];
    MUST(pipe(ends));
    // The child's child does the work, so that this process can read while it writes.
    std::fflush(stdout);
    const pid_t writer = fork();
    if (writer == 0) {
        close(ends[0]);
        failures = 0;
        in_child("ASCEND_STUB_SIMD", simd, [&ends](aclrtStream stream) {
            Output output;
            quantise_everything(stream, output);
            restore_everything(stream, output);
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
    CHECK(waitpid(writer, &status, 0) == writer && status == 0, "%s", simd);
    return output;
}

int main() {
    const Output baseline = output_with("baseline"), best = output_with("");
    CHECK(baseline.size() > 1000000, "only %zu bytes", baseline.size());
    CHECK(baseline == best, "the two sets of inner loops differ");
    std::printf("%zu bytes compared, %d failures\n", baseline.size(), failures);
    return failures == 0 ? 0 : 1;
}
