/* From a collective call to a task of a stream. */
#include <stdlib.h>

#include "comm/reduce.h"
#include "core/stream.h"
#include "hccl/arguments.h"
#include "hccl/collective.h"

typedef struct {
    stub_task task;
    collective call;
    stub_comm *comm; /* a reference */
    uint64_t ticket;
    bool ran;
} collective_task;

static int run_task(stub_task *task) {
    collective_task *work = (collective_task *)(void *)task;
    const collective *call = &work->call;
    work->ran = true;
    return call->kind->run(work->comm, work->ticket, &call->operation, call->send, call->receive);
}

static void add_buffer(stub_access_list *accesses, const void *buffer, size_t bytes, stub_access_mode mode,
                       const char *what) {
    const stub_access access = {.first = (uintptr_t)buffer, .run = bytes, .mode = mode, .what = what};
    stub_access_add(accesses, &access);
}

/* Both ends of this rank. What a broadcast has one of is read at its root and written elsewhere. */
static void describe_task(const stub_task *task, stub_access_list *accesses) {
    const collective_task *work = (const collective_task *)(const void *)task;
    const collective *call = &work->call;
    const collective_kind *kind = call->kind;
    const size_t bytes = call->operation.count * stub_hccl_type_bytes(call->operation.data_type);
    const size_t all = stub_comm_size(work->comm) * bytes;
    const bool is_root = kind->has_root && call->operation.root == stub_comm_rank(work->comm);
    if (kind->send != NULL) {
        add_buffer(accesses, call->send, kind->sends_all ? all : bytes, STUB_READS, kind->send);
    }
    if (kind->receive != NULL) {
        add_buffer(accesses, call->receive, kind->receives_all ? all : bytes, is_root ? STUB_READS : STUB_WRITES,
                   kind->receive);
    }
}

/* The other ranks must hear of work that never runs. */
static void release_task(stub_task *task) {
    collective_task *work = (collective_task *)(void *)task;
    if (!work->ran) {
        stub_comm_drop(work->comm, work->ticket);
    }
    stub_comm_release(work->comm);
    free(work);
}

static HcclResult check_pointers(const collective *asked) {
    const char *function = asked->operation.name;
    if (asked->stream == NULL || asked->comm == NULL) {
        return refuse_null(function, asked->stream == NULL ? "stream" : "comm");
    }
    if (asked->kind->send != NULL && asked->send == NULL) {
        return refuse_null(function, asked->kind->send);
    }
    if (asked->kind->receive != NULL && asked->receive == NULL) {
        return refuse_null(function, asked->kind->receive);
    }
    return HCCL_SUCCESS;
}

static HcclResult find_stream(const collective *asked, const stub_comm *comm, stub_stream **stream) {
    const char *function = asked->operation.name;
    int device = 0;
    if (stub_stream_resolve(asked->stream, function, stream) != 0) {
        return HCCL_E_RUNTIME; /* with its text */
    }
    HcclResult status = current_device(function, &device);
    if (status == HCCL_SUCCESS && device != stub_comm_device(comm)) {
        status = stub_fail(
            HCCL_E_PARA, "%s: stream %u is on device %d, but rank %u of communicator \"%s\" is on device %d.", function,
            stub_stream_id(*stream), device, stub_comm_rank(comm), stub_comm_name(comm), stub_comm_device(comm));
    }
    return status;
}

static HcclResult check_call(const collective *asked, const stub_comm *comm, stub_stream **stream) {
    HcclResult status = HCCL_SUCCESS;
    if (asked->kind->receive != NULL) {
        status = check_collective_elements(asked, comm);
    }
    if (status == HCCL_SUCCESS) {
        status = find_stream(asked, comm, stream);
    }
    return status == HCCL_SUCCESS ? check_collective_buffers(asked, comm) : status;
}

/* Takes the reference to the communicator in every case. */
static HcclResult enqueue(const collective *asked, stub_comm *comm, stub_stream *stream) {
    collective_task *work = malloc(sizeof *work);
    if (work == NULL) {
        stub_comm_release(comm);
        return stub_fail(HCCL_E_MEMORY, "%s: the host is out of memory.", asked->operation.name);
    }
    *work = (collective_task){.task = {.run = run_task,
                                       .release = release_task,
                                       .name = asked->operation.name,
                                       .describe = describe_task,
                                       .urgency = STUB_NEEDED_AT_ONCE},
                              .call = *asked,
                              .comm = comm,
                              .ticket = stub_comm_begin_submit(comm)};
    const int status = stub_stream_enqueue(stream, &work->task);
    stub_comm_end_submit(comm);
    return status == 0 ? HCCL_SUCCESS : HCCL_E_RUNTIME;
}

HcclResult submit_collective(const collective *asked) {
    if (asked->operation.count == 0 && asked->kind->receive != NULL) {
        return HCCL_SUCCESS; /* before everything else, as CANN */
    }
    HcclResult status = check_pointers(asked);
    if (status != HCCL_SUCCESS) {
        return status;
    }
    stub_comm *comm = stub_comm_from_handle(asked->comm, asked->operation.name);
    if (comm == NULL) {
        return HCCL_E_PARA;
    }
    stub_stream *stream = NULL;
    status = check_call(asked, comm, &stream);
    if (status != HCCL_SUCCESS) {
        stub_comm_release(comm);
        return status;
    }
    return enqueue(asked, comm, stream);
}
