/* See product.h. Sources: aclGetCannAttribute's attribute BF16; the operators' pages, which say of Atlas training (910)
 * and inference (310P) products that BFLOAT16 is not supported, and give 8, 6 and 4-bit floats to Ascend 950 only; the
 * headers of each release. What depends on the operator (INT4, DOUBLE, complex numbers) is its own check's business. */
#include "core/product.h"

#include <stdatomic.h>
#include <stdio.h>

#include "core/release.h"

#define HIFLOAT4 42 /* in the headers of CANN 9.0 only, but the graph engine keeps it */
#define ON(product) (1u << STUB_PRODUCT_##product)

static const char *const names[STUB_PRODUCT_COUNT] = {
    [STUB_PRODUCT_A2] = "Atlas A2",
    [STUB_PRODUCT_A3] = "Atlas A3",
    [STUB_PRODUCT_310P] = "Atlas inference (310P)",
    [STUB_PRODUCT_910] = "Atlas training (910)",
    [STUB_PRODUCT_950] = "Ascend 950",
};

typedef struct {
    int first, last; /* aclDataType */
    unsigned products;
    int since; /* release */
} dtype_rule;

static const dtype_rule rules[] = {
    {ACL_BF16, ACL_BF16, ON(A2) | ON(A3) | ON(950), 801},
    {ACL_HIFLOAT8, ACL_FLOAT4_E1M2, ON(950), 805},
    {HIFLOAT4, HIFLOAT4, ON(950), 900},
};

const char *stub_product_name(void) {
    return names[stub_get_settings()->product];
}

static const dtype_rule *rule_of(int dtype) {
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (rules[i].first <= dtype && dtype <= rules[i].last) {
            return &rules[i];
        }
    }
    return NULL;
}

/* "Atlas A2, Atlas A3 and Ascend 950" */
static size_t list_products(unsigned products, char *text, size_t size) {
    size_t used = 0;
    for (unsigned i = 0; i < STUB_PRODUCT_COUNT && used < size; i++) {
        if ((products >> i & 1) != 0) {
            const bool last = products >> (i + 1) == 0;
            const char *before = used == 0 ? "" : last ? " and " : ", ";
            used += (size_t)snprintf(text + used, size - used, "%s%s", before, names[i]);
        }
    }
    return used < size ? used : size;
}

static void explain(const dtype_rule *rule, char *text, size_t size) {
    const size_t used = list_products(rule->products, text, size);
    const char *verb = (rule->products & (rule->products - 1)) == 0 ? "has" : "have";
    if (rule->since > 801) {
        snprintf(text + used, size - used, " %s it, since CANN %d.%d", verb, rule->since / 100, rule->since % 100);
    } else {
        snprintf(text + used, size - used, " %s it", verb);
    }
}

bool stub_product_has_dtype(aclDataType dtype, char *reason, size_t size) {
    const dtype_rule *rule = rule_of((int)dtype);
    if (rule == NULL || ((rule->products >> stub_get_settings()->product & 1) != 0 && rule->since <= stub_release())) {
        return true;
    }
    if (reason != NULL) {
        explain(rule, reason, size);
    }
    return false;
}

/* Every phase one asks. */
uint64_t stub_product_lacks(void) {
    static const uint64_t known = UINT64_C(1) << 63; /* no data type has that number */
    static _Atomic(uint64_t) kept;
    uint64_t lacks = atomic_load_explicit(&kept, memory_order_relaxed);
    if (lacks == 0) {
        for (int dtype = 0; dtype < 63; dtype++) {
            lacks |= (uint64_t)!stub_product_has_dtype((aclDataType)dtype, NULL, 0) << dtype;
        }
        atomic_store_explicit(&kept, lacks |= known, memory_order_relaxed);
    }
    return lacks & ~known;
}
