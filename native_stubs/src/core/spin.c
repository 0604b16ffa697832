/* See spin.h. */
#include "core/spin.h"

#include <sched.h>

#include "core/clock.h"
#include "core/settings.h"

/* About what going to sleep and being woken cost together. */
#define LONGEST_NS 5000
/* How often to look before others get the core: the thread that is waited for may be one of them. */
#define LOOKS 32u

static void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static bool is_over(stub_spin *spin) {
    const uint64_t now = stub_now_ns();
    if (spin->until_ns == 0) {
        spin->until_ns = now + LONGEST_NS;
    }
    return now >= spin->until_ns;
}

bool stub_spin_on(stub_spin *spin) {
    if (spin->looks < LOOKS) {
        spin->looks++;
        pause_briefly();
        return true;
    }
    if (stub_get_settings()->thread_count == 1 || is_over(spin)) {
        return false;
    }
    sched_yield();
    return true;
}
