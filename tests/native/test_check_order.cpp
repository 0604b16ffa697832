// The check "races" against what follows from the definition: random programs of three streams, events and the host,
// whose pairs of unordered accesses are found by closing the order over all of it.
#include <bitset>
#include <set>
#include <string>

#include "blocks.h"
#include "unordered.h"

constexpr int most_nodes = 96, cells = 5, cell_bytes = 32, streams = 3, events = 3;
using Past = std::bitset<most_nodes>;

// One access of a task or the host; or a record, which touches nothing.
struct Node {
    Past past;
    std::string name;
    int stream = -1; // -1: the host
    int first = 0, last = 0;
    bool writes = false;
};

static stub_operator operators[2][most_nodes];
static std::string names[2][most_nodes];

static void make_operators() {
    for (int writes = 0; writes < 2; writes++) {
        for (int i = 0; i < most_nodes; i++) {
            names[writes][i] = (writes != 0 ? "aclnnFill" : "aclnnUse") + std::to_string(i);
            operators[writes][i] = writes != 0 ? fill_op : use_op;
            operators[writes][i].name = names[writes][i].c_str();
        }
    }
}

class Program {
  public:
    Program(unsigned seed, char *memory) : random_(seed), memory_(memory) {
        for (int i = 0; i < streams; i++) {
            CHECK_STATUS(0, aclrtCreateStream(&stream_[i]));
        }
        for (int i = 0; i < events; i++) {
            CHECK_STATUS(0, aclrtCreateEvent(&event_[i]));
        }
    }
    ~Program() {
        for (int i = 0; i < events; i++) {
            CHECK_STATUS(0, aclrtDestroyEvent(event_[i]));
        }
        for (int i = 0; i < streams; i++) {
            CHECK_STATUS(0, aclrtDestroyStream(stream_[i]));
        }
    }
    Program(const Program &) = delete;
    Program &operator=(const Program &) = delete;

    void run(int steps) {
        for (int i = 0; i < steps; i++) {
            step();
        }
        CHECK_STATUS(0, aclrtSynchronizeDevice());
    }

    std::set<std::string> races() const {
        std::set<std::string> found;
        for (size_t i = 0; i < nodes_.size(); i++) {
            for (size_t j = 0; j < i; j++) {
                const Node &a = nodes_[j], &b = nodes_[i];
                const bool meet = a.first <= b.last && b.first <= a.last && !a.name.empty() && !b.name.empty();
                if (meet && (a.writes || b.writes) && !b.past[j] && !a.past[i] && a.stream != b.stream) {
                    found.insert(a.name + " and " + b.name);
                }
            }
        }
        return found;
    }

  private:
    int below(int count) {
        return static_cast<int>(random_() % static_cast<unsigned>(count));
    }

    void step() {
        const int stream = below(streams), event = below(events);
        switch (below(12)) {
        case 0:
        case 1:
            CHECK_STATUS(0, aclrtRecordEvent(event_[event], stream_[stream]));
            recorded_[event] = add_task(stream, "", 0, 0, false);
            break;
        case 2:
        case 3:
            wait(stream, event);
            break;
        case 4:
            synchronize(stream, event);
            break;
        case 5:
            access_from_the_host();
            break;
        default:
            queue(stream);
        }
    }

    // What is queued now comes after the stream's earlier work and after all that the host has seen.
    int add_task(int stream, const std::string &name, int first, int last, bool writes) {
        Node node;
        node.past = seen_ | reached_[stream];
        node.name = name;
        node.stream = stream;
        node.first = first;
        node.last = last;
        node.writes = writes;
        nodes_.push_back(node);
        reached_[stream] = node.past;
        reached_[stream].set(nodes_.size() - 1);
        return static_cast<int>(nodes_.size()) - 1;
    }

    void queue(int stream) {
        const int first = below(cells), last = std::min(cells - 1, first + below(2));
        const bool writes = below(3) == 0;
        const stub_operator &op = operators[writes ? 1 : 0][nodes_.size()];
        const int64_t bytes = (last - first + 1) * cell_bytes;
        add_task(stream, op.name, first, last, writes);
        call(op, {{{memory_ + first * cell_bytes, {bytes}}}}, stream_[stream]);
    }

    void wait(int stream, int event) {
        if (recorded_[event] >= 0) {
            CHECK_STATUS(0, aclrtStreamWaitEvent(stream_[stream], event_[event]));
            reached_[stream] |= nodes_[static_cast<size_t>(recorded_[event])].past;
        }
    }

    void synchronize(int stream, int event) {
        if (below(2) == 0) {
            CHECK_STATUS(0, aclrtSynchronizeStream(stream_[stream]));
            seen_ |= reached_[stream];
        } else if (recorded_[event] >= 0) {
            CHECK_STATUS(0, aclrtSynchronizeEvent(event_[event]));
            seen_ |= nodes_[static_cast<size_t>(recorded_[event])].past;
        }
    }

    void access_from_the_host() {
        char host[cell_bytes] = {};
        Node node;
        node.past = seen_;
        node.first = node.last = below(cells);
        node.writes = below(2) == 0;
        char *at = memory_ + node.first * cell_bytes;
        node.name = node.writes ? "aclrtMemset" : "aclrtMemcpy";
        if (node.writes) {
            CHECK_STATUS(0, aclrtMemset(at, cell_bytes, 0, cell_bytes));
        } else {
            CHECK_STATUS(0, aclrtMemcpy(host, cell_bytes, at, cell_bytes, ACL_MEMCPY_DEVICE_TO_HOST));
        }
        nodes_.push_back(node);
        seen_.set(nodes_.size() - 1);
    }

    std::minstd_rand random_;
    char *memory_;
    aclrtStream stream_[streams] = {};
    aclrtEvent event_[events] = {};
    int recorded_[events] = {-1, -1, -1};
    std::vector<Node> nodes_;
    Past reached_[streams], seen_;
};

static std::set<std::string> reported() {
    std::set<std::string> pairs;
    for (const Report &report : take_reports()) {
        pairs.insert(report.text.substr(0, report.text.find(" touch ")));
    }
    return pairs;
}

static void print(const char *what, const std::set<std::string> &pairs, const std::set<std::string> &but) {
    for (const std::string &pair : pairs) {
        if (but.count(pair) == 0) {
            std::fprintf(stderr, "  %s: %s\n", what, pair.c_str());
        }
    }
}

int main(int count, char **arguments) {
    const unsigned programs = count > 1 ? static_cast<unsigned>(std::atoi(arguments[1])) : 140;
    choose_devices();
    watch("races");
    CHECK_STATUS(0, aclInit(nullptr));
    CHECK_STATUS(0, aclrtSetDevice(0));
    make_operators();
    char *memory = static_cast<char *>(device_memory(cells * cell_bytes));
    CHECK_STATUS(0, aclrtMemset(memory, cells * cell_bytes, 0, cells * cell_bytes));
    size_t racing = 0;
    for (unsigned seed = 0; seed < programs; seed++) {
        const char *schedule = schedules[seed % std::size(schedules)];
        CHECK_STATUS(0, stub_schedule_set(schedule));
        Program program(seed + 1, memory);
        program.run(8 + static_cast<int>(seed % 24));
        const auto expected = program.races(), found = reported();
        if (expected != found) {
            std::fprintf(stderr, "program %u, schedule \"%s\":\n", seed, schedule);
            print("missed", expected, found);
            print("false alarm", found, expected);
        }
        CHECK(expected == found);
        racing += expected.empty() ? 0 : 1;
    }
    CHECK(racing > programs / 8 && racing < programs);
    release(memory);
    end_device();
    return 0;
}
