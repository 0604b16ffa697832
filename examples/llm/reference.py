"""The same model in NumPy and floats, without a cache: logits of whole sequences at once."""

from __future__ import annotations

import numpy as np
from llm.config import Array, Config, Layer, Weights, rope_tables


def logits_of(tokens: Array, weights: Weights, config: Config) -> Array:
    """Tokens [length] give logits [length, vocabulary], in float64."""
    x = weights.embedding.astype(np.float64)[tokens]
    for layer in weights.layers:
        x = x + attention(rms_norm(x, layer.input_norm, config), layer, config)
        x = x + mlp(rms_norm(x, layer.mlp_norm, config), layer, config)
    return rms_norm(x, weights.norm, config) @ weights.head.astype(np.float64)


def rms_norm(x: Array, gamma: Array, config: Config) -> Array:
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + config.epsilon) * gamma


def attention(x: Array, layer: Layer, config: Config) -> Array:
    length = len(x)
    q, kv = config.heads * config.head_dim, config.kv_heads * config.head_dim
    parts = np.split(x @ layer.qkv, [q, q + kv], axis=-1)
    queries, keys, values = (part.reshape(length, -1, config.head_dim) for part in parts)
    queries = rope(rms_norm(queries, layer.q_norm, config), config)
    keys = rope(rms_norm(keys, layer.k_norm, config), config)
    group = config.heads // config.kv_heads
    keys, values = np.repeat(keys, group, axis=1), np.repeat(values, group, axis=1)
    scores = np.einsum("qhd,khd->hqk", queries, keys) / np.sqrt(config.head_dim)
    scores = np.where(np.tri(length, dtype=bool), scores, -np.inf)
    return np.einsum("hqk,khd->qhd", softmax(scores), values).reshape(length, -1) @ layer.out


def rope(x: Array, config: Config) -> Array:
    cos, sin = (table[:, None] for table in rope_tables(config, len(x)))
    first, second = np.split(x, 2, axis=-1)
    return x * cos + np.concatenate([-second, first], axis=-1) * sin


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def mlp(x: Array, layer: Layer, config: Config) -> Array:
    if layer.router is None:
        return swiglu(x @ layer.gate_up) @ layer.down
    probabilities = softmax(x @ layer.router)
    chosen = np.argsort(-probabilities, axis=-1, kind="stable")[:, : config.experts_per_token]
    y = np.zeros_like(x)
    for token, experts in enumerate(chosen):
        for expert in experts:
            part = swiglu(x[token] @ layer.gate_up[expert]) @ layer.down[expert]
            y[token] += probabilities[token, expert] * part
    return y


def swiglu(x: Array) -> Array:
    gate, up = np.split(x, 2, axis=-1)
    return gate / (1 + np.exp(-gate)) * up
