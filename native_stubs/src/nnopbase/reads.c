/* Which operators read only a part of what they are given. By words in the names of operators and arguments: the rule
 * only has to be right where it says "in part", and what it says too often is a report less. */
#include <string.h>

#include "nnopbase/accesses.h"

/* In an operator's name: it picks, crops or samples, needs no more of an input than its shape, or multiplies one by a
 * number that may be 0. */
static const char *const picking_operators[] = {
    "Slice",    "AsStrided", "Narrow",  "Tril",    "Triu",    "Diag",     "Trace",     "Take",    "Gather",
    "Select",   "Embedding", "Sampl",   "Resize",  "Upsampl", "Pool",     "Conv",      "Roi",     "Pad",
    "ViewCopy", "Like",      "Choles",  "Triang",  "Im2col",  "Unfold",   "Elastic",   "Moe",     "Distribute",
    "Attent",   "Compress",  "Scatter", "Raster",  "Crop",    "Put",      "Bernoulli", "Random",  "Normal",
    "Uniform",  "Dropout",   "Fill",    "Zero",    "One",     "Range",    "Shape",     "Masked",  "Where",
    "Sequence", "VarLen",    "Suppres", "Nonzero", "Unique",  "Loss",     "Lstm",      "LSTM",    "GRU",
    "Addmm",    "ddbmm",     "Addmv",   "Addr",    "Gemm",    "Copy",     "Noise",     "Routing", "Grouped",
    "Permute",  "Ctc",       "Pruning", "Cache",   "cache",   "Multinom", "Svd",
};

/* In an argument's name: this argument is a table of which parts are in use ... */
static const char *const tables[] = {"cache", "Cache", "weightTable", "eplbTable"};

/* ... and this one, when it is given, says which parts of the others. */
static const char *const pickers[] = {
    "index",      "Index",   "indic",   "Indic",  "idx",    "Idx",       "blockTable", "blocktable",
    "BlockTable", "mask",    "Mask",    "seqLen", "SeqLen", "actualSeq", "actSeq",     "actual",
    "groupList",  "counts",  "Counts",  "ids",    "Ids",    "slot",      "positions",  "condition",
    "offsets",    "lengths", "Lengths", "active", "Active", "Sizes",     "repeats"};

static bool has_word(const char *name, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strstr(name, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

#define HAS_WORD(name, words) has_word(name, words, sizeof(words) / sizeof *(words))

static bool is_present(const stub_call *call, uint32_t arg) {
    return call->op->params[arg].kind >= STUB_INT || call->args[arg].tensor != NULL;
}

static bool has_picker(const stub_call *call) {
    for (uint32_t i = 0; i < call->op->count; i++) {
        if (is_present(call, i) && HAS_WORD(call->op->params[i].name, pickers)) {
            return true;
        }
    }
    return false;
}

/* What is updated may be written without having been read, unless it is the operator's one operand that is. */
static bool is_updated(const stub_call *call, uint32_t arg) {
    return call->op->params[arg].role == STUB_INOUT && strstr(call->op->name, "Inplace") == NULL;
}

bool stub_reads_in_part(const stub_call *call, uint32_t arg) {
    const stub_param *param = &call->op->params[arg];
    return is_updated(call, arg) || HAS_WORD(call->op->name, picking_operators) || HAS_WORD(param->name, tables) ||
           (!HAS_WORD(param->name, pickers) && has_picker(call));
}
