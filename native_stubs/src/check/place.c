/* Places; see place.h. */
#include "check/place.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ascend_stub/check.h"
#include "check/forks.h"
#include "check/settings.h"

#if defined(__has_include)
#if __has_include(<execinfo.h>)
#include <execinfo.h>
#define HAS_BACKTRACE 1
#endif
#endif

#define MOST_FRAMES 24
#define TEXT_BYTES 4096u
#define BUCKETS 4096u

/* Frames that a reader wrote, or return addresses which become a text when one is wanted. */
struct stub_place {
    stub_place *next;
    uint64_t hash;
    _Atomic(char *) text;
    size_t size; /* of what follows, in bytes; 0 when it is known by its text */
    void *frames[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static stub_place *places[BUCKETS];
static _Atomic(stub_frame_reader) reader;
static _Thread_local bool reading;

void stub_set_frame_reader(stub_frame_reader wanted) {
    atomic_store(&reader, wanted);
}

/* ---- interning ---- */

static uint64_t hash_of(const void *bytes, size_t size) {
    const unsigned char *at = bytes;
    uint64_t hash = UINT64_C(1469598103934665603);
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ at[i]) * UINT64_C(1099511628211);
    }
    return hash;
}

static bool is_same(const stub_place *place, uint64_t hash, const void *bytes, size_t size, bool is_text) {
    if (place->hash != hash || (place->size == 0) != is_text) {
        return false;
    }
    return is_text ? strcmp(atomic_load_explicit(&place->text, memory_order_relaxed), bytes) == 0
                   : place->size == size && memcmp(place->frames, bytes, size) == 0;
}

static stub_place *new_place(uint64_t hash, const void *bytes, size_t size, bool is_text) {
    stub_place *made = malloc(sizeof *made + (is_text ? 0 : size));
    if (made == NULL) {
        return NULL;
    }
    char *text = is_text ? strdup(bytes) : NULL;
    if (is_text && text == NULL) {
        free(made);
        return NULL;
    }
    made->hash = hash;
    made->size = is_text ? 0 : size;
    atomic_init(&made->text, text);
    if (!is_text) {
        memcpy(made->frames, bytes, size);
    }
    return made;
}

static const stub_place *intern(const void *bytes, size_t size, bool is_text) {
    const uint64_t hash = hash_of(bytes, size);
    stub_place **bucket = &places[hash % BUCKETS];
    pthread_mutex_lock(&lock);
    stub_place *found = *bucket;
    while (found != NULL && !is_same(found, hash, bytes, size, is_text)) {
        found = found->next;
    }
    if (found == NULL && (found = new_place(hash, bytes, size, is_text)) != NULL) {
        found->next = *bucket;
        *bucket = found;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

/* ---- taking ---- */

static void start(void) {
    stub_lock_survives_forks(&lock);
#ifdef HAS_BACKTRACE
    void *frames[2];
    backtrace(frames, 2); /* the first one loads a library: better now than in the middle of a call */
#endif
}

void stub_places_start(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start);
}

static const stub_place *place_of_stack(void) {
#ifdef HAS_BACKTRACE
    void *frames[MOST_FRAMES];
    const int count = backtrace(frames, MOST_FRAMES);
    return count <= 0 ? NULL : intern(frames, (size_t)count * sizeof *frames, false);
#else
    return NULL;
#endif
}

/* What the reader says; NULL when it says nothing. It may make calls of its own, which then have a C backtrace. */
static const stub_place *place_of_reader(void) {
    const stub_frame_reader read = atomic_load(&reader);
    if (read == NULL || reading) {
        return NULL;
    }
    char text[TEXT_BYTES];
    text[0] = text[TEXT_BYTES - 1] = '\0';
    reading = true;
    read(text, sizeof text - 1);
    reading = false;
    return text[0] == '\0' ? NULL : intern(text, strlen(text), true);
}

const stub_place *stub_place_here(void) {
    stub_visit *visit = stub_visit_current();
    if (visit == NULL) {
        return NULL;
    }
    if (visit->place == NULL) {
        const stub_place *read = place_of_reader();
        visit->place = read != NULL ? read : place_of_stack();
    }
    return visit->place;
}

const stub_place *stub_place_to_keep(void) {
    return stub_checks_keep_places() ? stub_place_here() : NULL;
}

/* ---- texts ---- */

static bool starts_with_any(const char *name, const char *const *prefixes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) {
            return true;
        }
    }
    return false;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* The stand-in's own frames, and those below a program's or a thread's first function. */
static bool is_of_no_interest(const char *library) {
    static const char *const prefixes[] = {
        "libascend_stub.so", "libascendcl.so", "libacl_rt.so", "libnnopbase.so", "libopapi.so",
        "libhccl.so",        "libhcomm.so",    "libc.so",      "libpthread.so",  "libstdc++.so",
        "libasan.so",        "libtsan.so",     "ld-"};
    return starts_with_any(library, prefixes, sizeof prefixes / sizeof *prefixes);
}

/* What addr2line wants: programs that are not relocated use whole addresses. */
static uintptr_t position_in(const Dl_info *info, uintptr_t address) {
    const ElfW(Ehdr) *header = info->dli_fbase;
    return header->e_type == ET_EXEC ? address : address - (uintptr_t)info->dli_fbase;
}

static void append_frame(char *text, size_t size, void *frame) {
    Dl_info info;
    const uintptr_t address = (uintptr_t)frame - 1; /* in the call, not behind it */
    const size_t length = strlen(text);
    const void *pointer = (const char *)frame - 1;
    if (dladdr(pointer, &info) == 0 || info.dli_fname == NULL) {
        snprintf(text + length, size - length, "    +0x%lx\n", (unsigned long)address);
        return;
    }
    const char *library = base_name(info.dli_fname);
    if (is_of_no_interest(library)) {
        return;
    }
    const unsigned long position = (unsigned long)position_in(&info, address);
    if (info.dli_sname != NULL) {
        snprintf(text + length, size - length, "    %s+0x%lx in %s\n", library, position, info.dli_sname);
    } else {
        snprintf(text + length, size - length, "    %s+0x%lx\n", library, position);
    }
}

static char *describe(const stub_place *place) {
    char text[TEXT_BYTES] = "";
    for (size_t i = 0; i < place->size / sizeof *place->frames; i++) {
        append_frame(text, sizeof text, place->frames[i]);
    }
    return text[0] == '\0' ? NULL : strdup(text);
}

const char *stub_place_text(const stub_place *place) {
    static const char unknown[] = "    (unknown place)\n";
    if (place == NULL) {
        return unknown;
    }
    stub_place *known = (stub_place *)place; /* interned, so its text is made once for all */
    char *text = atomic_load_explicit(&known->text, memory_order_acquire);
    if (text != NULL) {
        return text;
    }
    char *made = describe(place);
    if (made == NULL) {
        return unknown;
    }
    if (!atomic_compare_exchange_strong(&known->text, &text, made)) {
        free(made);
        return text;
    }
    return made;
}
