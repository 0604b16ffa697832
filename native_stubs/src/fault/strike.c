/* Which calls and tasks a rule strikes. The n-th one that it matches decides, so the same program meets the same
 * faults again. */
#include <fnmatch.h>

#include "fault/rule.h"

/* A number from 0 to 1 that follows from the seed and n alone (SplitMix64). */
static double draw(uint64_t seed, uint64_t n) {
    uint64_t bits = seed + n * UINT64_C(0x9E3779B97F4A7C15);
    bits = (bits ^ (bits >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94D049BB133111EB);
    bits ^= bits >> 31;
    return (double)(bits >> 11) * 0x1p-53;
}

bool fault_claim(fault_rule *rule) {
    uint64_t hits = atomic_load(&rule->hits);
    do {
        if (hits >= rule->count) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(&rule->hits, &hits, hits + 1));
    return true;
}

bool fault_strikes(fault_rule *rule) {
    uint64_t n = atomic_fetch_add(&rule->matched, 1) + 1;
    return n >= rule->from && (rule->probability >= 1 || draw(rule->seed, n) < rule->probability);
}

static bool is_for(const fault_rule *rule, const char *name, int device, bool of_task) {
    return rule->kind == FAULT_OF_FUNCTION && rule->of_task == of_task && !atomic_load(&rule->ended) &&
           (rule->device == FAULT_ANY_DEVICE || rule->device == device) && !rule->elsewhere &&
           fnmatch(rule->pattern, name, 0) == 0;
}

fault_rule *fault_find(const char *name, int device, bool of_task) {
    fault_rule *found = NULL;
    const fault_rules *rules = fault_enter();
    for (size_t i = 0; i < rules->count; i++) {
        fault_rule *rule = rules->items[i];
        if (is_for(rule, name, device, of_task) && fault_strikes(rule) && found == NULL && fault_claim(rule)) {
            found = fault_retain(rule);
        }
    }
    fault_leave();
    return found;
}
