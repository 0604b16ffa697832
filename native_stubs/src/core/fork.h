/* What a forked child and an exiting process may still do. */
#ifndef ASCEND_STUB_CORE_FORK_H
#define ASCEND_STUB_CORE_FORK_H

/* Called before the first thread is started: from then on a forked child is recognised. */
void stub_watch_forks(void);

/* 0, or 507000 with a text when this process is a forked child whose workers are gone. */
int stub_refuse_forked_child(const char *function);

#endif
