// What a call costs in the stand-in itself, with a kernel that does nothing: nanoseconds of wall time and of CPU (all
// threads together), next to an uncontended lock and to malloc. One run compares everything; the rows take turns and
// the fastest of several rounds counts. "stream held" is the caller's part alone. With several streams, each has a
// calling thread of its own, so that one stream occupies two cores. Build it as the programs of tests/native are built:
//
//     bench_core [rounds]        default 7
#include <pthread.h>
#include <unistd.h>

#include <ctime>

#include "ascend_stub/kernel.h"
#include "bench.h"

namespace {

constexpr int batch = 512; // calls per measurement: less than a stream queues before it makes the caller wait
constexpr int queued = 100000;

// An operator of this program's own, so that nothing but the two phases and the stream is measured.
aclnnStatus do_nothing(const stub_call *) {
    return 0;
}

aclnnStatus copy(const stub_call *call) {
    void *from, *to;
    stub_tensor_info info;
    stub_tensor_read(call->args[0].tensor, &info);
    MUST(stub_tensor_open(call, 0, call->args[0].tensor, &from));
    MUST(stub_tensor_open(call, 3, call->args[3].tensor, &to));
    std::memcpy(to, from, static_cast<size_t>(info.shape[0]) * sizeof(float));
    return 0;
}

const stub_param params[] = {{"x", STUB_TENSOR, STUB_IN},
                             {"y", STUB_TENSOR, STUB_IN},
                             {"z", STUB_TENSOR, STUB_IN},
                             {"out", STUB_TENSOR, STUB_OUT}};
const stub_kernel empty_kernel = {nullptr, do_nothing}, small_kernel = {nullptr, copy};
const stub_operator empty = {"aclnnEmpty", params, 4, &empty_kernel}, small = {"aclnnSmall", params, 4, &small_kernel};

// Four tensors of 4 KiB for one thread, its stream, and the calls it makes with them.
struct Caller {
    aclrtStream stream = nullptr;
    Tensor x{ACL_FLOAT, 32, {1024}}, y{ACL_FLOAT, 32, {1024}}, z{ACL_FLOAT, 32, {1024}}, out{ACL_FLOAT, 32, {1024}};
    stub_value values[4];

