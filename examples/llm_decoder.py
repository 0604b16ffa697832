"""A quantised LLM decoder end to end: prefill and 32 decode steps of a small Qwen3-style model.

    python examples/llm_decoder.py
    python examples/llm_decoder.py --moe                      # a routed expert layer in place of the MLP
    python -m ascend_ops run -n 2 examples/llm_decoder.py     # tensor parallel, to the same tokens

All of the model runs by `ao.ops` alone. Its weights are random but fixed; linear layers are W8A8 (quantised
per channel and per token), the KV cache is paged and int8. At the end the logits are compared with those of
the same model in NumPy floats on the same tokens: the script fails when a cosine is not above 0.999.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

import numpy as np
from llm import reference, sampling
from llm.config import Array, Config, Weights, random_weights
from llm.decoder import Batch, Decoder

import ascend_ops as ao

LAUNCHED = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID")  # set by launchers
COSINE = 0.999


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--moe", action="store_true", help="8 experts in each layer, 2 for each token")
    parser.add_argument("--steps", type=int, default=32, help="tokens to decode for each sequence")
    parser.add_argument("--prompt", type=int, default=120, help="tokens of a prompt")
    parser.add_argument("--sequences", type=int, default=2)
    parser.add_argument("--top-k", type=int, default=8)
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


def main() -> int:
    args = arguments()
    config = Config(experts=8, intermediate=256) if args.moe else Config()
    weights = random_weights(config, args.seed)
    if any(name in os.environ for name in LAUNCHED):
        with ao.distributed.init() as comm:
            return run(args, config, weights, comm)
    return run(args, config, weights, None)


def run(
    args: argparse.Namespace, config: Config, weights: Weights, comm: ao.distributed.Communicator | None
) -> int:
    """One rank. The first one speaks."""
    speaks = comm is None or comm.rank == 0
    rng = np.random.default_rng(args.seed)
    prompts = rng.integers(0, config.vocabulary, (args.sequences, args.prompt))
    drawn = rng.random((args.steps + 1, args.sequences, 1)).astype(np.float32)
    generator = Generator(args, config, weights, comm)
    tokens, logits, seconds = generator.generate(prompts, drawn, speaks)
    if not speaks:
        return 0
    prefill, decode = seconds
    print(f"prefill: {prompts.size} tokens, {prompts.size / prefill:.0f} tokens/s")
    print(
        f"decode:  {args.steps * args.sequences} tokens, {args.steps * args.sequences / decode:.1f} tokens/s"
    )
    print(f"tokens of sequence 0: {' '.join(map(str, tokens[0]))}")
    return compare(args, config, weights, prompts, tokens, logits, drawn)


class Generator:
    """The decoder and its cache: every sequence has its blocks, scattered over the cache."""

    def __init__(
        self,
        args: argparse.Namespace,
        config: Config,
        weights: Weights,
        comm: ao.distributed.Communicator | None,
    ) -> None:
        self.args, self.config = args, config
        each = -(-(args.prompt + args.steps) // config.block)
        order = np.random.default_rng(args.seed + 1).permutation(args.sequences * each)
        self.table = order.reshape(args.sequences, each).astype(np.int32)
        self.decoder = Decoder(weights, config, comm, args.sequences * each)

    def generate(
        self, prompts: Array, drawn: Array, shows: bool
    ) -> tuple[Array, list[Array], tuple[float, float]]:
        """The tokens [sequences, steps + 1], the logits of each step, the seconds of prefill and decoding."""
        table, args = ao.asarray(self.table), self.args
        chosen, logits = [], []
        started = time.perf_counter()
        tokens, first, count = ao.asarray(prompts.reshape(-1)), 0, args.prompt
        for step in range(args.steps + 1):
            given = self.decoder(tokens, self._batch(first, count), table)
            sampled = sampling.sample(given, args.top_k, ao.asarray(drawn[step]))
            tokens, first, count = sampled.reshape(-1), first + count, 1
            logits.append(given.numpy())
            chosen.append(sampled.numpy())
            if step == 0:
                filled = time.perf_counter()
            if shows:
                show(step, args.steps)
        return np.concatenate(chosen, axis=1), logits, (filled - started, time.perf_counter() - filled)

    def _batch(self, first: int, count: int) -> Batch:
        """`count` new tokens of each sequence from position `first` on."""
        each = np.arange(first, first + count)
        block = self.config.block
        slots = self.table[:, each // block] * block + each % block
        return Batch(
            sequences=len(self.table),
            positions=np.tile(each, (len(self.table), 1)),
            slots=slots.reshape(-1).astype(np.int32),
            lengths=[first + count] * len(self.table),
        )


def show(step: int, steps: int) -> None:
    """A progress bar, where somebody looks."""
    if sys.stderr.isatty():
        done = 40 * step // max(steps, 1)
        end = "\n" if step == steps else ""
        print(f"\r[{'#' * done}{'.' * (40 - done)}] {step}/{steps}", end=end, file=sys.stderr, flush=True)


def compare(
    args: argparse.Namespace,
    config: Config,
    weights: Weights,
    prompts: Array,
    tokens: Array,
    logits: list[Array],
    drawn: Array,
) -> int:
    """Against the float model, on the tokens that the device has chosen."""
    texts = np.concatenate([prompts, tokens[:, :-1]], axis=1)
    wanted = np.stack(
        [reference.logits_of(text, weights, config)[args.prompt - 1 :] for text in texts], axis=1
    )
    given = np.stack(logits).astype(np.float64)
    cosine = (wanted * given).sum(-1) / (np.linalg.norm(wanted, axis=-1) * np.linalg.norm(given, axis=-1))
    same = [
        sampling.reference(step, args.top_k, number)[:, 0] == token
        for step, number, token in zip(wanted, drawn, tokens.T, strict=True)
    ]
    print(f"logits against the NumPy float model: cosine {cosine.min():.5f} or more")
    print(f"sampled tokens: {np.sum(same)} of {tokens.size} are those that the float model samples")
    return 0 if cosine.min() > COSINE else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ao.AscendError, TypeError, ValueError, OSError) as error:
        sys.exit(f"llm_decoder.py: {error}")
