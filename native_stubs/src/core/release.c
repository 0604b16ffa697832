/* Which release is played. */
#include "core/release.h"

int stub_release(void) {
    return STUB_RELEASE_LATEST;
}
