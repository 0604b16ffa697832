/* What went wrong with an operation, as a status and a text. */
#ifndef ASCEND_STUB_COMM_VERDICT_H
#define ASCEND_STUB_COMM_VERDICT_H

#include "comm/state.h"

/* Adds the text and returns the task's status; `target` is the position the rank waited for. */
int stub_verdict_report(stub_comm *comm, const stub_verdict *verdict, stub_position target);

/* The same for a rank that does another operation. */
int stub_verdict_report_mismatch(stub_comm *comm, uint32_t rank, const stub_post *other);

/* "HcclAllReduce of 8 FP32 elements (SUM)" */
void stub_describe_post(const stub_post *post, char *text, size_t size);

#endif
