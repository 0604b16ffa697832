/* Kernels registered at run time (ascend_stub/kernel.h), as the two phases use them. */
#ifndef ASCEND_STUB_NNOPBASE_KERNELS_H
#define ASCEND_STUB_NNOPBASE_KERNELS_H

#include "ascend_stub/kernel.h"

typedef struct stub_registration stub_registration;

/* The kernel that a call of the operator runs with: the registered one, whose registration is then retained in
 * `*registration`, or the operator's own and NULL. NULL when there is neither. */
const stub_kernel *stub_kernel_of(const stub_operator *op, stub_registration **registration);

void stub_registration_retain(stub_registration *registration);
void stub_registration_release(stub_registration *registration);

/* What a registration's kernel was registered with; NULL for NULL. */
void *stub_registration_user(const stub_registration *registration);

/* Around each call of a kernel's functions. False when registered kernels may not be called any more; always true
 * without a registration. */
bool stub_kernel_enter(const stub_registration *registration);
void stub_kernel_leave(const stub_registration *registration);

#endif
