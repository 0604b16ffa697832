"""The decoder on the device, by `ao.ops` alone: W8A8 linear layers, a paged int8 KV cache, experts if wanted.

The linear layers are as inference engines have them: int8 weights with a scale per output channel, and
activations that dynamic_quant quantises per token, multiplied by quant_matmul_v4. Prefill attends to the keys
and values it has just computed, decoding to the int8 cache by its block table. With several cards each
holds its heads and its columns of the MLP, and all_reduce adds up the partial results."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llm.config import Array, Config, Layer, Weights, part_of, rope_tables

import ascend_ops as ao

DTYPE = "bfloat16"
CAUSAL = 3  # sparse mode: a token sees itself and those before it
ALL = 2**31 - 1  # tokens before and after: no window
BY_TOKEN = 2  # the mode of finalize routing that fits the rows of init routing
KV_STEPS = 11 / 256, 9 / 256  # of the int8 cache, keys and values
MASK = 2048  # the size of the mask that sparse modes want


class Linear(NamedTuple):
    """An int8 matrix [in, out] (or one for each expert, [experts, in, out]) and a scale for each column."""

    weight: ao.Tensor
    scale: ao.Tensor


def quantised(matrix: Array) -> Linear:
    scale = _float(np.abs(matrix).max(axis=-2, keepdims=True) / 127, DTYPE)
    values = np.clip(np.rint(matrix / scale.numpy().astype(np.float32)), -127, 127)
    return Linear(ao.asarray(values.astype(np.int8)), _float(scale.numpy().squeeze(-2), DTYPE))


def _float(values: Array, dtype: str = "float32") -> ao.Tensor:
    return ao.asarray(np.ascontiguousarray(values), dtype)


class Block:
    """One layer's weights on this card."""

    def __init__(self, layer: Layer, config: Config, comm: ao.distributed.Communicator | None) -> None:
        part = part_of(layer, config, comm.rank, comm.size) if comm else layer
        self.qkv, self.out, self.gate_up, self.down = map(
            quantised, (part.qkv, part.out, part.gate_up, part.down)
        )
        self.router = None if part.router is None else _float(part.router, DTYPE)
        self.input_norm, self.q_norm, self.k_norm, self.mlp_norm = (
            _float(gamma, DTYPE) for gamma in (part.input_norm, part.q_norm, part.k_norm, part.mlp_norm)
        )
        # One step for all channels here, that bfloat16 holds exactly, as the attention wants it: keys are
        # kept up to 5.5, values up to 4.5. Engines calibrate a step for each channel.
        width = config.kv_heads * config.head_dim // (comm.size if comm else 1)
        self.steps = [_float(np.full(width, step)) for step in KV_STEPS]
        self.antiquant = [_float(np.full(width, step), DTYPE) for step in KV_STEPS]


class Batch(NamedTuple):
    """What one step is about: the same number of new tokens for every sequence, sequence by sequence."""

    sequences: int
    positions: Array
    """Of each token, in its sequence: [sequences, tokens]."""
    slots: Array
    """Of each token, in the cache: block * block size + place; int32 [sequences * tokens]."""
    lengths: list[int]
    """Of each sequence, with this step's tokens."""

    @property
    def fills(self) -> bool:
        """Prefill: the new tokens are all there are."""
        return self.positions.shape[1] == self.lengths[0]


class Tables(NamedTuple):
    """What the layers of one step share: cos and sin [sequences, tokens, 1, head_dim], the block table."""

    rope: list[ao.Tensor]
    blocks: ao.Tensor


