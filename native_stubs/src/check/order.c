/* What comes before what; see order.h. */
#include "check/order.h"

#include "check/races.h"
#include "core/stream_state.h"

#define GROUPS 64u

/* By a hash of the group's name: two of one place know more than they should, which can only hide a race. */
static stub_ticking groups[GROUPS];

/* Under the lock; what fails is memory. */
static void must(bool done) {
    if (!done) {
        stub_books_give_up();
    }
}

/* The calling worker's, NULL on other threads. */
static stub_book *own_book(void) {
    const stub_stream *stream = stub_worker_stream();
    return stream == NULL ? NULL : stub_book_find(stub_stream_id(stream));
}

/* The book of a stream that may get one: not of one that is ending. */
static stub_book *book_to_be(const stub_stream *stream) {
    const bool open = atomic_load(&stream->phase) == STREAM_OPEN;
    return open ? stub_book_of(stub_stream_id(stream)) : stub_book_find(stub_stream_id(stream));
}

static bool enter(void) {
    const bool matters = stub_books_matter();
    if (matters) {
        stub_books_lock();
    }
    return matters;
}

static stub_clock *show(stub_book *book) {
    stub_clock *shown = book == NULL ? NULL : stub_ticking_show(&book->clock);
    must(book == NULL || shown != NULL);
    return shown;
}

stub_clock *stub_check_worker_clock(void) {
    stub_clock *shown = NULL;
    if (enter()) {
        shown = show(own_book());
        stub_books_unlock();
    }
    return shown;
}

stub_clock *stub_check_host_clock(void) {
    stub_clock *shown = NULL;
    if (enter()) {
        shown = show(stub_book_host());
        stub_books_unlock();
    }
    return shown;
}

/* ---- the host sees ---- */

/* Under the lock. */
static void host_sees(stub_book *book, uint64_t count) {
    stub_ticking *clock = &stub_book_host()->clock;
    const bool done = stub_ticking_join_ticking(clock, &book->clock) &&
                      stub_ticking_raise(clock, book->slot, stub_book_position(book, count));
    must(done);
    if (done) {
        stub_book_prune(book);
    }
}

void stub_check_host_saw(const stub_stream *stream, uint64_t count) {
    if (!enter()) {
        return;
    }
    stub_book *book = stub_book_find(stub_stream_id(stream));
    if (book != NULL) {
        host_sees(book, count);
    }
    stub_books_unlock();
}

void stub_check_host_waited(const stub_clock *clock) {
    if (clock != NULL && enter()) {
        must(stub_ticking_join(&stub_book_host()->clock, clock));
        stub_books_unlock();
    }
}

/* ---- streams wait ---- */

void stub_check_worker_waited(const stub_clock *clock) {
    const stub_stream *stream = stub_worker_stream();
    if (clock == NULL || stream == NULL || !enter()) {
        return;
    }
    stub_book *book = book_to_be(stream);
    if (book != NULL) {
        must(stub_ticking_join(&book->clock, clock));
    }
    stub_books_unlock();
}

static void follow(stub_book *book, const stub_clock *clock) {
    stub_ticking both = {0};
    const bool joined = stub_ticking_join(&both, book->follows) && stub_ticking_join(&both, clock);
    stub_clock *shown = joined ? stub_ticking_show(&both) : NULL;
    stub_ticking_free(&both);
    if (shown != NULL) {
        stub_clock_release(book->follows);
        book->follows = shown;
    }
    must(shown != NULL);
}

void stub_check_stream_follows(const stub_stream *stream, const stub_clock *clock) {
    if (clock == NULL || !enter()) {
        return;
    }
    stub_book *book = book_to_be(stream);
    if (book != NULL) {
        follow(book, clock);
    }
    stub_books_unlock();
}

void stub_check_user_code(void) {
    if (!enter()) {
        return;
    }
    stub_book *book = own_book();
    if (book != NULL) {
        stub_ticking *host = &stub_book_host()->clock;
        must(stub_ticking_join_ticking(host, &book->clock) && stub_ticking_join_ticking(&book->clock, host));
    }
    stub_books_unlock();
}

/* ---- ranks meet ---- */

static stub_ticking *clock_of(const char *group) {
    uint32_t hash = UINT32_C(2166136261);
    for (; *group != '\0'; group++) {
        hash = (hash ^ (unsigned char)*group) * UINT32_C(16777619);
    }
    return &groups[(hash ^ hash >> 16) % GROUPS];
}

/* Whoever has met it knows that this task is over too: they leave together. */
void stub_check_meeting(const char *group) {
    if (!enter()) {
        return;
    }
    stub_book *book = own_book();
    if (book != NULL) {
        stub_ticking *clock = clock_of(group);
        must(stub_ticking_join_ticking(clock, &book->clock) &&
             stub_ticking_raise(clock, book->slot, stub_ticking_at(&book->clock, book->slot) + 1));
    }
    stub_books_unlock();
}

/* Under the lock. Other ranks may be done before this one says so: its bytes count from now on. */
static void meet(stub_book *book, const char *group, stub_race_list *races) {
    stub_check_task *task = book->pending.first;
    if (!stub_ticking_join_ticking(&book->clock, clock_of(group))) {
        stub_books_give_up();
    } else if (task != NULL && task->started) {
        stub_races_touched(task, races);
    }
}

void stub_check_met(const char *group) {
    stub_race_list races = {0};
    if (!enter()) {
        return;
    }
    stub_book *book = own_book();
    if (book != NULL) {
        meet(book, group, &races);
    }
    stub_books_unlock();
    stub_races_report(&races);
}

/* ---- ends ---- */

void stub_check_dropped(const stub_stream *stream) {
    if (!enter()) {
        return;
    }
    stub_book *book = stub_book_find(stub_stream_id(stream));
    stub_check_task *task = book == NULL ? NULL : book->pending.first;
    for (stub_check_task *next = NULL; task != NULL; task = next) {
        next = task->next;
        if (!task->started) {
            stub_book_drop(task);
        }
    }
    stub_books_unlock();
}

void stub_check_stream_ended(const stub_stream *stream, bool dropped) {
    if (!enter()) {
        return;
    }
    stub_book *book = stub_book_find(stub_stream_id(stream));
    if (book != NULL) {
        host_sees(book, UINT64_MAX);
        book = stub_book_find(stub_stream_id(stream));
    }
    if (book != NULL) {
        stub_book_end(book, dropped);
    }
    stub_books_unlock();
}

void stub_check_forget_tasks(void) {
    stub_books_lock();
    stub_books_forget();
    stub_books_unlock();
}
