// The reductions of HCCL written from their definitions: integers wrap, floating point numbers are decoded, combined
// exactly as doubles and rounded to their format after each step.
#ifndef ASCEND_TESTS_HCCL_NUMBERS_H
#define ASCEND_TESTS_HCCL_NUMBERS_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "hccl/hccl_types.h"

namespace {

using Bytes = std::vector<uint8_t>;
using Sources = std::vector<Bytes>;

std::mt19937_64 random_bits(7);

template <typename T> T load(const Bytes &bytes, size_t i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
    return value;
}

template <typename T> void store(Bytes &bytes, size_t i, T value) {
    std::memcpy(bytes.data() + i * sizeof value, &value, sizeof value);
}

template <typename T, typename U> Bytes reduce_integers(const Sources &sources, size_t count, HcclReduceOp op) {
    Bytes result = sources[0];
    for (size_t i = 0; i < count; i++) {
        T a = load<T>(sources[0], i);
        for (size_t r = 1; r < sources.size(); r++) {
            const T b = load<T>(sources[r], i);
            const U sum = static_cast<U>(static_cast<U>(a) + static_cast<U>(b));
            const U product = static_cast<U>(static_cast<U>(a) * static_cast<U>(b));
            a = op == HCCL_REDUCE_SUM    ? static_cast<T>(sum)
                : op == HCCL_REDUCE_PROD ? static_cast<T>(product)
                : op == HCCL_REDUCE_MAX  ? std::max(a, b)
                                         : std::min(a, b);
        }
        store(result, i, a);
    }
    return result;
}

// A floating point format by its numbers of bits; values as doubles, which hold all of them and their sums and
// products.
struct Format {
    int bits, fraction;
    int exponent_bits() const {
        return bits - 1 - fraction;
    }
    int bias() const {
        return (1 << (exponent_bits() - 1)) - 1;
    }
    uint64_t quiet() const {
        return ((uint64_t{1} << exponent_bits()) - 1) << fraction | uint64_t{1} << (fraction - 1);
    }
};

double decode(const Format &format, uint64_t raw) {
    const uint64_t fraction = raw & ((uint64_t{1} << format.fraction) - 1);
    const int exponent = static_cast<int>(raw >> format.fraction) & ((1 << format.exponent_bits()) - 1);
    const double sign = raw >> (format.bits - 1) & 1 ? -1.0 : 1.0;
    if (exponent == (1 << format.exponent_bits()) - 1) {
        return fraction ? std::nan("") : sign * std::numeric_limits<double>::infinity();
    }
    const double significand = static_cast<double>(fraction) + (exponent ? std::ldexp(1.0, format.fraction) : 0.0);
    return sign * std::ldexp(significand, std::max(exponent, 1) - format.bias() - format.fraction);
}

// To the nearest, ties to even.
uint64_t encode(const Format &format, double value) {
    if (std::isnan(value)) {
        return format.quiet();
    }
    const uint64_t sign = std::signbit(value) ? uint64_t{1} << (format.bits - 1) : 0;
    const uint64_t infinity = ((uint64_t{1} << format.exponent_bits()) - 1) << format.fraction;
    const double magnitude = std::fabs(value);
    if (std::isinf(magnitude)) {
        return sign | infinity;
    }
    int exponent = 0;
    std::frexp(magnitude, &exponent);
    const int unit = std::max(exponent - 1, 1 - format.bias()) - format.fraction;
    const uint64_t units = static_cast<uint64_t>(std::nearbyint(std::ldexp(magnitude, -unit)));
    // The hidden bit of a normal number and a carry out of rounding both add up to the right exponent.
    const uint64_t above = static_cast<uint64_t>(unit + format.fraction + format.bias() - 1) << format.fraction;
    const uint64_t bits = magnitude == 0 ? 0 : above + units;
    return sign | std::min(bits, infinity);
}

double combine(double a, double b, HcclReduceOp op) {
    if (op == HCCL_REDUCE_SUM || op == HCCL_REDUCE_PROD) {
        return op == HCCL_REDUCE_SUM ? a + b : a * b;
    }
    if (std::isnan(a) || std::isnan(b)) {
        return std::nan("");
    }
    const bool a_larger = a > b || (a == b && !std::signbit(a));
    return a_larger == (op == HCCL_REDUCE_MAX) ? a : b;
}

template <typename Raw>
Bytes reduce_floats(const Format &format, const Sources &sources, size_t count, HcclReduceOp op) {
    Bytes result = sources[0];
    for (size_t i = 0; i < count && sources.size() > 1; i++) {
        double value = decode(format, load<Raw>(sources[0], i));
        for (size_t r = 1; r < sources.size(); r++) {
            const double exact = combine(value, decode(format, load<Raw>(sources[r], i)), op);
            const Raw rounded = static_cast<Raw>(encode(format, exact));
            value = decode(format, rounded);
            store(result, i, rounded);
        }
    }
    return result;
}

struct Type {
    HcclDataType id;
    size_t size;
    bool multiplies;
    std::function<Bytes(const Sources &, size_t, HcclReduceOp)> reduce;
    Format format; // bits 0: an integer
};

template <typename T, typename U> Type integer(HcclDataType id, bool multiplies) {
    return {id, sizeof(T), multiplies, reduce_integers<T, U>, {0, 0}};
}

template <typename Raw> Type floating(HcclDataType id, bool multiplies, Format format) {
    auto reduce = [format](const Sources &sources, size_t count, HcclReduceOp op) {
        return reduce_floats<Raw>(format, sources, count, op);
    };
    return {id, sizeof(Raw), multiplies, reduce, format};
}

const std::vector<Type> &reduced_types() {
    static const std::vector<Type> types = {
        integer<int8_t, uint8_t>(HCCL_DATA_TYPE_INT8, true),
        integer<int16_t, uint16_t>(HCCL_DATA_TYPE_INT16, false),
        integer<int32_t, uint32_t>(HCCL_DATA_TYPE_INT32, true),
        integer<int64_t, uint64_t>(HCCL_DATA_TYPE_INT64, true),
        floating<uint16_t>(HCCL_DATA_TYPE_FP16, true, {16, 10}),
        floating<uint32_t>(HCCL_DATA_TYPE_FP32, true, {32, 23}),
        floating<uint16_t>(HCCL_DATA_TYPE_BFP16, false, {16, 7}),
    };
    return types;
}

// Any bits for integers and a third of the floats (NaNs, infinities, subnormals); ordinary numbers otherwise, so that
// sums round.
Bytes make_values(const Type &type, size_t count) {
    Bytes bytes(count * type.size);
    for (size_t i = 0; i < count; i++) {
        uint64_t raw = random_bits();
        if (type.format.bits != 0 && raw % 3 != 0) {
            raw = encode(type.format, std::ldexp(static_cast<double>(static_cast<int64_t>(random_bits())), -61));
        }
        std::memcpy(bytes.data() + i * type.size, &raw, type.size); // little endian
    }
    return bytes;
}

Sources make_sources(const Type &type, size_t count, size_t ranks) {
    Sources sources;
    for (size_t i = 0; i < ranks; i++) {
        sources.push_back(make_values(type, count));
    }
    return sources;
}

} // namespace

#endif
