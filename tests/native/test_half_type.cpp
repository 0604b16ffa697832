// op::fp16_t: every half survives the way through float, and numbers between two halves go to the nearer one.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "aclnn/opdev/fp16_t.h"
#include "check.h"

namespace {

constexpr uint16_t INFINITE = 0x7C00;

op::fp16_t of_bits(int bits) {
    return op::fp16_t(static_cast<uint16_t>(bits));
}

void every_half_survives() {
    for (int bits = 0; bits <= 0xFFFF; bits++) {
        const float value = of_bits(bits);
        if ((bits & 0x7FFF) > INFINITE) {
            CHECK(std::isnan(value) && std::isnan(static_cast<float>(op::fp16_t(value))));
        } else {
            CHECK(op::fp16_t(value).val == bits);
        }
    }
}

// The middle of two neighbours is a float, exactly; ties go to the even one.
void what_lies_between_is_rounded() {
    for (int low = 0; low < INFINITE - 1; low++) {
        const float below = of_bits(low), above = of_bits(low + 1), middle = below + (above - below) / 2;
        CHECK(below < middle && middle < above);
        CHECK(op::fp16_t(middle).val == low + (low & 1));
        CHECK(op::fp16_t(std::nextafter(middle, 0.0f)).val == low);
        CHECK(op::fp16_t(std::nextafter(middle, 1e6f)).val == low + 1);
        CHECK(op::fp16_t(-middle).val == (0x8000 | (low + (low & 1))));
    }
}

void known_numbers() {
    CHECK(op::fp16_t(1.0).val == 0x3C00 && op::fp16_t(1).val == 0x3C00 && op::fp16_t(-2.0f).val == 0xC000);
    CHECK(op::fp16_t(65504).val == 0x7BFF && op::fp16_t(65519.0).val == 0x7BFF && op::fp16_t(65520.0).val == INFINITE);
    CHECK(op::fp16_t(1e300).val == INFINITE && op::fp16_t(-1e300).val == (0x8000 | INFINITE));
    CHECK(op::fp16_t(true).val == 0x3C00 && op::fp16_t().val == 0 && op::fp16_t(-0.0).val == 0x8000);
    CHECK(of_bits(1) == std::ldexp(1.0f, -24) && of_bits(0x3555) < 1 && of_bits(0x4248) + 1 == 4.140625f);
}

void it_is_two_bytes_in_arrays() {
    const std::vector<op::fp16_t> ones(3, 1.0);
    const uint16_t expected[] = {0x3C00, 0x3C00, 0x3C00};
    CHECK(sizeof(op::fp16_t) == 2 && std::memcmp(ones.data(), expected, sizeof expected) == 0);
}

} // namespace

int main() {
    every_half_survives();
    what_lies_between_is_rounded();
    known_numbers();
    it_is_two_bytes_in_arrays();
    return 0;
}