class Decoder:
    def __init__(
        self, weights: Weights, config: Config, comm: ao.distributed.Communicator | None, blocks: int
    ) -> None:
        self.config = config.share(comm.size) if comm else config
        self.comm = comm
        self.embedding, self.head = _float(weights.embedding, DTYPE), _float(weights.head, DTYPE)
        self.norm = _float(weights.norm, DTYPE)
        self.blocks = [Block(layer, config, comm) for layer in weights.layers]
        shape = (blocks, config.block, self.config.kv_heads, config.head_dim)
        self.caches = [[ao.zeros(shape, "int8") for _ in "kv"] for _ in self.blocks]
        self.rope = [_float(table, DTYPE) for table in rope_tables(config, blocks * config.block)]
        self.mask = ao.asarray(~np.tri(MASK, dtype=bool))

    def __call__(self, tokens: ao.Tensor, batch: Batch, blocks: ao.Tensor) -> ao.Tensor:
        """Tokens int64 [sequences * tokens] give the logits that follow each sequence's last one: float32
        [sequences, vocabulary]. `blocks` is the block table, int32 [sequences, blocks]."""
        epsilon = self.config.epsilon
        places = ao.asarray(batch.positions[:, :, None])
        tables = Tables([ao.ops.embedding(rope, places) for rope in self.rope], blocks)
        gammas = [*(block.input_norm for block in self.blocks[1:]), self.norm]
        x = ao.ops.embedding(self.embedding, tokens)
        y, _ = ao.ops.rms_norm(x, self.blocks[0].input_norm, epsilon)
        for block, cache, gamma in zip(self.blocks, self.caches, gammas, strict=True):
            attended = self._attention(y, block, cache, batch, tables)
            y, _, x = ao.ops.add_rms_norm(self._sum(attended), x, block.mlp_norm, epsilon)
            y, _, x = ao.ops.add_rms_norm(self._sum(self._mlp(y, block)), x, gamma, epsilon)
        count = batch.positions.shape[1]
        return ao.ops.cast(ao.ops.matmul(y[count - 1 :: count], self.head, 1), "float32")

    def _sum(self, partial: ao.Tensor) -> ao.Tensor:
        return self.comm.all_reduce(partial) if self.comm else partial

    def _attention(
        self, x: ao.Tensor, block: Block, cache: list[ao.Tensor], batch: Batch, tables: Tables
    ) -> ao.Tensor:
        """Norms on the heads; then one operator rotates q and k and writes k and v to the int8 cache."""
        config, tokens = self.config, x.shape[0]
        heads, kv_heads, size = config.heads, config.kv_heads, config.head_dim
        qkv = linear(x, block.qkv).reshape(tokens, heads + 2 * kv_heads, size)
        queries, _ = ao.ops.rms_norm(qkv[:, :heads], block.q_norm, config.epsilon)
        keys, _ = ao.ops.rms_norm(qkv[:, heads:-kv_heads], block.k_norm, config.epsilon)
        normed = ao.ops.cat([queries, keys, qkv[:, -kv_heads:]], 1)
        queries, keys, values, *_ = ao.ops.dequant_rope_quant_kvcache(
            normed.reshape(batch.sequences, tokens // batch.sequences, -1),
            *tables.rope,
            *cache,
            batch.slots,
            *block.steps,
            [heads * size, kv_heads * size, kv_heads * size],
            kv_output=batch.fills,
            cache_mode="page",
        )
        if batch.fills:
            attended = self._attend(queries, keys, values, atten_mask_optional=self.mask, sparse_mode=CAUSAL)
        else:
            attended = self._attend(
                queries,
                *(each.reshape(*each.shape[:2], kv_heads * size) for each in cache),
                actual_seq_lengths_kv_optional=batch.lengths,
                block_table_optional=tables.blocks,
                block_size=config.block,
                key_antiquant_scale_optional=block.antiquant[0],
                value_antiquant_scale_optional=block.antiquant[1],
            )
        return linear(attended.reshape(tokens, heads * size), block.out)

    def _attend(self, queries: ao.Tensor, keys: ao.Tensor, values: ao.Tensor, **more: Any) -> ao.Tensor:
        config = self.config
        arguments: dict[str, Any] = {
            "num_heads": config.heads,
            "num_key_value_heads": config.kv_heads,
            "scale_value": config.head_dim**-0.5,
            "input_layout": "BSND",
            "pre_tokens": ALL,
            "next_tokens": ALL,
            "sparse_mode": 0,
            "inner_precise": 1,
            "block_size": 0,
            "antiquant_mode": 0,
            "key_antiquant_mode": 0,
            "value_antiquant_mode": 0,
            "softmax_lse_flag": False,
            "softmax_lse": None,
        }
        result = ao.ops.fused_infer_attention_score_v2(queries, [keys], [values], **(arguments | more))
        return result[0] if isinstance(result, tuple) else result

    def _mlp(self, x: ao.Tensor, block: Block) -> ao.Tensor:
        if block.router is None:
            return linear(ao.ops.swi_glu(linear(x, block.gate_up), -1), block.down)
        return self._experts(x, block, block.router)

    def _experts(self, x: ao.Tensor, block: Block, router: ao.Tensor) -> ao.Tensor:
        """Each token goes to its best experts; all tokens of an expert are one group of the product."""
        config = self.config
        scores = ao.ops.matmul(x, router, 1)
        weights, experts, _ = ao.ops.moe_gating_top_k_softmax(scores, None, config.experts_per_token)
        expanded, rows, counts, _ = ao.ops.moe_init_routing_v2(
            x,
            experts,
            active_num_optional=0,
            expert_capacity_optional=0,
            expert_num_optional=config.experts,
            drop_pad_mode_optional=0,
            expert_tokens_count_or_cumsum_flag_optional=1,  # the groups' ends
            expert_tokens_before_capacity_flag_optional=False,
            expert_tokens_before_capacity_out_optional=None,
        )
        ends = ao.ops.cast(counts, "int64")
        hidden = ao.ops.swi_glu(grouped(expanded, block.gate_up, ends), -1)
        y = grouped(hidden, block.down, ends)
        return ao.ops.moe_finalize_routing_v2(y, rows, None, None, None, weights, experts, BY_TOKEN)


def linear(x: ao.Tensor, by: Linear) -> ao.Tensor:
    """x [tokens, in] times an int8 matrix: quantised per token, product in int32, scaled once."""
    values, scale, *_ = ao.ops.dynamic_quant(x)
    out = ao.empty((x.shape[0], by.weight.shape[-1]), DTYPE)
    return ao.ops.quant_matmul_v4(values, by.weight, by.scale, None, scale, None, False, False, out=out)


def grouped(x: ao.Tensor, by: Linear, ends: ao.Tensor) -> ao.Tensor:
    """The same with one matrix for each expert; the tokens of expert e end at row ends[e]."""
    values, scale, *_ = ao.ops.dynamic_quant(x)
    out = ao.empty((x.shape[0], by.weight.shape[-1]), DTYPE)
    ao.ops.grouped_matmul_v4(
        [values],
        [by.weight],
        scale_optional=[by.scale],
        per_token_scale_optional=[scale],
        group_list_optional=ends,
        split_item=3,
        group_type=0,
        group_list_type=0,
        act_type=0,
        out=[out],
        activation_feature_out_optional=None,
        dyn_quant_scale_out_optional=None,
    )
    return out
