/* The checks' books of queued tasks. */
#include "check/check.h"

void stub_check_prepare(stub_watched *watched) {
    (void)watched;
}

void stub_check_queued(stub_watched *watched) {
    (void)watched;
}

void stub_check_started(stub_watched *watched) {
    (void)watched;
}

void stub_check_finished(stub_watched *watched, bool skipped) {
    (void)watched;
    (void)skipped;
}

void stub_check_forget(stub_watched *watched) {
    (void)watched;
}

void stub_check_host_saw(const stub_stream *stream, uint64_t count) {
    (void)stream;
    (void)count;
}
