/* Reports: built without a lock, then kept and printed. */
#include "check/report.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/forks.h"
#include "check/settings.h"

/* Beyond so many different ones a program learns nothing new. */
#define MOST_KEPT 500u
#define FIRST_CAPACITY 1024u

struct stub_report {
    stub_check check;
    uint64_t key, times;
    size_t length, capacity;
    char *text;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static stub_report *kept[MOST_KEPT];
static size_t kept_count;
static bool said_enough;
static atomic_bool silent;

/* ---- building ---- */

static bool make_room(stub_report *report, size_t more) {
    size_t capacity = report->capacity == 0 ? FIRST_CAPACITY : report->capacity;
    while (report->length + more + 1 > capacity) {
        capacity *= 2;
    }
    char *text = capacity == report->capacity ? report->text : realloc(report->text, capacity);
    if (text != NULL) {
        report->text = text;
        report->capacity = capacity;
    }
    return text != NULL;
}

static void append(stub_report *report, const char *text) {
    const size_t length = strlen(text);
    if (make_room(report, length)) {
        memcpy(report->text + report->length, text, length + 1);
        report->length += length;
    }
}

static void append_formatted(stub_report *report, const char *format, va_list arguments) STUB_PRINTF(2, 0);
static void append_formatted(stub_report *report, const char *format, va_list arguments) {
    char text[1024];
    vsnprintf(text, sizeof text, format, arguments);
    append(report, text);
}

static void release(stub_report *report) {
    free(report->text);
    free(report);
}

stub_report *stub_report_begin(stub_check check, const char *headline, ...) {
    stub_report *report = stub_checks(check) ? calloc(1, sizeof *report) : NULL;
    if (report == NULL || !make_room(report, 0)) {
        free(report);
        return NULL;
    }
    report->check = check;
    report->times = 1;
    va_list arguments;
    va_start(arguments, headline);
    append_formatted(report, headline, arguments);
    va_end(arguments);
    return report;
}

void stub_report_line(stub_report *report, const char *format, ...) {
    if (report == NULL) {
        return;
    }
    append(report, "\n  ");
    va_list arguments;
    va_start(arguments, format);
    append_formatted(report, format, arguments);
    va_end(arguments);
}

void stub_report_place(stub_report *report, const stub_place *place, const char *what, ...) {
    if (report == NULL) {
        return;
    }
    append(report, "\n  ");
    va_list arguments;
    va_start(arguments, what);
    append_formatted(report, what, arguments);
    va_end(arguments);
    append(report, " at\n");
    append(report, stub_place_text(place));
    while (report->text[report->length - 1] == '\n') {
        report->text[--report->length] = '\0';
    }
}

/* ---- keeping ---- */

/* Skips an address, which differs from one turn of a loop to the next; "+0x1c" is a position in code and stays. */
static const char *skip_address(const char *text, char before) {
    if (before == '+' || text[0] != '0' || text[1] != 'x') {
        return text;
    }
    return text + 2 + strspn(text + 2, "0123456789abcdef");
}

static uint64_t key_of(const stub_report *report) {
    uint64_t key = UINT64_C(1469598103934665603) + report->check;
    char before = '\0';
    for (const char *text = skip_address(report->text, before); *text != '\0'; text = skip_address(text, before)) {
        key = (key ^ (unsigned char)*text) * UINT64_C(1099511628211);
        before = *text++;
    }
    return key;
}

void stub_report_key(stub_report *report, uint64_t key) {
    if (report != NULL) {
        report->key = key;
    }
}

static stub_report *find_same(uint64_t key) {
    for (size_t i = 0; i < kept_count; i++) {
        if (kept[i]->key == key) {
            return kept[i];
        }
    }
    return NULL;
}

typedef enum { KEPT, COUNTED, FIRST_TOO_MANY, TOO_MANY } outcome;

static outcome keep(stub_report *report) {
    outcome out = KEPT;
    pthread_mutex_lock(&lock);
    stub_report *same = find_same(report->key);
    if (same != NULL) {
        same->times++;
        out = COUNTED;
    } else if (kept_count < MOST_KEPT) {
        kept[kept_count++] = report;
    } else {
        out = said_enough ? TOO_MANY : FIRST_TOO_MANY;
        said_enough = true;
    }
    pthread_mutex_unlock(&lock);
    return out;
}

/* In one write, so that the lines of threads and processes do not mix. */
static void write_all(const char *text, size_t length) {
    while (length > 0) {
        const ssize_t written = write(STDERR_FILENO, text, length);
        if (written < 0 && errno != EINTR) {
            return;
        }
        text += written < 0 ? 0 : written;
        length -= written < 0 ? 0 : (size_t)written;
    }
}

static void print(const stub_report *report) {
    char start[64];
    const int head = snprintf(start, sizeof start, "ascend-ops check [%s]: ", stub_check_name(report->check));
    const size_t length = (size_t)head + report->length + 1;
    char *text = malloc(length + 1);
    if (text != NULL) {
        snprintf(text, length + 1, "%s%s\n", start, report->text);
        write_all(text, length);
        free(text);
    }
}

static void print_enough(void) {
    char text[128];
    const int length =
        snprintf(text, sizeof text, "ascend-ops check: %u different reports; further ones are not shown\n", MOST_KEPT);
    write_all(text, (size_t)length);
}

void stub_report_end(stub_report *report) {
    if (report == NULL) {
        return;
    }
    const bool fatal = stub_checks_are_fatal();
    report->key = report->key != 0 ? report->key : key_of(report);
    const bool quiet = atomic_load_explicit(&silent, memory_order_relaxed);
    if (fatal) {
        print(report);
        abort();
    }
    /* Once it is kept, another thread may clear the reports. */
    stub_report shown = {.check = report->check, .length = report->length};
    shown.text = quiet ? NULL : strdup(report->text);
    const outcome out = keep(report);
    if (out == KEPT && shown.text != NULL) {
        print(&shown);
    } else if (out == FIRST_TOO_MANY && !quiet) {
        print_enough();
    }
    free(shown.text);
    if (out != KEPT) {
        release(report);
    }
}

/* ---- reading ---- */

size_t stub_report_count(void) {
    pthread_mutex_lock(&lock);
    const size_t count = kept_count;
    pthread_mutex_unlock(&lock);
    return count;
}

size_t stub_report_read(size_t index, stub_check *check, uint64_t *times, char *buffer, size_t size) {
    size_t length = 0;
    pthread_mutex_lock(&lock);
    if (index < kept_count) {
        const stub_report *report = kept[index];
        length = report->length + 1;
        if (check != NULL) {
            *check = report->check;
        }
        if (times != NULL) {
            *times = report->times;
        }
        if (buffer != NULL && size > 0) {
            snprintf(buffer, size, "%s", report->text);
        }
    }
    pthread_mutex_unlock(&lock);
    return length;
}

void stub_reports_clear(void) {
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < kept_count; i++) {
        release(kept[i]);
    }
    kept_count = 0;
    said_enough = false;
    pthread_mutex_unlock(&lock);
}

static void start(void) {
    stub_lock_survives_forks(&lock);
}

void stub_reports_start(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start);
}

void stub_reports_print(bool on) {
    atomic_store_explicit(&silent, !on, memory_order_relaxed);
}

const char *stub_report_range(uintptr_t begin, uintptr_t end, char *buffer, size_t size) {
    stub_check_memory memory;
    if (stub_check_find_memory(begin, &memory)) {
        snprintf(buffer, size, "bytes [%" PRIuPTR ", %" PRIuPTR ") of the %zu bytes that %s gave at 0x%" PRIxPTR,
                 begin - memory.address, end - memory.address, memory.size, memory.made_by, memory.address);
    } else {
        snprintf(buffer, size, "the %" PRIuPTR " bytes at 0x%" PRIxPTR, end - begin, begin);
    }
    return buffer;
}
