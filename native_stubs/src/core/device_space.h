/* The address space of device memory: one PROT_NONE reservation that all devices share and, per device, the sparse
 * shadow that holds the bytes. Only the memory sources and the communicators, whose ranks map each other's shadows,
 * include this. */
#ifndef ASCEND_STUB_CORE_DEVICE_SPACE_H
#define ASCEND_STUB_CORE_DEVICE_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STUB_DEVICE_PAGE ((size_t)2 << 20)

/* Makes the reservation on first use and installs the SIGSEGV guard; 207001 with a text when that fails. */
int stub_space_open(void);

/* Maps a device's shadow on first use; 207001 with a text when that fails. */
int stub_space_map(int device);

/* Device and offset of an address in the reservation. Lock-free, async-signal-safe. */
bool stub_space_locate(const void *address, int *device, size_t *offset);

/* Device address of an offset; the reservation is open. */
uintptr_t stub_space_address(int device, size_t offset);

/* Start of a device's shadow, NULL before stub_space_map. */
char *stub_space_shadow(int device);

/* The file behind a device's shadow, for another process to map; still ours. -1 before stub_space_map, and when the
 * program has closed it. */
int stub_space_file(int device);

/* Bytes of every device's shadow; the reservation is open. */
size_t stub_space_bytes(void);

/* Puts one huge page of memory behind a STUB_DEVICE_PAGE at `offset`, keeping its contents, where the system has one to
 * spare; else the page gets its memory in small ones when it is touched. */
void stub_space_populate(int device, size_t offset);

/* Gives the memory behind a range back to the system; it reads as zeros afterwards. */
void stub_space_discard(int device, size_t offset, size_t size);

/* Installs the SIGSEGV handler that explains host accesses to device memory and then lets the process die. */
void stub_install_segv_guard(void);

#endif