    Caller() {
        const Tensor *tensors[] = {&x, &y, &z, &out};
        for (int i = 0; i < 4; i++) {
            values[i].tensor = tensors[i]->handle;
        }
        MUST(aclrtCreateStream(&stream));
    }
    ~Caller() {
        MUST(aclrtDestroyStream(stream));
    }
    aclOpExecutor *phase_one(const stub_operator &op) const {
        uint64_t size = 0;
        aclOpExecutor *executor = nullptr;
        MUST(stub_phase_one(&op, values, &size, &executor));
        return executor;
    }
    void phase_two(const stub_operator &op, aclOpExecutor *executor) const {
        MUST(stub_phase_two(&op, nullptr, 0, executor, stream));
    }
    void call(const stub_operator &op) const {
        phase_two(op, phase_one(op));
    }
    aclOpExecutor *repeatable(const stub_operator &op) const {
        aclOpExecutor *executor = phase_one(op);
        MUST(aclSetAclOpExecutorRepeatable(executor));
        return executor;
    }
    void synchronize() const {
        MUST(aclrtSynchronizeStream(stream));
    }
};

double now(clockid_t clock) {
    timespec time;
    clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

class Row {
  public:
    std::string name;
    int calls;
    Body body;                          // does that many calls
    Body before = [] {}, after = [] {}; // not measured
    double wall = 1e18, cpu = 1e18;     // the best

    void measure() {
        before();
        const double start_others = others();
        const double start = now(CLOCK_MONOTONIC), start_own = now(CLOCK_THREAD_CPUTIME_ID);
        body();
        wall = std::min(wall, (now(CLOCK_MONOTONIC) - start) / calls);
        const double own = now(CLOCK_THREAD_CPUTIME_ID) - start_own;
        cpu = std::min(cpu, (own + others() - start_others) / calls);
        after();
    }

  private:
    // CPU of the other threads. The system counts it when they go to sleep, so they get the time to do that.
    static double others() {
        usleep(300);
        return now(CLOCK_PROCESS_CPUTIME_ID) - now(CLOCK_THREAD_CPUTIME_ID);
    }
};

// The body `calls` times.
Row repeated(const std::string &name, int calls, const Body &once) {
    return {name, calls, [=] {
                for (int i = 0; i < calls; i++) {
                    once();
                }
            }};
}

// Holds the stream, so that what is queued is measured alone and what it takes to run is too.
pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

void wait_at_gate(void *) {
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
}

void hold(const Caller &caller) {
    pthread_mutex_lock(&gate);
    MUST(aclrtLaunchHostFunc(caller.stream, wait_at_gate, nullptr));
}

void let_go(const Caller &caller) {
    pthread_mutex_unlock(&gate);
    caller.synchronize();
}

void add_floors(std::vector<Row> &rows) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    rows.push_back(repeated("floor: mutex lock + unlock", batch, [] {
        pthread_mutex_lock(&lock);
        pthread_mutex_unlock(&lock);
    }));
    rows.push_back(repeated("floor: malloc + free of 160 bytes", batch, [] {
        void *volatile block = std::malloc(160);
        std::free(block);
    }));
}

void add_descriptors(std::vector<Row> &rows) {
    static const int64_t shape[] = {2, 3, 4, 5};
    const auto create = [] {
        return aclCreateTensor(shape, 4, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, shape, 4, nullptr);
    };
    static aclTensor *tensors[batch];
    rows.push_back(repeated("create + destroy a tensor", batch, [=] { aclDestroyTensor(create()); }));
    rows.push_back({"create 512, then destroy 512", batch, [=] {
                        for (aclTensor *&tensor : tensors) {
                            tensor = create();
                        }
                        for (aclTensor *tensor : tensors) {
                            aclDestroyTensor(tensor);
                        }
                    }});
}

void add_phases(std::vector<Row> &rows, const Caller &caller) {
    static aclOpExecutor *executors[batch];
    const auto one = [&] {
        for (aclOpExecutor *&executor : executors) {
            executor = caller.phase_one(empty);
        }
    };
    const auto two = [&] {
        for (aclOpExecutor *executor : executors) {
            caller.phase_two(empty, executor);
        }
    };
    const auto all = [=] {
        one();
        two();
    };
    rows.push_back({"phase one", batch, one, [] {},
                    [&, two] {
                        two();
                        caller.synchronize();
                    }});
    rows.push_back({"phase two, stream held", batch, two,
                    [&, one] {
                        one();
                        hold(caller);
                    },
                    [&] { let_go(caller); }});
    rows.push_back({"completion", batch, [&] { let_go(caller); },
                    [&, all] {
                        hold(caller);
                        all();
                    }});
}

void add_calls(std::vector<Row> &rows, const Caller &caller) {
    rows.push_back({"call (both phases), stream running", batch, [&] {
                        for (int i = 0; i < batch; i++) {
                            caller.call(empty);
                        }
                        caller.synchronize();
                    }});
    rows.push_back(repeated("call + synchronize, each", batch, [&] {
        caller.call(empty);
        caller.synchronize();
    }));
}

void add_replays(std::vector<Row> &rows, const Caller &caller) {
    aclOpExecutor *executor = caller.repeatable(empty);
    const auto replay = [&caller, executor] { caller.phase_two(empty, executor); };
    const auto set = [&caller, executor](int i) {
        void *address = i % 2 == 0 ? caller.out.address : caller.z.address;
        MUST(aclSetTensorAddr(executor, 3, caller.out.handle, address));
    };
    const auto synchronize = [&caller] { caller.synchronize(); };
    const auto replays = [=] {
        for (int i = 0; i < batch; i++) {
            replay();
        }
    };
    rows.push_back({"replay, stream held", batch, replays, [&caller] { hold(caller); }, [&caller] { let_go(caller); }});
    rows.push_back({"replay, stream running", batch, [=] {
                        replays();
                        synchronize();
                    }});
    rows.push_back(repeated("replay + synchronize, each", batch, [=] {
        replay();
        synchronize();
    }));
    const auto sets = [=] {
        for (int i = 0; i < batch; i++) {
            set(i);
        }
    };
    const auto rebound = [=] {
        for (int i = 0; i < batch; i++) {
            set(i);
            replay();
        }
    };
    rows.push_back({"set address", batch, sets});
    rows.push_back({"set address + replay, stream held", batch, rebound, [&caller] { hold(caller); },
                    [&caller] { let_go(caller); }});
    rows.push_back({"set address + replay, stream running", batch, [=] {
                        rebound();
                        synchronize();
                    }});
}

long resident_bytes() {
    long total = 0, resident = 0;
    FILE *file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr || std::fscanf(file, "%ld %ld", &total, &resident) != 2) {
        std::exit(1);
    }
    std::fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}

