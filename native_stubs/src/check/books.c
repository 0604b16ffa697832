/* The checks' books; see books.h. */
#include "check/books.h"

#include <pthread.h>
#include <stdlib.h>

#include "check/forks.h"
#include "check/settings.h"

#define STREAM_CHAINS 256u
/* What is kept of one stream at most: beyond it races with the oldest tasks may be missed. */
#define MOST_KEPT 4096u
#define DROPPED_AT_ONCE 1024u
#define FIRST_PRUNE 64u

/* A slot's positions go on when another stream gets it. */
typedef struct {
    uint64_t next;
    bool used;
} slot_state;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static stub_book host = {.prune_at = FIRST_PRUNE};
static stub_book *books; /* of streams */
static stub_book *streams[STREAM_CHAINS];
static slot_state *slots;
static uint32_t slot_count;
static uint64_t sequence;
static bool given_up;

static void start(void) {
    stub_lock_survives_forks(&lock);
}

void stub_books_start(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start);
}

void stub_books_lock(void) {
    pthread_mutex_lock(&lock);
}

void stub_books_unlock(void) {
    pthread_mutex_unlock(&lock);
}

stub_book *stub_book_host(void) {
    return &host;
}

static void link_touches(stub_check_task *task) {
    for (size_t i = 0; i < task->count; i++) {
        if (task->touches[i].memory.address != 0) {
            stub_touch_link(&task->touches[i]);
        }
    }
}

/* ---- lists ---- */

static void append(stub_task_list *list, stub_check_task *task) {
    task->previous = list->last;
    task->next = NULL;
    *(list->last == NULL ? &list->first : &list->last->next) = task;
    list->last = task;
}

static void take_out(stub_task_list *list, stub_check_task *task) {
    *(task->previous == NULL ? &list->first : &task->previous->next) = task->next;
    *(task->next == NULL ? &list->last : &task->next->previous) = task->previous;
}

static void leave_list(stub_check_task *task) {
    stub_book *book = task->book;
    take_out(task->touched ? &book->kept : &book->pending, task);
    book->kept_count -= task->touched;
}

void stub_book_drop(stub_check_task *task) {
    leave_list(task);
    for (size_t i = 0; i < task->count; i++) {
        stub_touch_unlink(&task->touches[i]);
    }
    task->book = NULL;
    stub_watched_release(task->watched);
}

static void drop_all(stub_book *book) {
    while (book->pending.first != NULL) {
        stub_book_drop(book->pending.first);
    }
    while (book->kept.first != NULL) {
        stub_book_drop(book->kept.first);
    }
}

/* ---- books ---- */

static bool make_slots(void) {
    const uint32_t count = slot_count == 0 ? 16 : 2 * slot_count;
    slot_state *made = realloc(slots, count * sizeof *made);
    if (made == NULL) {
        return false;
    }
    slots = made;
    for (uint32_t i = slot_count; i < count; i++) {
        slots[i] = (slot_state){0, i == host.slot};
    }
    slot_count = count;
    return true;
}

/* 0, the host's, without memory. */
static uint32_t take_slot(void) {
    uint32_t slot = 0;
    while (slot < slot_count && slots[slot].used) {
        slot++;
    }
    if (slot == slot_count && !make_slots()) {
        return 0;
    }
    slot += slot == host.slot;
    slots[slot].used = true;
    return slot;
}

stub_book *stub_book_find(uint32_t stream) {
    stub_book *book = streams[stream % STREAM_CHAINS];
    while (book != NULL && book->stream != stream) {
        book = book->next_alike;
    }
    return book;
}

static void add_book(stub_book *book) {
    book->next_alike = streams[book->stream % STREAM_CHAINS];
    streams[book->stream % STREAM_CHAINS] = book;
    book->next = books;
    if (books != NULL) {
        books->previous = book;
    }
    books = book;
}

static void free_book(stub_book *book) {
    stub_book **alike = &streams[book->stream % STREAM_CHAINS];
    while (*alike != book) {
        alike = &(*alike)->next_alike;
    }
    *alike = book->next_alike;
    *(book->previous == NULL ? &books : &book->previous->next) = book->next;
    if (book->next != NULL) {
        book->next->previous = book->previous;
    }
    slots[book->slot].used = false;
    stub_ticking_free(&book->clock);
    stub_clock_release(book->follows);
    stub_clock_release(book->joined);
    free(book);
}

