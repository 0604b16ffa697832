// A scene for tests of schedules: streams whose tasks note their letters. They are an operator's that is not user code.
#pragma once

#include "ascend_stub/schedule.h"

#include <mutex>
#include <string>

#include "lane.h"
#include "latch.h"

inline std::mutex notes_lock;
inline std::string notes;

inline aclnnStatus note(const stub_call *call) {
    const std::lock_guard<std::mutex> guard(notes_lock);
    notes.push_back(static_cast<char>(call->args[0].integer));
    return ACLNN_SUCCESS;
}

inline const stub_param note_params[] = {{"letter", STUB_INT, STUB_IN}};
inline const stub_kernel note_kernel = {nullptr, note};
inline const stub_operator note_operator = {"aclnnNote", note_params, 1, &note_kernel};

inline void queue(aclrtStream stream, const char *letters) {
    for (; *letters != '\0'; letters++) {
        stub_value letter;
        letter.integer = *letters;
        uint64_t size = 0;
        aclOpExecutor *executor = nullptr;
        CHECK_STATUS(0, stub_phase_one(&note_operator, &letter, &size, &executor));
        CHECK_STATUS(0, stub_phase_two(&note_operator, nullptr, 0, executor, stream));
    }
}

inline std::string noted() {
    const std::lock_guard<std::mutex> guard(notes_lock);
    return notes;
}

inline std::string take_notes() {
    const std::lock_guard<std::mutex> guard(notes_lock);
    std::string taken;
    taken.swap(notes);
    return taken;
}

inline bool is_idle(aclrtStream stream) {
    aclrtStreamStatus status;
    CHECK_STATUS(0, aclrtStreamQuery(stream, &status));
    return status == ACL_STREAM_STATUS_COMPLETE;
}

inline aclrtEvent new_event() {
    aclrtEvent event = nullptr;
    CHECK_STATUS(0, aclrtCreateEventWithFlag(&event, ACL_EVENT_SYNC));
    return event;
}

inline bool is_recorded(aclrtEvent event) {
    aclrtEventRecordedStatus status;
    CHECK_STATUS(0, aclrtQueryEventStatus(event, &status));
    return status == ACL_EVENT_RECORDED_STATUS_COMPLETE;
}

// Two streams and an event, under a schedule of the test's.
class Scene {
  public:
    explicit Scene(const char *schedule) : a(new_stream()), b(new_stream()), event(new_event()) {
        use(schedule);
    }
    Scene(const Scene &) = delete;
    Scene &operator=(const Scene &) = delete;
    ~Scene() {
        use("");
        CHECK_STATUS(0, aclrtDestroyEvent(event));
        CHECK_STATUS(0, aclrtDestroyStream(a));
        CHECK_STATUS(0, aclrtDestroyStream(b));
        take_notes();
    }
    static void use(const char *schedule) {
        CHECK_STATUS(0, stub_schedule_set(schedule));
    }
    const aclrtStream a, b;
    const aclrtEvent event;
};
