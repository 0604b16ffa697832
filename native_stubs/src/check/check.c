/* Which checks are on. */
#include "check/check.h"

#include "check/place.h"

bool stub_checks(stub_check check) {
    (void)check;
    return false;
}

void stub_check_start(void) {}

void stub_check_enter(stub_visit *visit) {
    (void)visit;
}

void stub_check_leave(stub_visit *visit) {
    (void)visit;
}
const stub_place *stub_place_here(void) {
    return NULL;
}