/* Of streams that are gone, and whose tasks nothing can race with any more. */
static void free_ended_books(void) {
    for (stub_book *book = books, *next = NULL; book != NULL; book = next) {
        next = book->next;
        if (book->ended) {
            stub_book_end(book, false);
        }
    }
}

stub_book *stub_book_of(uint32_t stream) {
    stub_book *book = stub_book_find(stream);
    if (book != NULL || given_up) {
        return book;
    }
    free_ended_books();
    book = calloc(1, sizeof *book);
    const uint32_t slot = book == NULL ? 0 : take_slot();
    if (slot == 0) {
        free(book);
        stub_books_give_up();
        return NULL;
    }
    book->stream = stream;
    book->slot = slot;
    book->prune_at = FIRST_PRUNE;
    add_book(book);
    return book;
}

void stub_book_end(stub_book *book, bool dropped) {
    book->ended = true;
    if (dropped) {
        drop_all(book);
    }
    stub_book_prune(book);
    if (book->pending.first == NULL && book->kept.first == NULL) {
        free_book(book);
    }
}

void stub_books_forget(void) {
    while (books != NULL) {
        drop_all(books);
        free_book(books);
    }
    drop_all(&host);
    given_up = false;
}

void stub_books_give_up(void) {
    stub_books_forget();
    given_up = true;
}

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

uint64_t stub_book_position(const stub_book *book, uint64_t number) {
    if (!book->numbered || number < book->first) {
        return 0;
    }
    return book->base + least(number - book->first, slots[book->slot].next - book->base);
}

/* ---- tasks ---- */

static void give_number(stub_book *book, uint64_t number) {
    if (!book->numbered) {
        book->numbered = true;
        book->first = number;
        book->base = slots[book->slot].next;
    }
    slots[book->slot].next = book->base + (number - book->first) + 1;
}

static void enter(stub_book *book, stub_check_task *task) {
    stub_watched_retain(task->watched);
    task->book = book;
    task->sequence = sequence++;
    link_touches(task);
}

void stub_book_queue(stub_book *book, stub_check_task *task, uint64_t number) {
    task->seen = stub_ticking_show(&host.clock);
    if (task->seen == NULL) {
        stub_books_give_up();
        return;
    }
    task->follows = book->follows;
    book->follows = NULL;
    give_number(book, number);
    task->position = book->base + (number - book->first);
    enter(book, task);
    append(&book->pending, task);
}

static void begin_keeping(stub_book *book, stub_check_task *task) {
    task->touched = true;
    append(&book->kept, task);
    if (++book->kept_count >= book->prune_at) {
        stub_book_prune(book);
    }
}

void stub_book_keep(stub_check_task *task) {
    stub_book *book = task->book;
    take_out(&book->pending, task);
    begin_keeping(book, task);
}

void stub_book_add(stub_book *book, stub_check_task *task, uint64_t position) {
    task->position = position;
    enter(book, task);
    begin_keeping(book, task);
}

/* Below it nothing of the slot can race: the host knows that it is over, and with it all that it will queue, and so
 * does all that other streams have queued. */
static uint64_t settled(const stub_book *book) {
    uint64_t over = stub_ticking_at(&host.clock, book->slot);
    for (const stub_book *other = books; other != NULL; other = other->next) {
        if (other != book && other->pending.first != NULL) {
            over = least(over, stub_clock_at(other->pending.first->seen, book->slot));
        }
    }
    return over;
}

void stub_book_prune(stub_book *book) {
    const uint64_t over = settled(book);
    while (book->kept.first != NULL && book->kept.first->position < over) {
        stub_book_drop(book->kept.first);
    }
    for (size_t surplus = book->kept_count < MOST_KEPT ? 0 : DROPPED_AT_ONCE; surplus > 0; surplus--) {
        stub_book_drop(book->kept.first);
    }
    const size_t next = 2 * book->kept_count;
    book->prune_at = next < FIRST_PRUNE ? FIRST_PRUNE : next < MOST_KEPT ? next : MOST_KEPT;
}
