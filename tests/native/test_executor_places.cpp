// Every place of a call with lists, absent tensors, a tensor that is both input and output, and one descriptor that is
// passed twice: each function, index and descriptor gives what the documented order of places says, whether the
// executor is repeatable (and has a table of its places), and whether it has a run queued (and changes a copy).
#include <future>

#include "lane.h"

namespace {

// The calls of a kernel that records the addresses of its tensors, in argument order.
std::vector<void *> recorded;

void record(const aclTensor *tensor) {
    stub_tensor_info info = {};
    if (tensor != nullptr) {
        stub_tensor_read(tensor, &info);
    }
    recorded.push_back(info.address);
}

aclnnStatus record_all(const stub_call *call) {
    recorded.clear();
    for (uint32_t arg = 0; arg < call->op->count; arg++) {
        if (call->op->params[arg].kind == STUB_TENSOR) {
            record(call->args[arg].tensor);
            continue;
        }
        uint64_t size = 0;
        const void *items = stub_argument_items(call, arg, &size);
        for (uint64_t i = 0; i < size; i++) {
            record(static_cast<const aclTensor *const *>(items)[i]);
        }
    }
    return ACLNN_SUCCESS;
}

const stub_param params[] = {{"x", STUB_TENSOR, STUB_IN},          {"list", STUB_TENSOR_LIST, STUB_IN},
                             {"out", STUB_TENSOR, STUB_OUT},       {"cache", STUB_TENSOR, STUB_INOUT},
                             {"absent", STUB_TENSOR, STUB_IN},     {"none", STUB_TENSOR_LIST, STUB_IN},
                             {"outs", STUB_TENSOR_LIST, STUB_OUT}, {"x again", STUB_TENSOR, STUB_IN}};
const stub_kernel kernel = {nullptr, record_all};
const stub_operator recorder = {"aclnnRecord", params, 8, &kernel};

// What is recorded, by position: x, three of the list (the second is absent), out, cache, absent, two of outs, x again.
enum { X, LIST0, LIST1, LIST2, OUT, CACHE, ABSENT, OUTS0, OUTS1, X_AGAIN, TENSORS };

// The documented order, written down by hand.
using Places = std::vector<int>;
const Places inputs = {X, LIST0, LIST1, LIST2, CACHE, ABSENT, X_AGAIN}, outputs = {OUT, CACHE, OUTS0, OUTS1};
const std::vector<Places> input_arguments = {{X}, {LIST0, LIST1, LIST2}, {CACHE}, {ABSENT}, {}, {X_AGAIN}};
const std::vector<Places> output_arguments = {{OUT}, {CACHE}, {OUTS0, OUTS1}};

template <typename Item> std::vector<Item> joined(std::vector<Item> first, const std::vector<Item> &second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

void *address_of(int number) {
    return reinterpret_cast<void *>(static_cast<uintptr_t>(0x1000 * (number + 1)));
}

// Fresh descriptors and a call of them; `extra` more tensors in the last list make it long.
struct Call {
    std::vector<aclTensor *> tensors;
    aclTensor *unseen = number_tensor(nullptr);
    aclTensor *listed = nullptr;
    aclTensorList *list, *outs, *other = nullptr;
    aclOpExecutor *executor = nullptr;

    explicit Call(bool repeatable, int extra = 0) {
        for (int i = 0; i < X_AGAIN + extra; i++) {
            tensors.push_back(i == LIST1 || i == ABSENT ? nullptr : number_tensor(address_of(i)));
        }
        std::vector<aclTensor *> last(tensors.begin() + OUTS0, tensors.end());
        list = aclCreateTensorList(&tensors[LIST0], 3);
        outs = aclCreateTensorList(last.data(), last.size());
        stub_value args[8];
        args[0].tensor = args[7].tensor = tensors[X];
        args[1].tensors = list;
        args[2].tensor = tensors[OUT];
        args[3].tensor = tensors[CACHE];
        args[4].tensor = nullptr;
        args[5].tensors = nullptr;
        args[6].tensors = outs;
        uint64_t size = 0;
        CHECK_STATUS(0, stub_phase_one(&recorder, args, &size, &executor));
        if (repeatable) {
            CHECK_STATUS(0, aclSetAclOpExecutorRepeatable(executor));
        }
    }
    ~Call() {
        aclDestroyAclOpExecutor(executor); // gone already unless it is repeatable
        for (aclTensor *single : {tensors[X], tensors[OUT], tensors[CACHE], unseen}) {
            CHECK_STATUS(0, single == listed ? 0 : aclDestroyTensor(single));
        }
        for (aclTensorList *each : {list, outs, other}) {
            CHECK_STATUS(0, aclDestroyTensorList(each));
        }
        aclGetRecentErrMsg();
    }
    // A list with a descriptor that is not in one yet; it destroys that too.
    aclTensorList *list_with(aclTensor *tensor, size_t index) {
        aclTensor *items[4] = {};
        items[index] = listed = tensor;
        return other = aclCreateTensorList(items, 4);
    }
    void queue() const {
        CHECK_STATUS(0, stub_phase_two(&recorder, nullptr, 0, executor, nullptr));
    }
    std::vector<void *> run() const {
        queue();
        CHECK_STATUS(0, aclrtSynchronizeStream(nullptr));
        return recorded;
    }
    // -1 is the descriptor that phase one has not seen.
    aclTensor *descriptor(int tensor) const {
        return tensor < 0 ? unseen : tensors[static_cast<size_t>(tensor)];
    }
};

std::vector<void *> addresses_before() {
    std::vector<void *> addresses;
    for (int i = 0; i < TENSORS; i++) {
        addresses.push_back(i == LIST1 || i == ABSENT ? nullptr : address_of(i == X_AGAIN ? static_cast<int>(X) : i));
    }
    return addresses;
}

// The place that was named, or -1; which tensors of the call then have the new address.
std::vector<void *> addresses_after(int place, int descriptor, void *address) {
    std::vector<void *> addresses = addresses_before();
    if (descriptor < 0) {
        addresses[static_cast<size_t>(place)] = address;
    } else {
        addresses[static_cast<size_t>(descriptor)] = address;
        if (descriptor == X) {
            addresses[X_AGAIN] = address;
        }
    }
    return addresses;
}

void wait_for(void *gate) {
    static_cast<std::promise<void> *>(gate)->get_future().wait();
}

enum Mode { ONCE, REPEATABLE, QUEUED };

template <typename Set> void check_one(Mode mode, int place, int descriptor, const Set &set) {
    Call call(mode != ONCE);
    std::promise<void> gate;
    if (mode == QUEUED) {
        CHECK_STATUS(0, aclrtLaunchHostFunc(nullptr, wait_for, &gate));
        call.queue();
    }
    void *const address = address_of(100);
    const bool refused = place < 0 || place == LIST1 || place == ABSENT;
    const aclnnStatus status = set(call, call.descriptor(descriptor), address);
    CHECK_STATUS(refused ? ACLNN_ERR_PARAM_INVALID : ACLNN_SUCCESS, status);
    void *held = nullptr;
    CHECK_STATUS(0, aclGetRawTensorAddr(call.descriptor(descriptor), &held));
    CHECK((held == address) == !refused);
    gate.set_value();
    if (mode == QUEUED) {
        CHECK_STATUS(0, aclrtSynchronizeStream(nullptr));
        CHECK(recorded == addresses_before());
    }
    CHECK(call.run() == (refused ? addresses_before() : addresses_after(place, descriptor, address)));
}

int place_at(const Places &places, size_t index) {
    return index < places.size() ? places[index] : -1;
}

template <typename Function> void check_function(Function *function, const Places &places) {
    for (const Mode mode : {ONCE, REPEATABLE, QUEUED}) {
        for (size_t index = 0; index <= places.size() + 1; index++) {
            for (const int descriptor : {-1, +X, +LIST0, +LIST2, +OUT, +CACHE, +OUTS1}) {
                check_one(mode, place_at(places, index), descriptor, [&](Call &call, aclTensor *tensor, void *address) {
                    return function(call.executor, index, tensor, address);
                });
            }
        }
    }
}

template <typename Function> void check_dynamic(Function *function, const std::vector<Places> &arguments) {
    for (const Mode mode : {ONCE, REPEATABLE, QUEUED}) {
        for (size_t argument = 0; argument <= arguments.size() + 1; argument++) {
            for (size_t index = 0; index < 4; index++) {
                for (const int descriptor : {-1, +X, +CACHE}) {
                    const int place = argument < arguments.size() ? place_at(arguments[argument], index) : -1;
                    check_one(mode, place, descriptor, [&](Call &call, aclTensor *tensor, void *address) {
                        return function(call.executor, argument, index, call.list_with(tensor, index), address);
                    });
                }
            }
        }
    }
}

// So many tensors that no table is made for them.
void a_long_list_is_walked() {
    constexpr int extra = 600;
    Call call(true, extra);
    std::vector<void *> expected = call.run();
    for (const int element : {0, 1, extra / 2, extra + 1}) {
        void *const address = address_of(2000 + element);
        const size_t index = inputs.size() + 2 + static_cast<size_t>(element);
        call.queue();
        CHECK_STATUS(0, aclSetTensorAddr(call.executor, index, call.descriptor(OUTS0 + element), address));
        expected[static_cast<size_t>(OUTS0 + element)] = address;
        CHECK(call.run() == expected);
    }
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID,
                 aclSetTensorAddr(call.executor, inputs.size() + outputs.size() + extra, call.descriptor(X), nullptr));
}

} // namespace

int main() {
    CHECK_STATUS(0, aclInit(nullptr));
    CHECK_STATUS(0, aclrtSetDevice(0));
    check_function(aclSetTensorAddr, joined(inputs, outputs));
    check_function(aclSetInputTensorAddr, inputs);
    check_function(aclSetOutputTensorAddr, outputs);
    check_dynamic(aclSetDynamicTensorAddr, joined(input_arguments, output_arguments));
    check_dynamic(aclSetDynamicInputTensorAddr, input_arguments);
    check_dynamic(aclSetDynamicOutputTensorAddr, output_arguments);
    a_long_list_is_walked();
    CHECK_STATUS(0, aclrtResetDevice(0));
    CHECK_STATUS(0, aclFinalize());
    return 0;
}
