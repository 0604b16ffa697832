/* All touches in the books by address: a treap in which every node knows how far its subtree reaches. */
#include "check/books.h"

static stub_touch *root;
static uint32_t random_state = 2463534242;

static uint32_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static bool is_before(const stub_touch *a, const stub_touch *b) {
    return a->access->first != b->access->first ? a->access->first < b->access->first : a->number < b->number;
}

static uintptr_t reach_of(const stub_touch *touch) {
    return touch == NULL ? 0 : touch->reach;
}

static void update(stub_touch *touch) {
    const uintptr_t left = reach_of(touch->left);
    const uintptr_t right = reach_of(touch->right);
    const uintptr_t below = left > right ? left : right;
    touch->reach = touch->end > below ? touch->end : below;
}

/* What is before `at`, and the rest. */
static void split(stub_touch *tree, const stub_touch *at, stub_touch **before, stub_touch **rest) {
    if (tree == NULL) {
        *before = *rest = NULL;
    } else if (is_before(tree, at)) {
        *before = tree;
        split(tree->right, at, &tree->right, rest);
        update(tree);
    } else {
        *rest = tree;
        split(tree->left, at, before, &tree->left);
        update(tree);
    }
}

static stub_touch *merge(stub_touch *left, stub_touch *right) {
    if (left == NULL || right == NULL) {
        return left == NULL ? right : left;
    }
    if (left->priority > right->priority) {
        left->right = merge(left->right, right);
        update(left);
        return left;
    }
    right->left = merge(left, right->left);
    update(right);
    return right;
}

static void insert(stub_touch **tree, stub_touch *touch) {
    if (*tree == NULL || touch->priority > (*tree)->priority) {
        split(*tree, touch, &touch->left, &touch->right);
        *tree = touch;
    } else {
        insert(is_before(touch, *tree) ? &(*tree)->left : &(*tree)->right, touch);
    }
    update(*tree);
}

static void take_out(stub_touch **tree, const stub_touch *touch) {
    if (*tree == touch) {
        *tree = merge(touch->left, touch->right);
        return;
    }
    take_out(is_before(touch, *tree) ? &(*tree)->left : &(*tree)->right, touch);
    update(*tree);
}

void stub_touch_link(stub_touch *touch) {
    static uint64_t number;
    touch->number = number++;
    touch->priority = next_random();
    touch->end = stub_access_end(touch->access);
    touch->linked = true;
    insert(&root, touch);
}

void stub_touch_unlink(stub_touch *touch) {
    if (touch->linked) {
        touch->linked = false;
        take_out(&root, touch);
    }
}

static void visit(stub_touch *tree, uintptr_t begin, uintptr_t end, stub_touch_visitor *visitor, void *argument) {
    if (tree == NULL || tree->reach <= begin) {
        return;
    }
    visit(tree->left, begin, end, visitor, argument);
    if (tree->access->first < end) {
        if (tree->end > begin) {
            visitor(tree, argument);
        }
        visit(tree->right, begin, end, visitor, argument);
    }
}

void stub_touches_in(uintptr_t begin, uintptr_t end, stub_touch_visitor *visitor, void *argument) {
    visit(root, begin, end, visitor, argument);
}
