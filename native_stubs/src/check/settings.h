/* What the checks' own files know of each other's switches. */
#ifndef ASCEND_STUB_CHECK_SETTINGS_H
#define ASCEND_STUB_CHECK_SETTINGS_H

#include <stdbool.h>

/* Whether the first report aborts. */
bool stub_checks_are_fatal(void);

/* Whether a check that is on tells places from before its report. */
bool stub_checks_keep_places(void);

/* Before the first place is asked for, the first report is made, the first task or contents are noted. */
void stub_places_start(void);
void stub_reports_start(void);
void stub_books_start(void);
void stub_contents_start(void);

#endif
