"""Tensors may die before the stream has run: results stay right, and memory is not reused too early."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import reference as ref
from runtime.conftest import Hold

import ascend_ops as ao
from ascend_ops.runtime import memory

ROWS = np.arange(1, 4097, dtype=np.float16).reshape(64, 64) % np.float16(97)


def overwrite_free_memory(times: int = 8) -> list[ao.Tensor]:
    """New tensors of the sizes in use, uploaded at once: they destroy what was given back too early."""
    return [ao.asarray(np.full((64, 64), 55, np.float16)) for _ in range(times)]


def expected_y() -> ref.Array:
    return ao.ops.dynamic_quant_v2(ROWS)[0].numpy()


def test_inputs_dropped_before_the_stream_ran_were_still_read(hold: Hold) -> None:
    expected = expected_y()
    stream = ao.Stream()
    with stream, hold(stream):
        x = ao.asarray(ROWS)
        y, _ = ao.ops.dynamic_quant_v2(x)
        del x
        gc.collect()
        others = overwrite_free_memory()
    np.testing.assert_array_equal(y.numpy(), expected)
    del others
    stream.close()


def test_inputs_closed_before_the_stream_ran_were_still_read(hold: Hold) -> None:
    expected = expected_y()
    stream = ao.Stream()
    with stream, hold(stream):
        x = ao.asarray(ROWS)
        y, scale = ao.ops.dynamic_quant_v2(x)
        x.close()
        scale.close()
        others = overwrite_free_memory()
    np.testing.assert_array_equal(y.numpy(), expected)
    del others
    stream.close()


def test_array_likes_live_as_long_as_the_call_needs_them(hold: Hold) -> None:
    expected = expected_y()
    stream = ao.Stream()
    with stream, hold(stream):
        host = ROWS.copy()
        y, _ = ao.ops.dynamic_quant_v2(host)
        host[:] = 0
        others = overwrite_free_memory()
    np.testing.assert_array_equal(y.numpy(), expected)
    del others
    stream.close()


def test_memory_used_on_another_stream_is_not_reused_before_that_stream_ran(hold: Hold) -> None:
    expected = expected_y()
    stream = ao.Stream()
    x = ao.asarray(ROWS)  # of the default stream, which stays free to run
    with hold(stream):
        with stream:
            y, _ = ao.ops.dynamic_quant_v2(x)
        del x
        gc.collect()
        others = overwrite_free_memory()
        ao.current_stream().synchronize()
    np.testing.assert_array_equal(y.numpy(), expected)
    del others
    stream.close()


def test_an_input_uploaded_on_one_stream_is_complete_on_another(hold: Hold) -> None:
    first, second = ao.Stream(), ao.Stream()
    with hold(first):
        with first:
            x = ao.zeros((64, 64), "float16")  # cleared in stream order, so not yet
            x.copy_from(ROWS)
        with second:
            y, _ = ao.ops.dynamic_quant_v2(x)
        assert not second.done
    np.testing.assert_array_equal(y.numpy(), expected_y())
    first.close()
    second.close()


class Owner:
    """Stands for an array of another library that owns device memory."""

    def __init__(self) -> None:
        self.memory = ao.asarray(ROWS)


def test_the_owner_of_foreign_memory_lives_until_the_stream_has_passed(hold: Hold) -> None:
    expected = expected_y()
    stream = ao.Stream()
    owner = Owner()
    alive = weakref.ref(owner)
    x = ao.from_pointer(owner.memory.address, ROWS.shape, "float16", owner=owner)
    with stream, hold(stream):
        y, _ = ao.ops.dynamic_quant_v2(x)
        del x, owner
        gc.collect()
        others = overwrite_free_memory()
        assert alive() is not None
    np.testing.assert_array_equal(y.numpy(), expected)
    del others
    memory.stats()  # looks after what has passed
    gc.collect()
    assert alive() is None
    stream.close()


def test_a_call_does_not_wait_for_the_stream(hold: Hold) -> None:
    stream = ao.Stream()
    x = ao.asarray(ROWS)
    with stream, hold(stream):
        results = [ao.ops.dynamic_quant_v2(x) for _ in range(100)]
        assert not stream.done
    for y, _ in results:
        assert y.numpy().any()
    stream.close()


def test_results_of_a_queue_of_calls_that_reuse_memory_are_right(hold: Hold) -> None:
    stream = ao.Stream()
    kept = []
    with stream, hold(stream):
        for i in range(1, 60):
            y, _ = ao.ops.dynamic_quant_v2(np.full((4, 32), i, np.float16))
            kept.append((i, ao.ops.ascend_anti_quant(y, [float(i)])))
            del y
    for i, back in kept:
        assert (back.numpy() == np.float16(127 * i)).all()
    stream.close()
