/* aclnnAdvanceStep: a decoder's bookkeeping between two tokens. Sequence i < numQueries takes its sampled token, its
 * position is its old length, and the token's slot is
 *
 *     (table[position / blockSize] + i * columns of blockTables) * blockSize + position % blockSize
 *
 * with blockTables read as one row, as A2's kernel has it. The others are padding: token 0, position 0, slot -1.
 *
 * aclnnAdvanceStepV2, with tokens that another model has guessed: each sequence goes on by acceptedNum + 1 places, its
 * tokens are the last one that was sampled (before the first -1) and the guesses. */
#include "opapi/moves/numbers.h"

enum { TOKENS, SAMPLED, POSITIONS, LENGTHS, SLOTS, TABLES, SEQUENCES, QUERIES, BLOCK_SIZE };
enum { GUESSES = 6, ACCEPTED, ALL_SEQUENCES, ALL_QUERIES, ALL_BLOCK_SIZE };
enum { MOST_SEQUENCES = 200000000 };

static aclnnStatus check_numbers(const stub_call *call) {
    const int64_t sequences = call->args[SEQUENCES].integer, queries = call->args[QUERIES].integer;
    for (uint32_t arg = SEQUENCES; arg <= BLOCK_SIZE; arg++) {
        if (call->args[arg].integer < 1) {
            return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: %s is %lld; it must be positive", call->op->name,
                             call->op->params[arg].name, (long long)call->args[arg].integer);
        }
    }
    return sequences > queries && sequences < MOST_SEQUENCES
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                           "%s: numSeqs is %lld; it must be more than numQueries (%lld) and less than %d",
                           call->op->name, (long long)sequences, (long long)queries, MOST_SEQUENCES);
}

static aclnnStatus check_length(const stub_call *call, uint32_t arg, uint32_t number) {
    const aclTensor *tensor = stub_tensor_arg(call, arg);
    const int64_t wanted = call->args[number].integer;
    if (tensor->rank > 0 && tensor->shape[0] == wanted && (arg == TABLES || stub_tensor_numel(tensor) == wanted)) {
        return ACLNN_SUCCESS;
    }
    char text[128];
    return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: %s is %s; its first dimension must be %s (%lld)%s",
                     call->op->name, call->op->params[arg].name, stub_describe(tensor, text, sizeof text),
                     call->op->params[number].name, (long long)wanted, arg == TABLES ? "" : ", any other 1");
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {TOKENS, SAMPLED, POSITIONS, LENGTHS, SLOTS, TABLES};
    STUB_REQUIRE(stub_check_given(call, tensors, 6));
    for (int i = 0; i < 6; i++) {
        const stub_dtype_rule rule = {tensors[i], STUB_ON_ALL(STUB_DTYPE(ACL_INT64))};
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
        STUB_REQUIRE(stub_check_rank(call, tensors[i], 0, STUB_MAX_RANK));
    }
    STUB_REQUIRE(check_numbers(call));
    for (int i = 0; i < 6; i++) {
        STUB_REQUIRE(check_length(call, tensors[i], tensors[i] == SAMPLED ? QUERIES : SEQUENCES));
    }
    plan->nothing_to_run = false;
    return ACLNN_SUCCESS;
}

typedef struct {
    int64_t *tokens, *positions, *lengths, *slots;
    const int64_t *sampled, *table;
    int64_t columns, entries, block;
} step;

static void advance(stub_numbers *set, const step *of, int64_t i) {
    const int64_t position = of->lengths[i], entry = position / of->block;
    stub_numbers_check_range(set, LENGTHS, &position, 1, 0, of->entries * of->block);
    if (set->status == ACLNN_SUCCESS) {
        const uint64_t block = (uint64_t)of->table[entry] + (uint64_t)(of->columns * i);
        of->tokens[i] = of->sampled[i];
        of->positions[i] = position;
        of->lengths[i] = position + 1;
        of->slots[i] = (int64_t)(block * (uint64_t)of->block + (uint64_t)(position % of->block));
    }
}

static aclnnStatus run(const stub_call *call) {
    const int64_t sequences = call->args[SEQUENCES].integer, queries = call->args[QUERIES].integer;
    stub_numbers set = {.call = call};
    step of = {.tokens = stub_numbers_update(&set, TOKENS, ACL_INT64),
               .positions = stub_numbers_update(&set, POSITIONS, ACL_INT64),
               .lengths = stub_numbers_update(&set, LENGTHS, ACL_INT64),
               .slots = stub_numbers_update(&set, SLOTS, ACL_INT64),
               .sampled = stub_numbers_read(&set, SAMPLED, ACL_INT64),
               .table = stub_numbers_read(&set, TABLES, ACL_INT64),
               .entries = stub_tensor_numel(stub_tensor_arg(call, TABLES)),
               .block = call->args[BLOCK_SIZE].integer};
    of.columns = of.entries / sequences;
    if (of.entries > INT64_MAX / of.block) {
        of.entries = INT64_MAX / of.block;
    }
    for (int64_t i = 0; i < queries && set.status == ACLNN_SUCCESS; i++) {
        advance(&set, &of, i);
    }
    for (int64_t i = queries; i < sequences && set.status == ACLNN_SUCCESS; i++) {
        of.tokens[i] = of.positions[i] = 0;
        of.slots[i] = -1;
    }
    return stub_numbers_end(&set);
}

STUB_KERNEL(aclnnAdvanceStep, check, run)

static aclnnStatus check_guess_shape(const stub_call *call, uint32_t arg, const int64_t *dims, uint32_t rank) {
    return stub_check_shape(call, arg, dims, rank, "numSeqs, and 1 + the guesses of each") == ACLNN_SUCCESS
               ? ACLNN_SUCCESS
               : ACLNN_ERR_INNER_TILING_ERROR;
}

