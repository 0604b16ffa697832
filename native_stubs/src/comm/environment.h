/* The variables of HCCL that communicators follow. */
#ifndef ASCEND_STUB_COMM_ENVIRONMENT_H
#define ASCEND_STUB_COMM_ENVIRONMENT_H

#include <stdint.h>

/* Valid after stub_comm_check_environment has succeeded. Seconds; 0: for ever. */
double stub_comm_connect_timeout_s(void);
double stub_comm_exec_timeout_s(void);

/* When waits that begin now end (stub_now_ns); UINT64_MAX: never. */
uint64_t stub_comm_connect_deadline(void);
uint64_t stub_comm_exec_deadline(void);

#endif
