/* Which release is played, and what it has. */
#include "core/release.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ascend_stub/version.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int played = STUB_RELEASE_LATEST;

/* "8.1" is followed by nothing, or by a patch: ".0", ".RC1", ".0-beta.1". */
static bool names(const char *text, const char *release) {
    const size_t length = strlen(release);
    if (strncmp(text, release, length) != 0) {
        return false;
    }
    const char *rest = text + length;
    if (*rest == '\0') {
        return true;
    }
    if (*rest != '.' || !isalnum((unsigned char)rest[1])) {
        return false;
    }
    while (isalnum((unsigned char)*rest) || *rest == '.' || *rest == '-') {
        rest++;
    }
    return *rest == '\0';
}

static void read_environment(void) {
    static const struct {
        const char *text;
        int release;
    } known[] = {{"8.1", 801}, {"8.5", 805}, {"9.0", 900}, {"9.1", 901}, {"9.2", STUB_RELEASE_LATEST}};
    const char *text = getenv("ASCEND_STUB_CANN");
    if (text == NULL || *text == '\0') {
        return;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (names(text, known[i].text)) {
            played = known[i].release;
            return;
        }
    }
    fprintf(stderr,
            "ascend-ops stand-in: ASCEND_STUB_CANN=\"%s\" is ignored; allowed: 8.1, 8.5, 9.0, 9.1 and 9.2, also with a "
            "patch (8.1.RC1, 8.5.0)\n",
            text);
}

int stub_release(void) {
    pthread_once(&once, read_environment);
    return played;
}

static int compare(const void *name, const void *entry) {
    return strcmp(name, ((const stub_later_function *)entry)->name);
}

bool stub_function_exists(const char *name) {
    const stub_later_function *found =
        bsearch(name, stub_later_functions, stub_later_function_count, sizeof *found, compare);
    return found == NULL || found->since <= stub_release();
}

bool stub_library_exists(const char *file) {
    const bool is_later = strcmp(file, "libacl_rt.so") == 0 || strcmp(file, "libhcomm.so") == 0;
    return !is_later || stub_release() >= 805;
}
