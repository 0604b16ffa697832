/* Which checks are on, and what they see of a call. */
#include "check/check.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/accesses.h"
#include "check/books.h"
#include "check/calls.h"
#include "check/ledger.h"
#include "check/order.h"
#include "check/settings.h"
#include "core/context.h"
#include "core/error.h"

#define ALL ((UINT32_C(1) << STUB_CHECK_COUNT) - 1)
#define FATAL (UINT32_C(1) << STUB_CHECK_COUNT)
#define WITHOUT_PLACES (UINT32_C(1) << STUB_CHECK_CONTEXT | UINT32_C(1) << STUB_CHECK_PAGEABLE)
#define ALLOWED                                                                                                        \
    "all, leaks, handles, memory, lifetime, bounds, uninitialised, executors, workspace, overlaps, races, context, "   \
    "pageable, each with a minus in front to take it out, and fatal"

static const char *const words[STUB_CHECK_COUNT] = {
    [STUB_CHECK_LEAKS] = "leaks",         [STUB_CHECK_HANDLES] = "handles",
    [STUB_CHECK_MEMORY] = "memory",       [STUB_CHECK_LIFETIME] = "lifetime",
    [STUB_CHECK_BOUNDS] = "bounds",       [STUB_CHECK_UNINITIALISED] = "uninitialised",
    [STUB_CHECK_EXECUTORS] = "executors", [STUB_CHECK_WORKSPACE] = "workspace",
    [STUB_CHECK_OVERLAPS] = "overlaps",   [STUB_CHECK_RACES] = "races",
    [STUB_CHECK_CONTEXT] = "context",     [STUB_CHECK_PAGEABLE] = "pageable",
};

static _Atomic(uint32_t) enabled;

bool stub_checks(stub_check check) {
    return (atomic_load_explicit(&enabled, memory_order_relaxed) >> check & 1) != 0;
}

bool stub_checks_are_fatal(void) {
    return (atomic_load_explicit(&enabled, memory_order_relaxed) & FATAL) != 0;
}

bool stub_checks_keep_places(void) {
    return (atomic_load_explicit(&enabled, memory_order_relaxed) & ALL & ~WITHOUT_PLACES) != 0;
}

const char *stub_check_name(stub_check check) {
    return (unsigned)check < STUB_CHECK_COUNT ? words[check] : NULL;
}

static bool is_word(const char *text, size_t length, const char *word) {
    return strlen(word) == length && strncmp(text, word, length) == 0;
}

/* The bits of a word, 0 for an unknown one. */
static uint32_t bits_of(const char *text, size_t length) {
    if (is_word(text, length, "all")) {
        return ALL;
    }
    if (is_word(text, length, "fatal")) {
        return FATAL;
    }
    for (uint32_t i = 0; i < STUB_CHECK_COUNT; i++) {
        if (is_word(text, length, words[i])) {
            return UINT32_C(1) << i;
        }
    }
    return 0;
}

/* Blanks around words are fine, and so are empty ones. False at an unknown word. */
static bool parse(const char *text, uint32_t *parsed) {
    *parsed = 0;
    for (;;) {
        text += strspn(text, ", ");
        if (*text == '\0') {
            return true;
        }
        const bool out = *text == '-';
        text += out;
        const size_t length = strcspn(text, ", ");
        const uint32_t bits = bits_of(text, length);
        if (bits == 0) {
            return false;
        }
        *parsed = out ? *parsed & ~bits : *parsed | bits;
        text += length;
    }
}

static void turn_on(uint32_t bits) {
    const bool mattered = stub_books_matter();
    const bool noted = stub_checks(STUB_CHECK_UNINITIALISED);
    if ((bits & ALL) != 0 && !stub_is_watched_by(STUB_WATCH_CHECKS)) {
        stub_places_start();
        stub_reports_start();
        stub_books_start();
        stub_contents_start();
        stub_ledger_clear();
    }
    atomic_store_explicit(&enabled, bits, memory_order_relaxed);
    stub_watch_set(STUB_WATCH_CHECKS, (bits & ALL) != 0);
    if (mattered != stub_books_matter()) {
        stub_check_forget_tasks();
    }
    if (noted != stub_checks(STUB_CHECK_UNINITIALISED)) {
        stub_contents_note(!noted);
    }
}

void stub_check_start(void) {
    const char *text = getenv("ASCEND_STUB_CHECK");
    uint32_t bits;
    if (text == NULL || *text == '\0') {
        return;
    }
    if (parse(text, &bits)) {
        turn_on(bits);
    } else {
        fprintf(stderr, "ascend-ops stand-in: ASCEND_STUB_CHECK=\"%s\" is ignored; allowed: " ALLOWED "\n", text);
    }
}

aclError stub_check_set(const char *text) {
    stub_watch_start();
    uint32_t bits;
    if (text == NULL || !parse(text, &bits)) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "stub_check_set: words is %s%s%s; allowed: " ALLOWED,
                         text == NULL ? "" : "\"", text == NULL ? "NULL" : text, text == NULL ? "" : "\"");
    }
    turn_on(bits);
    return ACL_SUCCESS;
}

size_t stub_check_get(char *buffer, size_t size) {
    stub_watch_start();
    const uint32_t bits = atomic_load_explicit(&enabled, memory_order_relaxed);
    char text[256] = "";
    for (uint32_t i = 0; i <= STUB_CHECK_COUNT; i++) {
        if ((bits >> i & 1) != 0) {
            strcat(text, *text == '\0' ? "" : ",");
            strcat(text, i < STUB_CHECK_COUNT ? words[i] : "fatal");
        }
    }
    if (size > 0) {
        snprintf(buffer, size, "%s", text);
    }
    return strlen(text) + 1;
}

void stub_check_enter(stub_visit *visit) {
    if (!stub_is_forked_child()) {
        stub_objects_enter(visit);
    }
}

void stub_check_leave(stub_visit *visit) {
    if (!stub_is_forked_child()) {
        stub_objects_leave(visit);
    }
}
