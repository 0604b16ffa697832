/* See places.h. */
#include "nnopbase/places.h"

/* Finding twins compares each with each. */
#define MOST_PLACES 256u

stub_walk stub_walk_over(const stub_call *call, stub_side which) {
    return (stub_walk){.call = call, .which = which, .pass = STUB_SIDE_IN};
}

static bool is_member(const stub_walk *walk, const stub_param *param) {
    const bool tensors = param->kind == STUB_TENSOR || param->kind == STUB_TENSOR_LIST;
    const bool on_side = walk->pass == STUB_SIDE_IN ? param->role != STUB_OUT : param->role != STUB_IN;
    return tensors && on_side && (walk->which & walk->pass) != 0;
}

static uint64_t count_of(const stub_call *call, uint32_t arg) {
    if (call->op->params[arg].kind == STUB_TENSOR) {
        return 1;
    }
    return call->args[arg].tensors != NULL ? call->args[arg].tensors->size : 0;
}

bool stub_walk_step(stub_walk *walk) {
    for (; walk->pass <= STUB_SIDE_OUT; walk->pass <<= 1, walk->next = 0) {
        while (walk->next < walk->call->op->count) {
            const uint32_t arg = walk->next++;
            if (is_member(walk, &walk->call->op->params[arg])) {
                walk->arg = arg;
                walk->count = count_of(walk->call, arg);
                return true;
            }
        }
    }
    return false;
}

aclTensor *stub_tensor_at(const stub_call *call, uint32_t arg, uint64_t element) {
    const stub_value value = call->args[arg];
    const aclTensor *tensor = call->op->params[arg].kind == STUB_TENSOR ? value.tensor : value.tensors->items[element];
    return (aclTensor *)(uintptr_t)tensor;
}

uint64_t stub_count_places(const stub_call *call, stub_side which) {
    uint64_t count = 0;
    for (stub_walk walk = stub_walk_over(call, which); stub_walk_step(&walk);) {
        count += walk.count;
    }
    return count;
}

static void list_places(const stub_call *call, stub_tensor_place *places) {
    uint32_t number = 0;
    for (stub_walk walk = stub_walk_over(call, STUB_SIDE_ALL); stub_walk_step(&walk);) {
        for (uint32_t i = 0; i < walk.count; i++, number++) {
            places[number] = (stub_tensor_place){.arg = walk.arg, .element = i, .twin = number};
        }
    }
}

static const aclTensor *origin_of(const stub_call *call, const stub_tensor_place *place) {
    const aclTensor *tensor = stub_tensor_at(call, place->arg, place->element);
    return tensor != NULL ? tensor->origin : NULL;
}

/* Puts a place into the ring of an earlier one from the same descriptor. */
static void join_ring(const stub_call *call, stub_tensor_place *places, uint32_t number) {
    const aclTensor *origin = origin_of(call, &places[number]);
    for (uint32_t i = number; origin != NULL && i-- > 0;) {
        if (origin_of(call, &places[i]) == origin) {
            places[number].twin = places[i].twin;
            places[i].twin = number;
            return;
        }
    }
}

void stub_places_make(stub_executor *executor) {
    const stub_call *call = &executor->call;
    const uint64_t count = stub_count_places(call, STUB_SIDE_ALL);
    stub_tensor_place *places = count <= MOST_PLACES ? stub_arena_take(&executor->arena, count * sizeof *places) : NULL;
    if (places == NULL) {
        return;
    }
    list_places(call, places);
    for (uint32_t i = 1; i < count; i++) {
        join_ring(call, places, i);
    }
    executor->place_count = (uint32_t)count;
    executor->input_count = (uint32_t)stub_count_places(call, STUB_SIDE_IN);
    executor->places = places;
}
