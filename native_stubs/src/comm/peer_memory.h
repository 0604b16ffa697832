/* Device memory of other processes, mapped once however many communicators reach it. */
#ifndef ASCEND_STUB_COMM_PEER_MEMORY_H
#define ASCEND_STUB_COMM_PEER_MEMORY_H

#include <stdint.h>

typedef struct stub_peer_memory stub_peer_memory;

/* Maps the file of a device's memory (which stays the caller's); NULL with a text. */
stub_peer_memory *stub_peer_memory_map(int file, uint64_t bytes);
void stub_peer_memory_release(stub_peer_memory *memory); /* NULL is fine */

char *stub_peer_memory_start(const stub_peer_memory *memory);

#endif
