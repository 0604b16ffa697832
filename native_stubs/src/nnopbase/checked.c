/* See checked.h. */
#include "nnopbase/checked.h"

#include <stdlib.h>

#include "check/check.h"
#include "nnopbase/executor.h"
#include "nnopbase/objects.h"

/* What an argument of a kind is; STUB_OBJECT_NONE for numbers and texts. */
static const stub_object_kind objects[] = {
    [STUB_TENSOR] = STUB_OBJECT_TENSOR,
    [STUB_TENSOR_LIST] = STUB_OBJECT_TENSOR_LIST,
    [STUB_SCALAR] = STUB_OBJECT_SCALAR,
    [STUB_SCALAR_LIST] = STUB_OBJECT_SCALAR_LIST,
    [STUB_INT_ARRAY] = STUB_OBJECT_INT_ARRAY,
    [STUB_FLOAT_ARRAY] = STUB_OBJECT_FLOAT_ARRAY,
    [STUB_BOOL_ARRAY] = STUB_OBJECT_BOOL_ARRAY,
    [STUB_INT] = STUB_OBJECT_NONE,
    [STUB_REAL] = STUB_OBJECT_NONE,
    [STUB_FLAG] = STUB_OBJECT_NONE,
    [STUB_TEXT] = STUB_OBJECT_NONE,
};

typedef void (*visitor)(void *user, stub_object_kind kind, const void *handle, const char *param);

static void visit_elements(const stub_param *param, stub_value value, visitor visit, void *user) {
    if (param->kind == STUB_TENSOR_LIST && stub_is_alive(value.tensors, STUB_MAGIC_TENSOR_LIST)) {
        for (uint64_t i = 0; i < value.tensors->size; i++) {
            visit(user, STUB_OBJECT_TENSOR, value.tensors->items[i], param->name);
        }
    } else if (param->kind == STUB_SCALAR_LIST && stub_is_alive(value.scalars, STUB_MAGIC_SCALAR_LIST)) {
        for (uint64_t i = 0; i < value.scalars->size; i++) {
            visit(user, STUB_OBJECT_SCALAR, value.scalars->items[i], param->name);
        }
    }
}

/* Every descriptor of a call, elements of lists included. */
static void visit_descriptors(const stub_operator *op, const stub_value *args, visitor visit, void *user) {
    for (uint32_t i = 0; i < op->count; i++) {
        const stub_object_kind kind = objects[op->params[i].kind];
        const void *handle = args[i].text; /* whichever pointer it is */
        if (kind != STUB_OBJECT_NONE && handle != NULL) {
            visit(user, kind, handle, op->params[i].name);
            visit_elements(&op->params[i], args[i], visit, user);
        }
    }
}

static void use(void *user, stub_object_kind kind, const void *handle, const char *param) {
    stub_check_used(kind, handle, user, param);
}

void stub_checked_plan(const stub_operator *op, const stub_value *args) {
    visit_descriptors(op, args, use, (void *)(uintptr_t)op->name);
}

typedef struct {
    stub_need *needs;
    size_t count, capacity;
} needs_list;

static bool make_room(needs_list *list) {
    if (list->count < list->capacity) {
        return true;
    }
    const size_t capacity = list->capacity == 0 ? 8 : 2 * list->capacity;
    stub_need *needs = realloc(list->needs, capacity * sizeof *needs);
    if (needs != NULL) {
        list->needs = needs;
        list->capacity = capacity;
    }
    return needs != NULL;
}

/* Scalars are copied by phase one. */
static void note(void *user, stub_object_kind kind, const void *handle, const char *param) {
    needs_list *list = user;
    const bool is_copied = kind == STUB_OBJECT_SCALAR || kind == STUB_OBJECT_SCALAR_LIST;
    const uint64_t generation = is_copied ? 0 : stub_check_generation(kind, handle);
    if (generation != 0 && make_room(list)) {
        list->needs[list->count++] = (stub_need){kind, handle, generation, param};
    }
}

void stub_checked_planned(const stub_operator *op, const stub_value *args, const aclOpExecutor *executor) {
    needs_list list = {0};
    visit_descriptors(op, args, note, &list);
    stub_check_planned(executor, list.needs, list.count);
}

void stub_checked_launch(const stub_operator *op, const void *workspace, uint64_t workspace_size,
                         const aclOpExecutor *handle) {
    const stub_executor *found = stub_executor_find(handle);
    const bool its_own = found != NULL && found->call.op == op;
    const uint64_t given = workspace == NULL ? 0 : workspace_size;
    if (its_own && given < found->plan.workspace_size) {
        stub_check_small_workspace(handle, op->name, given, found->plan.workspace_size);
    }
    stub_check_running(handle, op->name, found != NULL && found->repeatable);
}
