"""The decoder runs end to end, close to the float model, and to the same tokens on two cards."""

from __future__ import annotations

import re

import pytest
from examples.test_examples import run

SHORT = ("--steps", 5, "--prompt", 20)


def tokens(output: str) -> list[str]:
    (found,) = re.findall(r"tokens of sequence 0: (.*)", output)
    return str(found).split()


@pytest.mark.parametrize("layers", [(), ("--moe",)], ids=["dense", "experts"])
def test_the_decoder_is_close_to_the_float_model_on_one_card_and_on_two(layers: tuple[str, ...]) -> None:
    alone, errors = run("llm_decoder.py", *SHORT, *layers)
    assert errors == ""
    (cosine,) = re.findall(r"cosine (\S+) or more", alone)
    assert float(cosine) > 0.999
    assert "sampled tokens: 12 of 12 are" in alone
    assert len(tokens(alone)) == 6
    assert re.search(r"decode:  10 tokens, \d+\.\d tokens/s", alone)
    together, _ = run("llm_decoder.py", *SHORT, *layers, launcher=("-m", "ascend_ops", "run", "-n", "2"))
    assert tokens(together) == tokens(alone)
