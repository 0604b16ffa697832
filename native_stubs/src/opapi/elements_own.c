/* Elements <-> the numbers of their own class. FLOAT16 goes through the processor's own conversions where it has them;
 * everything else is one loop for each type, as vector code where the elements touch. Halves that do not touch, and
 * every other element, are brought together first. */
#include "opapi/elements_parts.h"

#include <string.h>

#include "core/half.h"
#include "opapi/loops.h"
#include "opapi/simd.h"

#if defined(__x86_64__)
#include "opapi/simd_avx2.h"
#endif

/* Elements of `type` as numbers of type `number`; a constant step lets the compiler turn the loop into vector code. */
#define LOAD(type, number, expression)                                                                                 \
    {                                                                                                                  \
        number *to = numbers;                                                                                          \
        if (step == (int64_t)sizeof(type)) {                                                                           \
            for (size_t i = 0; i < n; i++) {                                                                           \
                type v;                                                                                                \
                memcpy(&v, (const uint8_t *)elements + i * sizeof(type), sizeof v);                                    \
                to[i] = (number)(expression);                                                                          \
            }                                                                                                          \
        } else {                                                                                                       \
            for (size_t i = 0; i < n; i++) {                                                                           \
                type v;                                                                                                \
                memcpy(&v, (const uint8_t *)elements + (int64_t)i * step, sizeof v);                                   \
                to[i] = (number)(expression);                                                                          \
            }                                                                                                          \
        }                                                                                                              \
        break;                                                                                                         \
    }

typedef struct {
    uint16_t real, imaginary;
} half_complex;

STUB_VERSIONS(void, load_each, (aclDataType from, const void *elements, int64_t step, size_t n, void *numbers), {
    switch (from) {
    case ACL_FLOAT:
        LOAD(float, float, v)
    case ACL_FLOAT16:
        LOAD(uint16_t, float, stub_f16_to_f32(v))
    case ACL_BF16:
        LOAD(uint16_t, float, stub_bf16_to_f32(v))
    case ACL_DOUBLE:
        LOAD(double, double, v)
    case ACL_INT8:
        LOAD(int8_t, int64_t, v)
    case ACL_UINT8:
        LOAD(uint8_t, int64_t, v)
    case ACL_INT16:
        LOAD(int16_t, int64_t, v)
    case ACL_UINT16:
        LOAD(uint16_t, int64_t, v)
    case ACL_INT32:
        LOAD(int32_t, int64_t, v)
    case ACL_UINT32:
        LOAD(uint32_t, int64_t, v)
    case ACL_INT64:
    case ACL_UINT64:
        LOAD(int64_t, int64_t, v)
    case ACL_BOOL:
        LOAD(uint8_t, uint8_t, v != 0)
    case ACL_COMPLEX32:
        LOAD(half_complex, double complex, CMPLX(stub_f16_to_f32(v.real), stub_f16_to_f32(v.imaginary)))
    case ACL_COMPLEX64:
        LOAD(float complex, double complex, v)
    default:
        LOAD(double complex, double complex, v)
    }
})

#define STORE(type, number, expression)                                                                                \
    {                                                                                                                  \
        const number *from = numbers;                                                                                  \
        if (step == (int64_t)sizeof(type)) {                                                                           \
            for (size_t i = 0; i < n; i++) {                                                                           \
                const number v = from[i];                                                                              \
                const type element = (expression);                                                                     \
                memcpy((uint8_t *)elements + i * sizeof(type), &element, sizeof element);                              \
            }                                                                                                          \
        } else {                                                                                                       \
            for (size_t i = 0; i < n; i++) {                                                                           \
                const number v = from[i];                                                                              \
                const type element = (expression);                                                                     \
                memcpy((uint8_t *)elements + (int64_t)i * step, &element, sizeof element);                             \
            }                                                                                                          \
        }                                                                                                              \
        break;                                                                                                         \
    }

static half_complex narrow_complex(double complex v) {
    return (half_complex){stub_f32_to_f16((float)creal(v)), stub_f32_to_f16((float)cimag(v))};
}

STUB_VERSIONS(void, store_each, (aclDataType to, const void *numbers, size_t n, void *elements, int64_t step), {
    switch (to) {
    case ACL_FLOAT:
        STORE(float, float, v)
    case ACL_FLOAT16:
        STORE(uint16_t, float, stub_f32_to_f16(v))
    case ACL_BF16:
        STORE(uint16_t, float, stub_f32_to_bf16(v))
    case ACL_DOUBLE:
        STORE(double, double, v)
    case ACL_INT8:
    case ACL_UINT8:
        STORE(uint8_t, int64_t, (uint8_t)v)
    case ACL_INT16:
    case ACL_UINT16:
        STORE(uint16_t, int64_t, (uint16_t)v)
    case ACL_INT32:
    case ACL_UINT32:
        STORE(uint32_t, int64_t, (uint32_t)v)
    case ACL_INT64:
    case ACL_UINT64:
        STORE(int64_t, int64_t, v)
    case ACL_BOOL:
        STORE(uint8_t, uint8_t, v != 0)
    case ACL_COMPLEX32:
        STORE(half_complex, double complex, narrow_complex(v))
    case ACL_COMPLEX64:
        STORE(float complex, double complex, (float complex)v)
    default:
        STORE(double complex, double complex, v)
    }
})

