/* Only until communicator.c exists. */
#include "comm/communicator.h"

__attribute__((weak)) stub_comm *stub_comm_retain(stub_comm *comm) {
    return comm;
}
__attribute__((weak)) void stub_comm_release(stub_comm *comm) {
    (void)comm;
}
__attribute__((weak)) uint64_t stub_comm_ticket(stub_comm *comm) {
    (void)comm;
    return 1;
}
__attribute__((weak)) void stub_comm_drop(stub_comm *comm, uint64_t ticket) {
    (void)comm;
    (void)ticket;
}
