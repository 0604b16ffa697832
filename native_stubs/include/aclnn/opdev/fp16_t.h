/* The half-precision number of CANN's C++ interface, as far as programs that prepare tensors use it: made from any
 * arithmetic type (rounded to nearest, ties to even), computed with and compared as a float. */
#ifndef ASCEND_STUB_ACLNN_OPDEV_FP16_T_H
#define ASCEND_STUB_ACLNN_OPDEV_FP16_T_H

#include <cmath>
#include <cstdint>
#include <type_traits>

namespace op {

struct fp16_t {
    uint16_t val = 0; /* the bits */

    constexpr fp16_t() = default;
    /* A uint16_t is taken as bits, as CANN does. */
    constexpr fp16_t(const uint16_t &bits) : val(bits) {}
    template <typename T, typename = std::enable_if_t<std::is_arithmetic<T>::value>>
    fp16_t(const T &value) : val(rounded(static_cast<double>(value))) {}

    operator float() const {
        const int exponent = val >> 10 & 31;
        const int fraction = val & 1023;
        const float magnitude = exponent == 31  ? (fraction == 0 ? INFINITY : NAN)
                                : exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                                                : std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
        return std::copysign(magnitude, (val & 0x8000) != 0 ? -1.0f : 1.0f);
    }

  private:
    static uint16_t rounded(double value) {
        const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
        const double magnitude = std::fabs(value);
        if (!(magnitude < 65520.0)) { /* the middle between the largest number and what would follow it, or NaN */
            return static_cast<uint16_t>(sign | (std::isnan(value) ? 0x7E00 : 0x7C00));
        }
        /* The number in units of its last place; 1024 units of an exponent carry into the next one. */
        const int exponent = magnitude < 0x1p-14 ? -14 : std::ilogb(magnitude);
        const double units = std::nearbyint(std::ldexp(magnitude, 10 - exponent));
        return static_cast<uint16_t>(sign + ((exponent + 14) << 10) + static_cast<int>(units));
    }
};

} // namespace op

#endif
