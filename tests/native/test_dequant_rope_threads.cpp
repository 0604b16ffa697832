// aclnnDequantRopeQuantKvcache on several threads leaves what it leaves on one, also where tokens share a page.
#include "dequant_rope_call.h"

static Array random_array(aclDataType dtype, const Shape &shape, uint32_t seed) {
    Array array = zeros(dtype, shape);
    for (uint8_t &byte : array.bytes) {
        seed = seed * 1664525u + 1013904223u;
        byte = static_cast<uint8_t>(seed >> 24);
    }
    return array;
}

// `count` rows of the array from row `first` on.
static Array rows_of(const Array &array, int64_t first, int64_t count) {
    const size_t row = array.bytes.size() / static_cast<size_t>(array.shape[0]);
    Array part{array.dtype, array.shape, {}};
    part.shape[0] = count;
    const auto from = array.bytes.begin() + static_cast<std::ptrdiff_t>(row) * first;
    part.bytes.assign(from, from + static_cast<std::ptrdiff_t>(row) * count);
    return part;
}

// The outputs of the call on tokens [first, first + count) of random data; updates the caches.
static std::map<std::string, Array> run_pages(const std::vector<int32_t> &pages, int64_t first, int64_t count,
                                              Tensors &caches, aclrtStream stream) {
    const int64_t all = static_cast<int64_t>(pages.size());
    Given given;
    given.type("x", ACL_BF16);
    Arguments call = make(given);
    Array indices = zeros(ACL_INT32, {all});
    std::memcpy(indices.bytes.data(), pages.data(), indices.bytes.size());
    const std::map<const char *, Array> arrays = {
        {"x", random_array(ACL_BF16, {all, 160}, 1)},  {"cos", random_array(ACL_BF16, {all, 32}, 2)},
        {"sin", random_array(ACL_BF16, {all, 32}, 3)}, {"indices", indices},
        {"qOut", zeros(ACL_BF16, {all, 1, 32})},       {"kOut", zeros(ACL_BF16, {all, 2, 32})},
        {"vOut", zeros(ACL_BF16, {all, 2, 32})}};
    for (const auto &[name, array] : arrays) {
        const Array part = rows_of(array, first, count);
        call.tensors[name] = on_device(&part, Layout::Packed);
    }
    std::swap(call.tensors["kCacheRef"], caches["kCacheRef"]);
    std::swap(call.tensors["vCacheRef"], caches["vCacheRef"]);
    call.cache_mode = "page";
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    MUST(call.phase_one(&size, &executor));
    finish(aclnnDequantRopeQuantKvcache, size, executor, stream);
    std::swap(call.tensors["kCacheRef"], caches["kCacheRef"]);
    std::swap(call.tensors["vCacheRef"], caches["vCacheRef"]);
    std::map<std::string, Array> written;
    for (const char *name : outputs) {
        written[name] = call.tensors[name]->read(name);
    }
    return written;
}

// Many tokens at once, on several threads, many of them with the same page, leave what one after the other leaves.
static void run_threads(aclrtStream stream) {
    const int64_t tokens = 2500, step = 500;
    std::vector<int32_t> pages(tokens);
    for (size_t i = 0; i < pages.size(); i++) {
        pages[i] = static_cast<int32_t>(i * 2654435761u >> 7) % 40 - 3;
    }
    const Array cache = random_array(ACL_INT8, {5, 8, 2, 32}, 4);
    Tensors together, apart;
    for (const char *name : {"kCacheRef", "vCacheRef"}) {
        together[name] = on_device(&cache, Layout::Packed);
        apart[name] = on_device(&cache, Layout::Packed);
    }
    const std::map<std::string, Array> all = run_pages(pages, 0, tokens, together, stream);
    for (int64_t first = 0; first < tokens; first += step) {
        for (const auto &[name, part] : run_pages(pages, first, step, apart, stream)) {
            CHECK(part.bytes == rows_of(all.at(name), first, step).bytes, "%s from token %d on", name.c_str(),
                  int(first));
        }
    }
    for (const char *name : {"kCacheRef", "vCacheRef"}) {
        CHECK(together[name]->read(name).bytes == apart[name]->read(name).bytes, "%s", name);
    }
}

int main() {
    in_child("ASCEND_STUB_THREADS", "4", run_threads);
    return failures == 0 ? 0 : 1;
}
