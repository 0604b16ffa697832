// What the operator tests share: vectors read from text (see vectors_to_text.py), device tensors in several memory
// layouts, and counted checks. Uses public CANN calls only.
#ifndef ASCEND_TESTS_VECTORS_H
#define ASCEND_TESTS_VECTORS_H

#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "acl/acl.h"
#include "aclnn/acl_meta.h"

inline int failures = 0;

#define CHECK(condition, ...)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            failures++;                                                                                                \
            std::printf("FAILED %s:%d: %s: ", __FILE__, __LINE__, #condition);                                         \
            std::printf(__VA_ARGS__);                                                                                  \
            std::printf("\n");                                                                                         \
        }                                                                                                              \
    } while (0)

// A failure without which going on makes no sense.
#define MUST(call)                                                                                                     \
    do {                                                                                                               \
        const int must_status = (call);                                                                                \
        if (must_status != 0) {                                                                                        \
            const char *must_text = aclGetRecentErrMsg();                                                              \
            std::printf("FAILED %s:%d: %s: %d %s\n", __FILE__, __LINE__, #call, must_status,                           \
                        must_text ? must_text : "");                                                                   \
            std::exit(1);                                                                                              \
        }                                                                                                              \
    } while (0)

using Shape = std::vector<int64_t>;

inline int64_t count_of(const Shape &shape) {
    int64_t count = 1;
    for (int64_t dim : shape) {
        count *= dim;
    }
    return count;
}

inline int bits_of(aclDataType dtype) {
    static const std::map<aclDataType, int> bits = {
        {ACL_FLOAT, 32}, {ACL_FLOAT16, 16}, {ACL_BF16, 16},       {ACL_INT8, 8},    {ACL_UINT8, 8},   {ACL_INT4, 4},
        {ACL_INT32, 32}, {ACL_INT64, 64},   {ACL_FLOAT8_E5M2, 8}, {ACL_DOUBLE, 64}, {ACL_UINT64, 64},
    };
    return bits.at(dtype);
}

// A tensor on the host: packed, row-major.
struct Array {
    aclDataType dtype = ACL_FLOAT;
    Shape shape;
    std::vector<uint8_t> bytes;

    template <typename T> T at(int64_t index) const {
        T value;
        std::memcpy(&value, bytes.data() + index * int64_t{sizeof(T)}, sizeof(T));
        return value;
    }
};

inline Array zeros(aclDataType dtype, const Shape &shape) {
    return {dtype, shape, std::vector<uint8_t>(static_cast<size_t>((count_of(shape) * bits_of(dtype) + 7) / 8))};
}

struct Vector {
    std::string name;
    std::map<std::string, Array> arrays;
    std::map<std::string, int64_t> numbers;

    const Array *find(const std::string &key) const {
        const auto found = arrays.find(key);
        return found == arrays.end() ? nullptr : &found->second;
    }
};

struct VectorFile {
    std::vector<Vector> vectors;
    std::map<std::string, int> statuses; // of phase one, by the text that says what is changed
};

inline Array read_array(std::istream &in) {
    static const std::map<std::string, aclDataType> types = {
        {"float16", ACL_FLOAT16}, {"bfloat16", ACL_BF16}, {"float32", ACL_FLOAT},
        {"int8", ACL_INT8},       {"int4", ACL_INT4},     {"int32", ACL_INT32},
        {"int64", ACL_INT64},     {"uint8", ACL_UINT8},   {"uint64", ACL_UINT64},
    };
    std::string type, hex;
    size_t rank, size;
    in >> type >> rank;
    Array array{types.at(type), Shape(rank), {}};
    for (int64_t &dim : array.shape) {
        in >> dim;
    }
    in >> size >> hex;
    for (size_t i = 0; i < size; i++) {
        array.bytes.push_back(static_cast<uint8_t>(std::stoi(hex.substr(2 * i, 2), nullptr, 16)));
    }
    return array;
}

inline VectorFile read_vectors(const char *path) {
    VectorFile file;
    std::ifstream text(path);
    for (std::string line; std::getline(text, line);) {
        std::istringstream in(line);
        std::string kind, name;
        in >> kind;
        if (kind == "status") {
            int status;
            in >> status >> std::ws;
            std::getline(in, name);
            file.statuses[name] = status;
        } else if (kind == "vector") {
            in >> name;
            file.vectors.push_back({name, {}, {}});
        } else if (kind == "number") {
            in >> name;
            in >> file.vectors.back().numbers[name];
        } else if (kind == "tensor") {
            in >> name;
            file.vectors.back().arrays[name] = read_array(in);
        }
    }
    return file;
}

// How a tensor lies in its storage.
enum class Layout { Packed, Shifted, Spaced, Transposed };
inline const char *const layout_names[] = {"packed", "shifted", "spaced", "transposed"};
inline const Layout all_layouts[] = {Layout::Packed, Layout::Shifted, Layout::Spaced, Layout::Transposed};

// Strides of the layout. Spaced: every second element of rows that have room behind them. All but Packed begin at an
// odd element, in the middle of a byte for INT4.
inline Shape strides_of(const Shape &shape, Layout layout) {
    Shape strides(shape.size());
    int64_t step = layout == Layout::Spaced ? 2 : 1;
    for (size_t i = 0; i < shape.size(); i++) {
        const size_t axis = layout == Layout::Transposed ? i : shape.size() - 1 - i;
        strides[axis] = step;
        step = step * shape[axis] + (layout == Layout::Spaced ? 3 : 0);
    }
    return strides;
}