static aclnnStatus check_guesses(const stub_call *call, stub_plan *plan) {
    const int64_t sequences = call->args[ALL_SEQUENCES].integer, queries = call->args[ALL_QUERIES].integer;
    for (uint32_t arg = TOKENS; arg <= ACCEPTED; arg++) {
        const stub_dtype_rule rule = {arg, STUB_ON_ALL(STUB_DTYPE(ACL_INT64))};
        STUB_REQUIRE(stub_check_given(call, &arg, 1));
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    }
    if (sequences < 1 || queries != sequences || call->args[ALL_BLOCK_SIZE].integer < 1) {
        return stub_fail(
            ACLNN_ERR_INNER_TILING_ERROR,
            "%s: numSeqs is %lld, numQueries %lld, blockSize %lld; they must be positive, numQueries numSeqs",
            call->op->name, (long long)sequences, (long long)queries, (long long)call->args[ALL_BLOCK_SIZE].integer);
    }
    STUB_REQUIRE(stub_check_rank(call, GUESSES, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, TABLES, 2, 2));
    const int64_t guesses = stub_tensor_arg(call, GUESSES)->shape[1];
    const int64_t count = stub_tensor_arg(call, TOKENS)->rank > 0 ? stub_tensor_arg(call, TOKENS)->shape[0] : 0;
    const int64_t sampled[] = {sequences, 1 + guesses}, tables[] = {sequences, stub_tensor_arg(call, TABLES)->shape[1]};
    if (count / (1 + guesses) != sequences || count % (1 + guesses) != 0) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                         "%s: inputTokens has %lld elements; it needs %lld for each of %lld", call->op->name,
                         (long long)count, (long long)(1 + guesses), (long long)sequences);
    }
    const uint32_t flat[] = {TOKENS, POSITIONS, LENGTHS, SLOTS};
    for (int i = 0; i < 4; i++) {
        STUB_REQUIRE(check_guess_shape(call, flat[i], &count, 1));
    }
    STUB_REQUIRE(check_guess_shape(call, SAMPLED, sampled, 2));
    STUB_REQUIRE(check_guess_shape(call, TABLES, tables, 2));
    STUB_REQUIRE(check_guess_shape(call, ACCEPTED, &sequences, 1));
    plan->nothing_to_run = false;
    const int64_t given[] = {sequences, guesses};
    return check_guess_shape(call, GUESSES, given, 2);
}

/* The token before the first one of the smallest number, which a -1 behind all is at the latest. */
static int64_t last_token(stub_numbers *set, const int64_t *sampled, int64_t count) {
    int64_t at = 0, least = sampled[0];
    for (int64_t i = 1; i <= count; i++) {
        const int64_t token = i < count ? sampled[i] : -1;
        at = token < least ? i : at;
        least = token < least ? token : least;
    }
    stub_numbers_check_range(set, SAMPLED, &at, 1, 1, count + 1);
    return set->status == ACLNN_SUCCESS ? sampled[at - 1] : 0;
}

static void advance_guesses(stub_numbers *set, const step *of, const int64_t *guesses, int64_t accepted, int64_t i,
                            int64_t each) {
    of->tokens[i * each] = last_token(set, of->sampled + i * each, each);
    for (int64_t j = i * each; j < (i + 1) * each && set->status == ACLNN_SUCCESS; j++) {
        const int64_t position = (int64_t)((uint64_t)of->positions[j] + (uint64_t)accepted + 1);
        stub_numbers_check_range(set, POSITIONS, &position, 1, 0, of->entries * of->block);
        if (set->status != ACLNN_SUCCESS) {
            return;
        }
        const uint64_t block = (uint64_t)of->table[i * of->columns + position / of->block];
        of->positions[j] = position;
        of->lengths[j] = position + 1;
        of->slots[j] = (int64_t)(block * (uint64_t)of->block + (uint64_t)(position % of->block));
        if (j > i * each) {
            of->tokens[j] = guesses[i * (each - 1) + j - i * each - 1];
        }
    }
}

static aclnnStatus run_guesses(const stub_call *call) {
    const int64_t sequences = call->args[ALL_SEQUENCES].integer, each = stub_tensor_arg(call, GUESSES)->shape[1] + 1;
    stub_numbers set = {.call = call};
    step of = {.tokens = stub_numbers_update(&set, TOKENS, ACL_INT64),
               .positions = stub_numbers_update(&set, POSITIONS, ACL_INT64),
               .lengths = stub_numbers_write(&set, LENGTHS, ACL_INT64),
               .slots = stub_numbers_write(&set, SLOTS, ACL_INT64),
               .sampled = stub_numbers_read(&set, SAMPLED, ACL_INT64),
               .table = stub_numbers_read(&set, TABLES, ACL_INT64),
               .columns = stub_tensor_arg(call, TABLES)->shape[1],
               .block = call->args[ALL_BLOCK_SIZE].integer};
    const int64_t *guesses = stub_numbers_read(&set, GUESSES, ACL_INT64);
    const int64_t *accepted = stub_numbers_read(&set, ACCEPTED, ACL_INT64);
    of.entries = of.columns > INT64_MAX / of.block ? INT64_MAX / of.block : of.columns;
    for (int64_t i = 0; i < sequences && set.status == ACLNN_SUCCESS; i++) {
        advance_guesses(&set, &of, guesses, accepted[i], i, each);
    }
    return stub_numbers_end(&set);
}

STUB_KERNEL(aclnnAdvanceStepV2, check_guesses, run_guesses)
