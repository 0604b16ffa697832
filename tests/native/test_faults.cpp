// Faults on demand at calls: which calls a rule strikes, what they answer, what they leave behind, bad rules.
#include <fcntl.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <string>
#include <thread>

#include "ascend_stub/fault.h"
#include "hccl/hccl.h"
#include "hccl/hccl_comm.h"
#include "lane.h"

class Fault {
  public:
    explicit Fault(const char *rules) {
        CHECK_STATUS(0, stub_fault_add(rules, &id_));
    }
    Fault(const Fault &) = delete;
    Fault &operator=(const Fault &) = delete;
    ~Fault() {
        stub_fault_remove(id_);
    }
    uint64_t hits() const {
        return stub_fault_hits(id_);
    }

  private:
    uint64_t id_ = 0;
};

static int allocate() {
    void *address = nullptr;
    const int status = aclrtMalloc(&address, 100, ACL_MEM_MALLOC_HUGE_FIRST);
    CHECK((address == nullptr) == (status != 0));
    if (address != nullptr) {
        CHECK_STATUS(0, aclrtFree(address));
    }
    return status;
}

static bool last_text_has(const char *part) {
    const char *text = aclGetRecentErrMsg();
    return text != nullptr && std::strstr(text, part) != nullptr;
}

// ---- before anything else: the environment ----