// One tensor on the device with gaps of a known pattern around and, by layout, between its elements.
class DeviceTensor {
  public:
    DeviceTensor(const Array &array, Layout layout)
        : array_(array), strides_(strides_of(array.shape, layout)), offset_(layout == Layout::Packed ? 0 : 5) {
        int64_t last = offset_;
        for (size_t i = 0; i < array.shape.size(); i++) {
            last += (array.shape[i] - 1) * strides_[i];
        }
        const int64_t elements = count_of(array.shape) > 0 ? last + 1 : 0;
        storage_.assign(static_cast<size_t>((elements * bits_of(array.dtype) + 7) / 8) + 64, 0xA5);
        copy_elements([this](int64_t packed, int64_t stored) { set(storage_, stored, get(array_.bytes, packed)); });
        MUST(aclrtMalloc(&address_, storage_.size(), ACL_MEM_MALLOC_HUGE_FIRST));
        MUST(aclrtMemcpy(address_, storage_.size(), storage_.data(), storage_.size(), ACL_MEMCPY_HOST_TO_DEVICE));
        handle_ = aclCreateTensor(array.shape.data(), array.shape.size(), array.dtype, strides_.data(), offset_,
                                  ACL_FORMAT_ND, &elements, 1, elements > 0 ? address_ : nullptr);
        CHECK(handle_ != nullptr, "aclCreateTensor");
    }
    ~DeviceTensor() {
        aclDestroyTensor(handle_);
        aclrtFree(address_);
    }
    DeviceTensor(const DeviceTensor &) = delete;
    DeviceTensor &operator=(const DeviceTensor &) = delete;

    aclTensor *handle() const {
        return handle_;
    }

    // The elements now; everything between and around them must be as it was.
    Array read(const char *what) {
        std::vector<uint8_t> now(storage_.size());
        MUST(aclrtMemcpy(now.data(), now.size(), address_, now.size(), ACL_MEMCPY_DEVICE_TO_HOST));
        Array result = zeros(array_.dtype, array_.shape);
        copy_elements([&](int64_t packed, int64_t stored) {
            set(result.bytes, packed, get(now, stored));
            set(now, stored, get(storage_, stored));
        });
        CHECK(now == storage_, "%s: bytes outside of the tensor were written", what);
        return result;
    }

  private:
    using Element = uint64_t;
    Element get(const std::vector<uint8_t> &bytes, int64_t index) const {
        Element value = 0;
        const int bits = bits_of(array_.dtype);
        if (bits == 4) {
            return bytes[static_cast<size_t>(index / 2)] >> 4 * (index % 2) & 0xF;
        }
        std::memcpy(&value, bytes.data() + index * bits / 8, static_cast<size_t>(bits) / 8);
        return value;
    }
    void set(std::vector<uint8_t> &bytes, int64_t index, Element value) const {
        const int bits = bits_of(array_.dtype);
        if (bits == 4) {
            uint8_t &byte = bytes[static_cast<size_t>(index / 2)];
            byte = static_cast<uint8_t>((byte & (index % 2 ? 0x0F : 0xF0)) | value << 4 * (index % 2));
            return;
        }
        std::memcpy(bytes.data() + index * bits / 8, &value, static_cast<size_t>(bits) / 8);
    }
    void copy_elements(const std::function<void(int64_t, int64_t)> &copy) const {
        const int64_t count = count_of(array_.shape);
        for (int64_t packed = 0; packed < count; packed++) {
            int64_t rest = packed, stored = offset_;
            for (size_t i = array_.shape.size(); i-- > 0;) {
                stored += rest % array_.shape[i] * strides_[i];
                rest /= array_.shape[i];
            }
            copy(packed, stored);
        }
    }

    Array array_;
    Shape strides_;
    int64_t offset_;
    std::vector<uint8_t> storage_;
    void *address_ = nullptr;
    aclTensor *handle_ = nullptr;
};

using TensorPointer = std::unique_ptr<DeviceTensor>;

inline TensorPointer on_device(const Array *array, Layout layout) {
    return array ? std::make_unique<DeviceTensor>(*array, layout) : nullptr;
}
inline TensorPointer like_on_device(const Array *array, Layout layout) {
    return array ? std::make_unique<DeviceTensor>(zeros(array->dtype, array->shape), layout) : nullptr;
}
inline aclTensor *handle_of(const TensorPointer &tensor) {
    return tensor ? tensor->handle() : nullptr;
}

using PhaseTwo = aclnnStatus (*)(void *, uint64_t, aclOpExecutor *, aclrtStream);

// Phase two with the workspace that phase one asked for, and the wait for its end.
inline void finish(PhaseTwo phase_two, uint64_t workspace_size, aclOpExecutor *executor, aclrtStream stream) {
    void *workspace = nullptr;
    if (workspace_size > 0) {
        MUST(aclrtMalloc(&workspace, workspace_size, ACL_MEM_MALLOC_HUGE_FIRST));
    }
    MUST(phase_two(workspace, workspace_size, executor, stream));
    MUST(aclrtSynchronizeStream(stream));
    if (workspace) {
        aclrtFree(workspace);
    }
}

// Runs `body` with a device and a stream in a child process whose environment has `name` set to `value`: the library
// reads its settings once per process.
inline void in_child(const char *name, const char *value, const std::function<void(aclrtStream)> &body) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        setenv(name, value, 1);
        aclrtStream stream = nullptr;
        MUST(aclInit(nullptr));
        MUST(aclrtSetDevice(0));
        MUST(aclrtCreateStream(&stream));
        failures = 0;
        body(stream);
        MUST(aclrtDestroyStream(stream));
        MUST(aclrtResetDevice(0));
        MUST(aclFinalize());
        std::exit(failures == 0 ? 0 : 1);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0, "with %s=%s", name, value);
}

#endif
