"""The shape of the model, its random but fixed weights, and the part of them that one card holds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Config:
    """A Qwen3-style decoder: RMSNorm also on the heads of q and k, rope on halves, grouped heads, SwiGLU."""

    vocabulary: int = 1024
    hidden: int = 256
    layers: int = 4
    heads: int = 8
    kv_heads: int = 2
    head_dim: int = 64
    intermediate: int = 512  # of one expert, with experts
    experts: int = 0  # 0: one dense MLP in each layer
    experts_per_token: int = 2
    rope_theta: float = 1e6
    epsilon: float = 1e-6
    block: int = 128  # tokens of one block of the KV cache

    def share(self, ranks: int) -> Config:
        """What one of `ranks` cards computes: its heads, its columns of the MLP."""
        return replace(
            self,
            heads=self.heads // ranks,
            kv_heads=self.kv_heads // ranks,
            intermediate=self.intermediate // ranks,
        )


@dataclass
class Layer:
    """float32; matrices are [in, out], those of experts [experts, in, out]."""

    qkv: Array
    out: Array
    gate_up: Array
    down: Array
    router: Array | None
    input_norm: Array
    q_norm: Array
    k_norm: Array
    mlp_norm: Array


@dataclass
class Weights:
    embedding: Array
    norm: Array
    head: Array
    layers: list[Layer] = field(default_factory=list)


def random_weights(config: Config, seed: int) -> Weights:
    rng = np.random.default_rng(seed)

    def matrix(*shape: int) -> Array:
        return (rng.standard_normal(shape) / np.sqrt(shape[-2])).astype(np.float32)

    def gamma(size: int) -> Array:
        return (1 + 0.1 * rng.standard_normal(size)).astype(np.float32)

    def layer() -> Layer:
        stack = (config.experts,) if config.experts else ()
        return Layer(
            qkv=matrix(config.hidden, (config.heads + 2 * config.kv_heads) * config.head_dim),
            out=matrix(config.heads * config.head_dim, config.hidden),
            gate_up=matrix(*stack, config.hidden, 2 * config.intermediate),
            down=matrix(*stack, config.intermediate, config.hidden),
            router=directions + matrix(config.hidden, config.experts) / 4 if config.experts else None,
            input_norm=gamma(config.hidden),
            q_norm=gamma(config.head_dim),
            k_norm=gamma(config.head_dim),
            mlp_norm=gamma(config.hidden),
        )

    # Each token has its experts and a likely successor, as in a trained model: what is chosen is no matter of
    # rounding.
    directions, _ = np.linalg.qr(rng.standard_normal((config.hidden, config.experts)).astype(np.float32))
    weights = Weights(
        embedding=rng.standard_normal((config.vocabulary, config.hidden)).astype(np.float32),
        norm=gamma(config.hidden),
        head=matrix(config.hidden, config.vocabulary),
    )
    for strength in (8, 6) if config.experts else ():
        weights.embedding += strength * directions.T[rng.integers(0, config.experts, config.vocabulary)]
    towards = weights.embedding / np.linalg.norm(weights.embedding, axis=-1, keepdims=True)
    weights.head[:, rng.permutation(config.vocabulary)] += 1.25 * towards.T
    weights.layers = [layer() for _ in range(config.layers)]
    return weights


def part_of(layer: Layer, config: Config, rank: int, ranks: int) -> Layer:
    """The layer's weights on one card: whole heads, and the same columns of gate and up."""
    q, kv = config.heads * config.head_dim, config.kv_heads * config.head_dim

    def columns(matrix: Array) -> Array:
        return np.split(matrix, ranks, axis=-1)[rank]

    def rows(matrix: Array) -> Array:
        return np.split(matrix, ranks, axis=-2)[rank]

    return replace(
        layer,
        qkv=np.concatenate([columns(each) for each in np.split(layer.qkv, [q, q + kv], axis=-1)], axis=-1),
        out=rows(layer.out),
        gate_up=np.concatenate([columns(each) for each in np.split(layer.gate_up, 2, axis=-1)], axis=-1),
        down=rows(layer.down),
    )


def rope_tables(config: Config, positions: int) -> tuple[Array, Array]:
    """cos and sin, [positions, head_dim], the frequencies of the first half repeated in the second."""
    exponents = np.arange(0, config.head_dim, 2) / config.head_dim
    angles = np.outer(np.arange(positions), config.rope_theta**-exponents)
    angles = np.concatenate([angles, angles], axis=-1)
    return np.cos(angles), np.sin(angles)