static int in_child(const char *rank, const char *rules) {
    const pid_t child = fork();
    if (child == 0) {
        setenv("RANK", rank, 1);
        setenv("ASCEND_STUB_FAULT", rules, 1);
        uint32_t count = 0;
        _exit(aclrtGetDeviceCount(&count) == 0 ? 0 : 1);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

static void a_rank_dies_and_no_other() {
    const int died = in_child("1", "aclrtGetDeviceCount:die,rank=1");
    CHECK(WIFSIGNALED(died) && WTERMSIG(died) == SIGKILL);
    const int lived = in_child("0", "aclrtGetDeviceCount:die,rank=1");
    CHECK(WIFEXITED(lived) && WEXITSTATUS(lived) == 0);
}

static std::string errors_of_the_first_call(int expected) {
    char name[] = "/tmp/faults-XXXXXX";
    const int file = mkstemp(name);
    const int before = dup(2);
    dup2(file, 2);
    uint32_t count = 0;
    const int status = aclrtGetDeviceCount(&count);
    dup2(before, 2);
    CHECK_STATUS(expected, status);
    char text[2000] = "";
    CHECK(pread(file, text, sizeof text - 1, 0) > 0);
    close(file);
    close(before);
    unlink(name);
    return text;
}

static void the_environment_brings_rules_and_names_what_is_wrong_with_others() {
    setenv("ASCEND_STUB_FAULT", "aclrtMalloc:form=3; aclrtGetDeviceCount:status=507000,count=1;acl-rtFree;", 1);
    const std::string text = errors_of_the_first_call(507000);
    CHECK(text.find("ASCEND_STUB_FAULT") != std::string::npos);
    CHECK(text.find("\"aclrtMalloc:form=3\": there is no option \"form\"") != std::string::npos);
    CHECK(text.find("\"acl-rtFree\" is no function's name") != std::string::npos);
    uint32_t count = 0;
    CHECK_STATUS(0, aclrtGetDeviceCount(&count));
    stub_fault_remove(0);
}

// ---- which calls ----

static void the_third_call_fails_once() {
    Fault fault("aclrtMalloc:status=207018,from=3,count=1");
    const int expected[] = {0, 0, 207018, 0, 0};
    for (int status : expected) {
        CHECK_STATUS(status, allocate());
    }
    CHECK(fault.hits() == 1);
}

static void all_calls_fail_until_the_rule_is_removed() {
    {
        Fault fault("aclrtMalloc*");
        CHECK_STATUS(207001, allocate());
        CHECK_STATUS(207001, allocate());
        CHECK(fault.hits() == 2);
    }
    CHECK_STATUS(0, allocate());
}

static std::string chances(const char *rules) {
    Fault fault(rules);
    std::string drawn;
    for (int i = 0; i < 200; i++) {
        drawn += allocate() == 0 ? '.' : 'X';
    }
    CHECK(fault.hits() == static_cast<uint64_t>(std::count(drawn.begin(), drawn.end(), 'X')));
    return drawn;
}

static void chance_follows_from_the_seed() {
    const std::string seven = chances("aclrtMalloc:probability=0.25,seed=7");
    CHECK(seven == chances("aclrtMalloc : probability=0.25, seed=7"));
    CHECK(seven != chances("aclrtMalloc:probability=0.25,seed=8"));
    const auto struck = std::count(seven.begin(), seven.end(), 'X');
    CHECK(struck > 25 && struck < 75);
    CHECK(chances("aclrtMalloc:probability=0") == std::string(200, '.'));
}

static void the_first_rule_that_strikes_wins_and_all_count() {
    Fault first("aclrtMalloc:status=507000,from=2,count=1");
    Fault second("aclrtMall*:status=507899,from=2,count=2");
    const int expected[] = {0, 507000, 507899, 507899, 0};
    for (int status : expected) {
        CHECK_STATUS(status, allocate());
    }
}

static void a_rule_may_be_for_one_device() {
    Fault fault("aclrtMalloc:device=1");
    CHECK_STATUS(0, allocate());
    CHECK_STATUS(0, aclrtSetDevice(1));
    CHECK_STATUS(207001, allocate());
    CHECK_STATUS(0, aclrtResetDevice(1));
    CHECK_STATUS(0, aclrtSetDevice(0));
    CHECK_STATUS(0, aclrtResetDevice(0));
}

static void threads_share_the_count() {
    Fault fault("aclrtMalloc:count=100");
    std::atomic<int> failed{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; i++) {
        threads.emplace_back([&failed] {
            CHECK_STATUS(0, aclrtSetDevice(0));
            for (int k = 0; k < 200; k++) {
                failed += allocate() != 0;
            }
            CHECK_STATUS(0, aclrtResetDevice(0));
        });
    }
    for (int k = 0; k < 50; k++) { // others come and go meanwhile
        Fault other("aclrtFreeHost;aclrtMemcpy:from=3");
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    CHECK(failed == 100);
    CHECK(fault.hits() == 100);
}

// ---- what they answer ----

static void a_text_says_that_it_was_asked_for() {
    Fault fault("aclrtMalloc:from=1");
    allocate();
    CHECK(last_text_has("aclrtMalloc was made to answer 207001 by the fault \"aclrtMalloc:from=1\""));
}

static void every_family_answers_what_is_usual_there() {
    Fault fault("aclrt[CS]*;aclCreate*;aclDestroyTensor;Hccl*;aclrtGetSocName;aclDataTypeSize");
    aclrtStream stream = nullptr;
    aclrtEvent event = nullptr;
    HcclRootInfo root;
    CHECK_STATUS(207008, aclrtCreateStream(&stream));
    CHECK_STATUS(207007, aclrtCreateEvent(&event));
    CHECK_STATUS(507899, aclrtSynchronizeDevice());
    CHECK(stream == nullptr && event == nullptr);
    CHECK(number_tensor(nullptr) == nullptr && last_text_has("aclCreateTensor"));
    CHECK_STATUS(561000, aclDestroyTensor(nullptr));
    CHECK_STATUS(15, HcclGetRootInfo(&root));
    CHECK(aclrtGetSocName() == nullptr);
    CHECK(aclDataTypeSize(ACL_FLOAT) == 4); // could not tell a failure
}

static void phase_one_that_fails_leaves_its_outputs() {
    Numbers number(1);
    aclTensor *tensor = number_tensor(number.at(0));
    stub_value args[3] = {};
    args[0].tensor = tensor;
    uint64_t size = 77;
    int mark = 0;
    auto *executor = reinterpret_cast<aclOpExecutor *>(&mark);
    Fault fault("aclnn*GetWorkspaceSize");
    CHECK_STATUS(561000, stub_phase_one(&step_operator, args, &size, &executor));
    CHECK(size == 77 && executor == reinterpret_cast<aclOpExecutor *>(&mark));
    aclDestroyTensor(tensor);
}

static void phase_two_that_fails_consumes_its_executor() {
    Lane lane(0);
    aclOpExecutor *once = lane.phase_one(-1);
    aclOpExecutor *kept = lane.phase_one(-1);
    CHECK_STATUS(0, aclSetAclOpExecutorRepeatable(kept));
    {
        Fault fault("aclnnStep");
        CHECK_STATUS(361001, stub_phase_two(&step_operator, nullptr, 0, once, lane.stream()));
        CHECK_STATUS(361001, stub_phase_two(&step_operator, nullptr, 0, kept, lane.stream()));
    }
    CHECK_STATUS(561000, aclDestroyAclOpExecutor(once));
    lane.phase_two(kept);
    lane.synchronize();
    CHECK(lane.run() == 1);
    CHECK_STATUS(0, aclDestroyAclOpExecutor(kept));
}

// ---- bad rules ----

static void a_rule_that_makes_no_sense_is_refused(const char *rules, const char *complaint) {
    uint64_t id = 99;
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, stub_fault_add(rules, &id));
    const bool told = last_text_has(complaint);
    if (!told) {
        std::fprintf(stderr, "%s\n", rules);
    }
    CHECK(told && id == 99);
}

static void rules_that_make_no_sense_are_refused_as_a_whole() {
    a_rule_that_makes_no_sense_is_refused("aclrtMalloc;aclrtFree:from=0", "\"aclrtFree:from=0\": from takes a whole");
    a_rule_that_makes_no_sense_is_refused("aclrtMalloc:status=0", "status takes");
    a_rule_that_makes_no_sense_is_refused("aclrtMalloc:status=99999999999", "status takes");
    a_rule_that_makes_no_sense_is_refused("aclrtMalloc:count=-1", "count takes");
    a_rule_that_makes_no_sense_is_refused("aclrtMalloc:probability=2", "probability takes a number from 0 to 1");
    a_rule_that_makes_no_sense_is_refused("aclrtMalloc:probability=nan", "probability takes");
    a_rule_that_makes_no_sense_is_refused("aclrtMalloc:seed", "seed takes");
    a_rule_that_makes_no_sense_is_refused("aclrtMalloc:hang=1", "hang takes no value");
    a_rule_that_makes_no_sense_is_refused("aclrtMalloc:limit=1", "there is no option \"limit\"");
    a_rule_that_makes_no_sense_is_refused("aclrtMalloc:", "there is no option \"\"");
    a_rule_that_makes_no_sense_is_refused(":from=1", "begins with the name");
    a_rule_that_makes_no_sense_is_refused("device-gone", "nor \"device-lost\"");
    a_rule_that_makes_no_sense_is_refused("device-lost:device=64", "device takes");
    a_rule_that_makes_no_sense_is_refused("memory", "memory needs a limit");
    a_rule_that_makes_no_sense_is_refused("memory:limit=0", "limit takes bytes");
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, stub_fault_add(nullptr, nullptr));
    CHECK_STATUS(0, stub_fault_add(" ; ", nullptr));
    CHECK_STATUS(0, allocate());
}

int main() {
    a_rank_dies_and_no_other();
    the_environment_brings_rules_and_names_what_is_wrong_with_others();
    CHECK_STATUS(0, aclInit(nullptr));
    CHECK_STATUS(0, aclrtSetDevice(0));
    the_third_call_fails_once();
    all_calls_fail_until_the_rule_is_removed();
    chance_follows_from_the_seed();
    the_first_rule_that_strikes_wins_and_all_count();
    a_rule_may_be_for_one_device();
    threads_share_the_count();
    a_text_says_that_it_was_asked_for();
    every_family_answers_what_is_usual_there();
    phase_one_that_fails_leaves_its_outputs();
    phase_two_that_fails_consumes_its_executor();
    rules_that_make_no_sense_are_refused_as_a_whole();
    CHECK_STATUS(0, aclrtResetDevice(0));
    CHECK_STATUS(0, aclFinalize());
    return 0;
}
