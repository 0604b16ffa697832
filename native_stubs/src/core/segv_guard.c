/* Explains a host access to device memory before the process dies of it. Everything the handler calls is
 * async-signal-safe. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "core/device_space.h"
#include "core/memory.h"

static struct sigaction previous;

typedef struct {
    char text[256];
    size_t length;
} line;

static void add_text(line *l, const char *text) {
    size_t length = strlen(text);
    if (length > sizeof l->text - l->length) {
        length = sizeof l->text - l->length;
    }
    memcpy(l->text + l->length, text, length);
    l->length += length;
}

static void add_number(line *l, uint64_t value, unsigned base) {
    char digits[24];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    add_text(l, digits + at);
}

static void describe_allocation(line *l, uintptr_t address, int device) {
    stub_allocation allocation;
    if (stub_find_allocation((const void *)address, &allocation)) {
        add_text(l, ", byte ");
        add_number(l, address - allocation.address, 10);
        add_text(l, " of an allocation of ");
        add_number(l, allocation.size, 10);
        add_text(l, " bytes");
    } else {
        add_text(l, ", in no live allocation");
    }
    add_text(l, " on device ");
    add_number(l, (uint64_t)device, 10);
}

static void explain(const void *address) {
    int device = 0;
    size_t offset = 0;
    if (!stub_space_locate(address, &device, &offset)) {
        return;
    }
    line l = {.length = 0};
    add_text(&l, "ascend-ops stand-in: host code read or wrote device address 0x");
    add_number(&l, (uintptr_t)address, 16);
    describe_allocation(&l, (uintptr_t)address, device);
    add_text(&l, " (copy it with aclrtMemcpy first)\n");
    ssize_t written = write(STDERR_FILENO, l.text, l.length);
    (void)written;
}

/* Hands the signal to whoever was there before. With nobody there the default action is restored: a fault repeats and
 * meets it, a signal sent by kill() has to be raised again. */
static void chain(int signal_number, siginfo_t *info, void *context) {
    if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN) {
        signal(signal_number, SIG_DFL);
        if (info->si_code <= 0) {
            raise(signal_number);
        }
    } else if ((previous.sa_flags & SA_SIGINFO) != 0) {
        previous.sa_sigaction(signal_number, info, context);
    } else {
        previous.sa_handler(signal_number);
    }
}

static void on_fault(int signal_number, siginfo_t *info, void *context) {
    if (info->si_code > 0) { /* a real fault, not kill(): only then is there an address */
        explain(info->si_addr);
    }
    chain(signal_number, info, context);
}

void stub_install_segv_guard(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, NULL, &previous);
    sigaction(SIGSEGV, &action, NULL);
}
