"""Counting what a kernel does, in Triton's interpreter: bytes by tensor, FLOPs, exponentials.

The interpreter computes every load, store, product and exponential of a kernel with NumPy; here
each of them is counted on its way. Set TRITON_INTERPRET=1 before triton is imported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import triton.language as tl
from triton.runtime import interpreter

from workloads.gpu.counts import Counts
from workloads.gpu.kernels.step import Call

Method = Callable[..., Any]
Span = tuple[str, int, int]
_BUILDER = interpreter.interpreter_builder


def run_counted(call: Call) -> Counts:
    """Run `call` in the interpreter; what it loaded, stored and computed."""
    loads: Counter[str] = Counter()
    stores: Counter[str] = Counter()
    work: Counter[str] = Counter()
    spans = _spans(call)

    def load(original: Method, pointers: Any, mask: Any, *rest: Any, **options: Any) -> Any:
        _add(loads, spans, pointers, mask)
        return original(pointers, mask, *rest, **options)

    def store(original: Method, pointers: Any, value: Any, mask: Any, *rest: Any) -> Any:
        _add(stores, spans, pointers, mask)
        return original(pointers, value, mask, *rest)

    def dot(original: Method, a: Any, b: Any, d: Any, *rest: Any) -> Any:
        work["flop"] += 2 * a.data.shape[-2] * a.data.shape[-1] * b.data.shape[-1]
        return original(_widened(a), _widened(b), d, *rest)

    def exp2(original: Method, argument: Any) -> Any:
        work["exps"] += argument.data.size
        return original(argument)

    hooks: dict[str, Method] = {
        "create_masked_load": load,
        "create_masked_store": store,
        "create_dot": dot,
        "create_exp": exp2,
        "create_exp2": exp2,
    }
    with _hooked(hooks):
        call.run()
    return Counts(dict(loads), dict(stores), work["flop"], work["exps"])


def _spans(call: Call) -> list[Span]:
    """Name, first and last address of every tensor of the call."""
    found = []
    for name, tensor in call.tensors.items():
        storage = tensor.untyped_storage()
        found.append((name, storage.data_ptr(), storage.data_ptr() + storage.nbytes()))
    return found


def _add(counter: Counter[str], spans: list[Span], pointers: Any, mask: Any) -> None:
    kept = np.broadcast_to(mask.data, pointers.data.shape)
    touched = pointers.data[kept]
    if not touched.size:
        return
    low, high = int(touched.min()), int(touched.max())
    for name, begin, end in spans:
        if begin <= low and high < end:
            counter[name] += touched.size * (pointers.get_element_ty().primitive_bitwidth // 8)
            return
    raise AssertionError("a kernel touched memory that is not of its tensors")


def _widened(handle: Any) -> Any:
    """A bf16 operand as fp32: the interpreter multiplies the bits as if they were integers.

    Triton issues 11584 and 11585.
    """
    if handle.dtype != tl.bfloat16:
        return handle
    bits = handle.data.view(np.uint16).astype(np.uint32) << 16
    return interpreter.TensorHandle(bits.view(np.float32), tl.float32)


@contextmanager
def _hooked(hooks: dict[str, Method]) -> Iterator[None]:
    """Put each hook before the method of the builder that it is named for."""
    for name, hook in hooks.items():
        original = getattr(_BUILDER, name)
        setattr(_BUILDER, name, partial(hook, original))
    try:
        yield
    finally:
        for name in hooks:
            delattr(_BUILDER, name)
