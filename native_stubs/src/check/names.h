/* How reports speak of objects. */
#ifndef ASCEND_STUB_CHECK_NAMES_H
#define ASCEND_STUB_CHECK_NAMES_H

#include "check/ledger.h"
#include "check/report.h"

/* "stream", "device memory". */
const char *stub_object_name(stub_object_kind kind);

/* The places where an object was ended (if it was) and made. */
void stub_report_life(stub_report *report, const stub_facts *facts);

/* The object that the calling thread's call has just ended, 0 for none; once. */
uint64_t stub_check_take_ending(void);

#endif
