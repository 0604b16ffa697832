/* The scale or shift of an adaptive layer norm: one row for all of an x of [.., S, H], [.., H] or [.., 1, H]. */
#ifndef ASCEND_STUB_OPAPI_ADAPTIVE_H
#define ASCEND_STUB_OPAPI_ADAPTIVE_H

#include "opapi/made_view.h"
#include "opapi/norm/norm_checks.h"

typedef struct {
    stub_view view;
    stub_made_view made;
} stub_adaptive;

/* 161002 for other shapes; STUB_NO_ARGUMENT passes. */
aclnnStatus stub_adaptive_check(const stub_call *call, int arg, int x);
/* The next input of the lines, which run along the last axis of x. */
void stub_adaptive_input(stub_line_set *set, int arg, const aclTensor *x, stub_adaptive *adaptive);

#endif
