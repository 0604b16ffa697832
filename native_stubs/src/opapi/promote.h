/* CANN's promotion of data types, as PromoteType, CanCast and the operators' scalar rules have it: by categories
 * (BOOL < integers < floats < complex). A scalar raises the category of the tensors it meets, never the width inside
 * a category. */
#ifndef ASCEND_STUB_OPAPI_PROMOTE_H
#define ASCEND_STUB_OPAPI_PROMOTE_H

#include <stdbool.h>

#include "acl/acl_base.h"

bool stub_dtype_is_complex(aclDataType dtype);
bool stub_dtype_is_floating(aclDataType dtype); /* real floats */
bool stub_dtype_is_integral(aclDataType dtype); /* integers and BOOL */

/* The type in which elements of `a` and `b` meet; ACL_DT_UNDEFINED where CANN knows none, or one of them is that. */
aclDataType stub_promote(aclDataType a, aclDataType b);
/* The type in which tensors of type `tensor` meet a scalar of type `scalar`. */
aclDataType stub_promote_scalar(aclDataType tensor, aclDataType scalar);
/* Whether results of type `from` may be stored in a tensor of type `to`. */
bool stub_can_cast(aclDataType from, aclDataType to);

#endif