void add_queues(std::vector<Row> &rows, const Caller &caller) {
    aclOpExecutor *executor = caller.repeatable(empty);
    rows.push_back({"100,000 calls, one synchronize", queued, [&caller] {
                        for (int i = 0; i < queued; i++) {
                            caller.call(empty);
                        }
                        caller.synchronize();
                    }});
    rows.push_back({"100,000 replays, one synchronize", queued, [&caller, executor] {
                        for (int i = 0; i < queued; i++) {
                            caller.phase_two(empty, executor);
                        }
                        caller.synchronize();
                    }});
}

// `count` streams, each with a calling thread of its own, share the calls.
void add_streams(std::vector<Row> &rows, const std::vector<Caller> &callers, size_t count, const stub_operator &op,
                 const std::string &what) {
    const int calls = 2000;
    rows.push_back(
        {what + ", " + std::to_string(count) + " streams", calls * static_cast<int>(count), [&callers, &op, count] {
             std::vector<std::thread> threads;
             for (size_t i = 0; i < count; i++) {
                 threads.emplace_back([&caller = callers[i], &op] {
                     MUST(aclrtSetDevice(0));
                     for (int call = 0; call < calls; call++) {
                         caller.call(op);
                     }
                     caller.synchronize();
                     MUST(aclrtResetDevice(0));
                 });
             }
             for (std::thread &thread : threads) {
                 thread.join();
             }
         }});
}

void print(const std::vector<Row> &rows) {
    const double unit = rows[0].cpu;
    std::printf("%-42s %9s %9s %9s\n", "nanoseconds per call", "wall", "cpu", "locks");
    for (const Row &row : rows) {
        std::printf("%-42s %9.1f %9.1f %9.1f\n", row.name.c_str(), row.wall, row.cpu, row.cpu / unit);
    }
}

void measure(int rounds) {
    std::vector<Caller> callers(8);
    std::vector<Row> rows;
    add_floors(rows);
    add_descriptors(rows);
    add_phases(rows, callers[0]);
    add_calls(rows, callers[0]);
    add_replays(rows, callers[0]);
    for (size_t count = 1; count <= callers.size(); count *= 2) {
        add_streams(rows, callers, count, empty, "empty kernel");
        add_streams(rows, callers, count, small, "kernel of 4 KiB");
    }
    for (int round = 0; round < rounds; round++) {
        for (Row &row : rows) {
            row.measure();
        }
    }
    const long before = resident_bytes();
    add_queues(rows, callers[0]);
    for (size_t i = rows.size() - 2; i < rows.size(); i++) {
        rows[i].measure();
    }
    print(rows);
    std::printf("resident memory grew by %ld KiB while 200,000 calls were queued\n",
                (resident_bytes() - before) / 1024);
}

} // namespace

int main(int argc, char **argv) {
    MUST(aclInit(nullptr));
    MUST(aclrtSetDevice(0));
    measure(argc > 1 ? std::atoi(argv[1]) : 7);
    MUST(aclrtResetDevice(0));
    MUST(aclFinalize());
    return 0;
}
