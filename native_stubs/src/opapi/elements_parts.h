/* The two halves of loads and stores, for elements.c alone. */
#ifndef ASCEND_STUB_OPAPI_ELEMENTS_PARTS_H
#define ASCEND_STUB_OPAPI_ELEMENTS_PARTS_H

#include "opapi/elements.h"

/* Elements of a type, `step` bytes apart, as numbers of the type's class, and back. */
void stub_load_own(aclDataType from, const void *elements, int64_t step, size_t n, void *numbers);
void stub_store_own(aclDataType to, const void *numbers, size_t n, void *elements, int64_t step);

/* Numbers that hold elements of `from` as numbers of the class of `as`, another one; integers are kept in range. */
void stub_convert(aclDataType from, const void *numbers, size_t n, aclDataType as, void *converted);

#endif
