// Checks of handles, memory and contexts: each mistake is one report, what only looks like it is none.
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "acl/acl.h"
#include "aclnn/acl_meta.h"
#include "check.h"
#include "hccl/hccl.h"
#include "hccl/hccl_comm.h"
#include "reports.h"

namespace {

// Handles that are destroyed are recognised from CANN 9.1 on only; the report does not depend on it.
void a_stream_used_after_its_end_is_reported() {
    aclrtStream stream;
    CHECK_STATUS(0, aclrtCreateStream(&stream));
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK_STATUS(0, aclrtDestroyStream(stream));
    CHECK_QUIET();
    CHECK(aclrtSynchronizeStream(stream) != 0);
    CHECK_REPORT(STUB_CHECK_HANDLES, "aclrtSynchronizeStream uses a dead stream", "ended by aclrtDestroyStream",
                 "made by aclrtCreateStream", "argument stream", "test_check_objects");
}

void an_event_destroyed_twice_is_reported() {
    aclrtEvent event;
    CHECK_STATUS(0, aclrtCreateEvent(&event));
    CHECK_STATUS(0, aclrtDestroyEvent(event));
    CHECK(aclrtDestroyEvent(event) != 0);
    CHECK_REPORT(STUB_CHECK_HANDLES, "aclrtDestroyEvent destroys event that aclrtDestroyEvent destroyed before",
                 "made by aclrtCreateEvent");
}

void streams_end_with_their_context() {
    aclrtContext context, before;
    aclrtStream stream;
    CHECK_STATUS(0, aclrtGetCurrentContext(&before));
    CHECK_STATUS(0, aclrtCreateContext(&context, 0));
    CHECK_STATUS(0, aclrtCreateStream(&stream));
    CHECK_STATUS(0, aclrtDestroyContext(context));
    CHECK_STATUS(0, aclrtSetCurrentContext(before));
    CHECK_QUIET();
    CHECK(aclrtStreamQuery(stream, nullptr) != 0);
    CHECK_REPORT(STUB_CHECK_HANDLES, "aclrtStreamQuery uses a dead stream", "ended by aclrtDestroyContext");
}

void a_failed_destruction_leaves_the_object_alive() {
    aclrtContext primary, other;
    aclrtStream stream;
    CHECK_STATUS(0, aclrtGetCurrentContext(&primary));
    CHECK_STATUS(0, aclrtCreateStream(&stream));
    CHECK_STATUS(0, aclrtCreateContext(&other, 0));
    CHECK_STATUS(107003, aclrtDestroyStream(stream)); // of another context
    CHECK_STATUS(0, aclrtDestroyContext(other));
    CHECK_STATUS(0, aclrtSetCurrentContext(primary));
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK_STATUS(0, aclrtDestroyStream(stream));
    CHECK_QUIET();
}

aclTensor *make_tensor() {
    const int64_t shape[] = {4};
    return aclCreateTensor(shape, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, shape, 1, nullptr);
}

void a_descriptor_destroyed_twice_is_reported() {
    aclTensor *tensor = make_tensor();
    CHECK_STATUS(0, aclDestroyTensor(tensor));
    CHECK_STATUS(161002, aclDestroyTensor(tensor));
    CHECK_REPORT(STUB_CHECK_HANDLES, "aclDestroyTensor destroys aclTensor that aclDestroyTensor destroyed before");
}

void a_descriptor_used_after_its_end_is_reported() {
    aclTensor *tensor = make_tensor();
    CHECK_STATUS(0, aclDestroyTensor(tensor));
    CHECK_STATUS(161002, aclSetRawTensorAddr(tensor, nullptr));
    CHECK_REPORT(STUB_CHECK_HANDLES, "aclSetRawTensorAddr uses a dead aclTensor", "argument tensor");
}

void a_list_destroys_its_elements() {
    aclTensor *items[] = {make_tensor(), make_tensor()};
    aclTensorList *list = aclCreateTensorList(items, 2);
    CHECK_STATUS(0, aclDestroyTensorList(list));
    CHECK_QUIET();
    CHECK_STATUS(161002, aclDestroyTensor(items[1]));
    CHECK_REPORT(STUB_CHECK_HANDLES, "aclDestroyTensor destroys aclTensor that aclDestroyTensorList destroyed before");
}

void a_list_of_dead_elements_is_reported() {
    aclTensor *items[] = {make_tensor(), make_tensor()};
    CHECK_STATUS(0, aclDestroyTensor(items[0]));
    aclTensorList *list = aclCreateTensorList(items, 2);
    CHECK_REPORT(STUB_CHECK_HANDLES, "aclCreateTensorList uses a dead aclTensor");
    CHECK_STATUS(161002, aclDestroyTensorList(list));
    CHECK_REPORT(STUB_CHECK_HANDLES, "aclDestroyTensorList destroys aclTensor that aclDestroyTensor destroyed before");
}

void a_new_object_at_an_old_address_is_not_the_old_one() {
    for (int i = 0; i < 100; i++) {
        CHECK_STATUS(0, aclDestroyTensor(make_tensor()));
        aclScalar *scalar = aclCreateScalar(&i, ACL_INT32);
        CHECK_STATUS(0, aclDestroyScalar(scalar));
    }
    CHECK_QUIET();
}

void a_communicator_used_after_its_end_is_reported() {
    int32_t devices[] = {0};
    HcclComm comm = nullptr;
    uint32_t size = 0;
    CHECK_STATUS(0, HcclCommInitAll(1, devices, &comm));
    CHECK_STATUS(0, HcclGetRankSize(comm, &size));
    CHECK_STATUS(0, HcclCommDestroy(comm));
    CHECK_QUIET();
    CHECK(HcclGetRankSize(comm, &size) != 0);
    CHECK_REPORT(STUB_CHECK_HANDLES, "HcclGetRankSize uses a dead communicator", "made by HcclCommInitAll");
}

void *allocate(size_t size) {
    void *memory = nullptr;
    CHECK_STATUS(0, aclrtMalloc(&memory, size, ACL_MEM_MALLOC_HUGE_FIRST));
    return memory;
}

void memory_freed_twice_is_reported() {
    void *memory = allocate(4096);
    CHECK_STATUS(0, aclrtFree(memory));
    CHECK_STATUS(107000, aclrtFree(memory));
    CHECK_REPORT(STUB_CHECK_MEMORY, "aclrtFree frees device memory that aclrtFree freed before", "the 4096 bytes",
                 "made by aclrtMalloc");
}

void memory_given_out_again_is_freed_again() {
    void *first = allocate(4096);
    CHECK_STATUS(0, aclrtFree(first));
    void *second = allocate(4096);
    CHECK(second == first);
    CHECK_STATUS(0, aclrtFree(second));
    CHECK_QUIET();
}

void a_wrong_address_is_reported() {
    char *memory = static_cast<char *>(allocate(4096));
    CHECK_STATUS(107000, aclrtFree(memory + 64));
    CHECK_REPORT(STUB_CHECK_MEMORY, "aclrtFree is given an address inside of memory", "byte 64 of the 4096 bytes");
    int on_stack = 0;
    CHECK_STATUS(107000, aclrtFreeHost(&on_stack));
    CHECK_REPORT(STUB_CHECK_MEMORY, "aclrtFreeHost is given an address that is none of its own");
    CHECK_STATUS(0, aclrtFree(memory));
    CHECK_STATUS(100000, aclrtFree(nullptr));
    CHECK_QUIET();
}

void pinned_memory_freed_twice_is_reported() {
    void *memory = nullptr;
    CHECK_STATUS(0, aclrtMallocHost(&memory, 100));
    CHECK_STATUS(0, aclrtFreeHost(memory));
    CHECK_STATUS(107000, aclrtFreeHost(memory));
    CHECK_REPORT(STUB_CHECK_MEMORY, "aclrtFreeHost frees pinned host memory that aclrtFreeHost freed before");
}

void registered_memory_unregistered_twice_is_reported() {
    void *memory = std::aligned_alloc(4096, 4096);
    void *device = nullptr;
    CHECK_STATUS(0, aclrtHostRegister(memory, 4096, ACL_HOST_REGISTER_MAPPED, &device));
    CHECK_STATUS(0, aclrtHostUnregister(memory));
    CHECK_QUIET();
    CHECK(aclrtHostUnregister(memory) != 0);
    CHECK_REPORT(STUB_CHECK_MEMORY, "aclrtHostUnregister frees registered host memory");
    std::free(memory);
}

void a_thread_without_a_context_is_reported() {
    std::thread([] {
        void *memory = nullptr;
        CHECK_STATUS(107002, aclrtMalloc(&memory, 16, ACL_MEM_MALLOC_HUGE_FIRST));
    }).join();
    CHECK_REPORT(STUB_CHECK_CONTEXT, "aclrtMalloc is called by a thread without a context", "aclrtSetDevice");
}

void a_thread_whose_context_was_destroyed_is_reported() {
    aclrtContext mine, context;
    CHECK_STATUS(0, aclrtGetCurrentContext(&mine));
    CHECK_STATUS(0, aclrtCreateContext(&context, 0));
    std::thread([context] { CHECK_STATUS(0, aclrtDestroyContext(context)); }).join();
    aclrtStream stream;
    CHECK_STATUS(107002, aclrtCreateStream(&stream));
    CHECK_REPORT(STUB_CHECK_CONTEXT, "aclrtCreateStream is called by a thread whose context was destroyed");
    CHECK_STATUS(0, aclrtSetCurrentContext(mine));
}

void asking_for_the_context_is_no_mistake() {
    void *memory = allocate(16);
    std::thread([memory] {
        int32_t device;
        aclrtContext context;
        CHECK_STATUS(107002, aclrtGetDevice(&device));
        CHECK_STATUS(107002, aclrtGetCurrentContext(&context));
        CHECK_STATUS(0, aclrtFree(memory)); // needs none
    }).join();
    CHECK_QUIET();
}

void what_was_made_unseen_is_unknown() {
    CHECK_STATUS(0, stub_check_set(""));
    aclTensor *tensor = make_tensor();
    void *memory = allocate(64);
    aclrtStream stream;
    CHECK_STATUS(0, aclrtCreateStream(&stream));
    CHECK_STATUS(0, stub_check_set("all"));
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK_STATUS(0, aclrtDestroyStream(stream));
    CHECK_STATUS(0, aclrtFree(memory));
    CHECK_STATUS(0, aclDestroyTensor(tensor));
    CHECK_QUIET();
}

// Handles are used again after a while.
void a_default_context_where_another_was_is_alive() {
    aclrtContext context;
    aclrtStream stream;
    for (int i = 0; i < 1200; i++) {
        CHECK_STATUS(0, aclrtCreateContext(&context, 1));
        CHECK_STATUS(0, aclrtDestroyContext(context));
    }
    for (int i = 0; i < 1200; i++) {
        CHECK_STATUS(0, aclrtSetDevice(1));
        CHECK_STATUS(0, aclrtGetCurrentContext(&context));
        CHECK_STATUS(0, aclrtSetCurrentContext(context));
        CHECK_STATUS(0, aclrtCtxGetCurrentDefaultStream(&stream));
        CHECK_STATUS(0, aclrtSynchronizeStream(stream));
        CHECK_STATUS(0, aclrtResetDevice(1));
    }
    CHECK_STATUS(0, aclrtSetDevice(0));
    CHECK_QUIET();
}

void a_forked_childs_objects_are_its_own() {
    aclrtStream stream;
    CHECK_STATUS(0, aclrtCreateStream(&stream));
    void *memory = allocate(64);
    CHECK_STATUS(0, aclrtMemsetAsync(memory, 64, 0, 64, stream));
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK_STATUS(0, aclDestroyTensor(make_tensor()));
    const pid_t child = fork();
    if (child == 0) {
        aclTensor *tensor = make_tensor(); // where the dead one was
        CHECK_STATUS(0, aclDestroyTensor(tensor));
        CHECK(aclrtFree(memory) != 0);
        CHECK_QUIET();
        _exit(check_failures);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    CHECK_STATUS(0, aclrtFree(memory));
    CHECK_STATUS(0, aclrtDestroyStream(stream));
    CHECK_QUIET();
}

int places_asked_for;

void ask_for_place(char *, size_t) {
    places_asked_for++;
}

void places_that_nobody_tells_are_not_taken() {
    stub_set_frame_reader(ask_for_place);
    CHECK_STATUS(0, stub_check_set("context,pageable"));
    CHECK_STATUS(0, aclrtFree(allocate(64)));
    CHECK_STATUS(0, aclDestroyTensor(make_tensor()));
    CHECK(places_asked_for == 0);
    CHECK_STATUS(0, stub_check_set("all"));
    CHECK_STATUS(0, aclDestroyTensor(make_tensor()));
    CHECK(places_asked_for == 2);
    stub_set_frame_reader(nullptr);
    CHECK_QUIET();
}

void garbage_does_no_harm() {
    uint64_t words[32] = {0};
    void *const garbage[] = {words, reinterpret_cast<void *>(0x10), reinterpret_cast<void *>(UINT64_MAX - 4096)};
    for (void *handle : garbage) {
        CHECK(aclrtSynchronizeStream(handle) != 0);
        CHECK(aclrtDestroyStream(handle) != 0);
        CHECK(aclrtDestroyEvent(handle) != 0);
        CHECK(aclrtDestroyContext(handle) != 0);
        CHECK(HcclCommDestroy(handle) != 0);
        CHECK(aclrtFree(handle) != 0);
        CHECK(aclrtFreeHost(handle) != 0);
        CHECK(aclrtHostUnregister(handle) != 0);
        CHECK(aclDestroyAclOpExecutor(static_cast<aclOpExecutor *>(handle)) != 0);
    }
    CHECK(aclDestroyTensor(reinterpret_cast<aclTensor *>(words)) != 0);
    CHECK(aclDestroyTensorList(reinterpret_cast<aclTensorList *>(words)) != 0);
    take_reports();
}

} // namespace

int main() {
    watch("all");
    CHECK_STATUS(0, aclInit(nullptr));
    CHECK_STATUS(0, aclrtSetDevice(0));
    a_stream_used_after_its_end_is_reported();
    an_event_destroyed_twice_is_reported();
    streams_end_with_their_context();
    a_failed_destruction_leaves_the_object_alive();
    a_descriptor_destroyed_twice_is_reported();
    a_descriptor_used_after_its_end_is_reported();
    a_list_destroys_its_elements();
    a_list_of_dead_elements_is_reported();
    a_new_object_at_an_old_address_is_not_the_old_one();
    a_communicator_used_after_its_end_is_reported();
    memory_freed_twice_is_reported();
    memory_given_out_again_is_freed_again();
    a_wrong_address_is_reported();
    pinned_memory_freed_twice_is_reported();
    registered_memory_unregistered_twice_is_reported();
    a_thread_without_a_context_is_reported();
    a_thread_whose_context_was_destroyed_is_reported();
    asking_for_the_context_is_no_mistake();
    a_default_context_where_another_was_is_alive();
    a_forked_childs_objects_are_its_own();
    places_that_nobody_tells_are_not_taken();
    what_was_made_unseen_is_unknown();
    garbage_does_no_harm();
    CHECK_STATUS(0, aclrtResetDevice(0));
    CHECK_STATUS(0, aclFinalize());
    CHECK_QUIET();
}