#if defined(__x86_64__)
/* The one quiet NaN of FLOAT16, where the processor would keep a NaN's bits. */
AVX2 static size_t narrow_to_f16(const float *numbers, size_t n, void *elements) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const __m256 v = _mm256_loadu_ps(numbers + i);
        const __m256 nan = _mm256_cmp_ps(v, v, _CMP_UNORD_Q);
        const __m256 quiet = _mm256_blendv_ps(v, _mm256_castsi256_ps(_mm256_set1_epi32((int)STUB_F32_NAN)), nan);
        const __m128i half = _mm256_cvtps_ph(quiet, _MM_FROUND_TO_NEAREST_INT);
        _mm_storeu_si128((__m128i *)(void *)((uint8_t *)elements + 2 * i), half);
    }
    return i;
}

/* stub_f32_to_bf16 of eight numbers, as 32-bit words. */
AVX2_INLINE __m256i bf16_words(__m256 v) {
    const __m256i bits = _mm256_castps_si256(v), nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i near = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7FFF)), odd);
    return _mm256_srli_epi32(_mm256_blendv_epi8(near, _mm256_set1_epi32((int)STUB_F32_NAN), nan), 16);
}

AVX2 static size_t narrow_to_bf16(const float *numbers, size_t n, void *elements) {
    size_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        const __m256i a = bf16_words(_mm256_loadu_ps(numbers + i));
        const __m256i b = bf16_words(_mm256_loadu_ps(numbers + i + LANES));
        const __m256i words = _mm256_permute4x64_epi64(_mm256_packus_epi32(a, b), _MM_SHUFFLE(3, 1, 2, 0));
        _mm256_storeu_si256((__m256i *)(void *)((uint8_t *)elements + 2 * i), words);
    }
    return i;
}
#endif

/* n halves that touch. */
static void narrow(aclDataType to, const float *numbers, size_t n, uint8_t *elements) {
    size_t done = 0;
#if defined(__x86_64__)
    if (stub_cpu_level() == STUB_CPU_AVX2) {
        done = (to == ACL_FLOAT16 ? narrow_to_f16 : narrow_to_bf16)(numbers, n, elements);
    }
#endif
    STUB_BEST(store_each)(to, numbers + done, n - done, elements + 2 * done, 2);
}

static bool is_half(aclDataType type) {
    return type == ACL_FLOAT16 || type == ACL_BF16;
}

/* Elements of 2 or 4 bytes, each followed by one that is left out. */
#define EVERY_OTHER(type)                                                                                              \
    STUB_VERSIONS(void, every_other_##type, (const uint8_t *restrict from, size_t n, type *restrict to), {             \
        for (size_t i = 0; i < n; i++) {                                                                               \
            type v;                                                                                                    \
            memcpy(&v, from + 2 * i * sizeof v, sizeof v);                                                             \
            to[i] = v;                                                                                                 \
        }                                                                                                              \
    })
EVERY_OTHER(uint16_t)
EVERY_OTHER(uint32_t)

typedef union {
    uint16_t halves[STUB_STRETCH];
    uint32_t words[STUB_STRETCH];
} neighbours;

/* Brings n elements together if their conversion, or the bringing, is worth vector code. */
static bool bring_together(aclDataType from, const uint8_t *elements, int64_t step, size_t n, neighbours *near) {
    const int64_t size = stub_dtype_bits(from) / 8;
    if (step == size || n > STUB_STRETCH) {
        return false;
    }
    if (step == 2 * size && size == 4) {
        STUB_BEST(every_other_uint32_t)(elements, n, near->words);
        return true;
    }
    if (step == 2 * size && size == 2) {
        STUB_BEST(every_other_uint16_t)(elements, n, near->halves);
        return true;
    }
    for (size_t i = 0; i < n && from == ACL_FLOAT16; i++) {
        memcpy(&near->halves[i], elements + (int64_t)i * step, 2);
    }
    return from == ACL_FLOAT16;
}

void stub_load_own(aclDataType from, const void *elements, int64_t step, size_t n, void *numbers) {
    neighbours near;
    if (bring_together(from, elements, step, n, &near)) {
        elements = &near;
        step = stub_dtype_bits(from) / 8;
    }
    if (from == ACL_FLOAT16 && step == 2) {
        stub_get_simd()->widen(STUB_HALF_F16, elements, n, numbers);
        return;
    }
    STUB_BEST(load_each)(from, elements, step, n, numbers);
}

/* Halves that are to lie apart are rounded side by side. */
void stub_store_own(aclDataType to, const void *numbers, size_t n, void *elements, int64_t step) {
    if (!is_half(to) || (step != 2 && n > STUB_STRETCH)) {
        STUB_BEST(store_each)(to, numbers, n, elements, step);
        return;
    }
    uint16_t near[STUB_STRETCH];
    narrow(to, numbers, n, step == 2 ? elements : (void *)near);
    for (size_t i = 0; i < n && step != 2; i++) {
        memcpy((uint8_t *)elements + (int64_t)i * step, &near[i], 2);
    }
}
