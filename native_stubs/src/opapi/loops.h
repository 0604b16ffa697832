/* Inner loops in one version per instruction set, from one text. Versions give the same bits: the same operations in
 * the same order, no contraction. The choice is stub_cpu_level's, per call. Sanitizer builds have one version, to be
 * built in half the time. */
#ifndef ASCEND_STUB_OPAPI_LOOPS_H
#define ASCEND_STUB_OPAPI_LOOPS_H

#include <stddef.h>

#include "core/cpu.h"

/* Says that element i of an output depends on elements i of the inputs alone: in and out may be the same array. */
#if defined(__clang__)
#define STUB_EACH _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define STUB_EACH _Pragma("GCC ivdep")
#else
#define STUB_EACH
#endif

/* For loops over lanes: unrolled before they are vector code, compilers see single numbers, and branch over them. */
#if defined(__GNUC__) && !defined(__clang__)
#define STUB_EACH_LANE _Pragma("GCC unroll 1")
#else
#define STUB_EACH_LANE
#endif

/* For functions that loops are made of: they must become part of the loop to be vector code of its version. */
#define STUB_INLINE static inline __attribute__((always_inline, unused))

#if defined(__x86_64__) && !defined(STUB_ONE_VERSION)
#define STUB_AVX2_VERSION __attribute__((target("avx2,f16c")))
/* STUB_VERSIONS(result, name, (parameters), { body }): defines name_baseline and name_avx2. */
#define STUB_VERSIONS(result, name, parameters, ...)                                                                   \
    static result name##_baseline parameters __VA_ARGS__ STUB_AVX2_VERSION static result name##_avx2 parameters        \
        __VA_ARGS__
/* The version for this processor: STUB_BEST(name)(arguments). */
#define STUB_BEST(name) (stub_cpu_level() == STUB_CPU_AVX2 ? name##_avx2 : name##_baseline)
#define STUB_PAIR(name) name##_baseline, name##_avx2
#else
#define STUB_VERSIONS(result, name, parameters, ...) static result name##_baseline parameters __VA_ARGS__
#define STUB_BEST(name) (name##_baseline)
#define STUB_PAIR(name) name##_baseline, name##_baseline
#endif
#define STUB_BOTH(name) {STUB_PAIR(name)}

#endif
