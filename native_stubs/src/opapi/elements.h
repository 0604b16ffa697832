/* Elements of any data type as numbers to compute with, and back.
 *
 * Kernels compute in five classes. A stretch of elements is loaded "as" a data type: each value is converted to that
 * type (and rounded as it rounds), and held in the type's class, so that FLOAT16 data are exact float numbers. */
#ifndef ASCEND_STUB_OPAPI_ELEMENTS_H
#define ASCEND_STUB_OPAPI_ELEMENTS_H

#include <complex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nnopbase/call.h"

typedef enum {
    STUB_F32,  /* float: FLOAT, FLOAT16, BF16 */
    STUB_F64,  /* double: DOUBLE */
    STUB_I64,  /* int64_t: every integer type; UINT64 as its bits */
    STUB_B8,   /* uint8_t, 0 or 1: BOOL */
    STUB_C128, /* double complex: COMPLEX32, COMPLEX64, COMPLEX128 */
    STUB_CLASS_COUNT
} stub_class;

/* Elements that one load or store may have: what every scratch array of the machinery holds. */
enum { STUB_STRETCH = 1024, STUB_WIDEST = 16 /* bytes of a double complex */ };

typedef struct {
    _Alignas(64) uint8_t bytes[STUB_STRETCH * STUB_WIDEST];
} stub_stretch;

/* Whether the two functions below know the type: whole bytes, and a number. */
bool stub_dtype_is_number(aclDataType dtype);
stub_class stub_class_of(aclDataType dtype);
/* Bytes of a number of the class. */
size_t stub_class_size(stub_class class_);

/* n <= STUB_STRETCH elements of type `from`, `step` bytes apart (0: one element, n times), as elements of type `as`.
 * Floats become integers by cutting off the fraction, kept in range, NaN becomes 0; integers become narrower ones by
 * their low bits; anything but 0 becomes true; complex numbers become real ones by their real part. */
void stub_load(aclDataType from, const void *elements, int64_t step, size_t n, aclDataType as, void *numbers);

/* The way back: numbers in the class of `as` become elements of type `as` and then of type `to`, `step` bytes apart.
 * `numbers` may be changed. */
void stub_store(aclDataType as, void *numbers, size_t n, aclDataType to, void *elements, int64_t step);

/* Whether a stretch can be used where it lies: type `from` is the class's own and neighbours touch, aligned. */
bool stub_lies_ready(aclDataType from, const void *elements, int64_t step, aclDataType as);

/* Numbers of the class of `as`, each rounded to what `as` holds. */
void stub_round(aclDataType as, void *numbers, size_t n);

#endif
