/* Tasks and host accesses on their way to the checks of bytes. */
#include "check/accesses.h"

#include <stdio.h>

#include "check/place.h"
#include "check/races.h"

stub_argument_name stub_argument_of(const stub_access *access) {
    stub_argument_name name;
    if (access->item == 0) {
        snprintf(name.text, sizeof name.text, "%s", access->what);
    } else {
        snprintf(name.text, sizeof name.text, "%.80s[%u]", access->what, access->item - 1);
    }
    return name;
}

static stub_accessor accessor_of(const stub_watched *watched) {
    return (stub_accessor){watched->name, watched->place, &watched->accesses, watched->check};
}

void stub_check_accesses(const stub_watched *watched) {
    const stub_accessor by = accessor_of(watched);
    stub_bounds_check(&by);
    stub_overlaps_check(&by);
}

void stub_check_reads(const stub_watched *watched) {
    const stub_accessor by = accessor_of(watched);
    stub_contents_read(&by);
}

void stub_check_writes(const stub_watched *watched) {
    const stub_accessor by = accessor_of(watched);
    stub_contents_written(&by);
}

/* ---- the host ---- */

void stub_check_host_access(const char *function, const stub_access_list *accesses) {
    const stub_accessor by = {function, stub_place_to_keep(), accesses, NULL};
    stub_bounds_check(&by);
    stub_contents_read(&by);
    stub_races_host_access(function, accesses);
}

void stub_check_host_accessed(const stub_access_list *accesses) {
    const stub_accessor by = {.accesses = accesses};
    stub_contents_written(&by);
}
