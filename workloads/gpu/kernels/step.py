"""A kernel launch as a value: it can be run, or compiled for a GPU that is not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from triton.tools.tensor_descriptor import TensorDescriptor

from einsum.errors import SpecError
from workloads.gpu.problem import Dtype, GridOrder, Launch, Mask, Problem

Tensor = Any  # torch.Tensor; torch is not there when types are checked
TORCH_DTYPES = {
    Dtype.FP16: torch.float16,
    Dtype.BF16: torch.bfloat16,
    Dtype.FP32: torch.float32,
}
_NAMES = {torch.float16: "fp16", torch.bfloat16: "bf16", torch.float32: "fp32"}
LOG2_E = 1.4426950408889634


@dataclass(frozen=True, eq=False)
class Step:
    """One launch of `function`: `blocks` blocks of `warps` warps.

    `arguments` are tensors, descriptors and numbers, `constants` are known when it is compiled.
    """

    function: Any
    blocks: int
    arguments: Mapping[str, Any]
    constants: Mapping[str, Any]
    warps: int
    stages: int

    @property
    def name(self) -> str:
        return str(self.function.fn.__name__)

    def run(self) -> Any:
        """Launch it; the compiled kernel, or None in the interpreter."""
        return self.function[(self.blocks,)](
            **self.arguments, **self.constants, num_warps=self.warps, num_stages=self.stages
        )

    @property
    def signature(self) -> dict[str, str]:
        """The types of the arguments, as Triton's compiler takes them."""
        types = {name: _type(value) for name, value in self.arguments.items()}
        return types | dict.fromkeys(self.constants, "constexpr")


def _type(value: Any) -> str:
    match value:
        case TensorDescriptor():
            shape = ",".join(map(str, value.block_shape))
            return f"tensordesc<{_NAMES[value.base.dtype]}[{shape}]>"
        case torch.Tensor():
            return f"*{_NAMES[value.dtype]}"
        case int():
            return "i32"
        case float():
            return "fp32"
    raise AssertionError(f"no kernel takes a {type(value).__name__}")


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a kernel on given inputs: its launches, and the tensor that they fill.

    `tensors` are all tensors in memory by their name in the cascade.
    """

    steps: tuple[Step, ...]
    tensors: Mapping[str, Tensor]

    @property
    def output(self) -> Tensor:
        return self.tensors["AV"]

    def run(self) -> Tensor:
        """Launch all steps; `output`, filled."""
        for step in self.steps:
            step.run()
        return self.output


@dataclass(frozen=True, eq=False)
class Inputs:
    """Q [B, H, P, E], K [B, KV, M, E], V [B, KV, M, F], contiguous, and the scale of the scores."""

    q: Tensor
    k: Tensor
    v: Tensor
    scale: float


Build = Callable[[Inputs, Problem, Launch], Call]


def check_inputs(inputs: Inputs, problem: Problem) -> None:
    """Raises `SpecError` unless the tensors have the shapes and the format of `problem`."""
    b, kv = problem.batch, problem.kv_heads
    expected = {
        "Q": (inputs.q, (b, problem.heads, problem.queries, problem.head_dim)),
        "K": (inputs.k, (b, kv, problem.keys, problem.head_dim)),
        "V": (inputs.v, (b, kv, problem.keys, problem.value_dim)),
    }
    for name, (tensor, shape) in expected.items():
        if tuple(tensor.shape) != shape or tensor.dtype is not TORCH_DTYPES[problem.dtype]:
            raise SpecError(
                f"{name} is {tuple(tensor.shape)} of {tensor.dtype}",
                rule=f"the problem has {shape} of {problem.dtype.value}",
            )
        if not tensor.is_contiguous():
            raise SpecError(f"{name} is not contiguous", rule="use .contiguous()")
    if not inputs.scale > 0:
        raise SpecError(f"the scale is {inputs.scale}", rule="it is positive")


def tiles_of(tensor: Tensor, rows: int, columns: int) -> TensorDescriptor:
    """A descriptor of `tensor` [..., rows, columns], flattened to [heads, rows, columns].

    One load or store is a tile of `rows` x `columns` of one head.
    """
    *outer, height, width = tensor.shape
    heads = 1
    for size in outer:
        heads *= size
    pitch = tensor.stride(-2)
    strides = [height * pitch, pitch, 1]
    return TensorDescriptor(tensor, [heads, height, width], strides, [1, rows, columns])


def stored_scores(problem: Problem, like: Tensor) -> Tensor:
    """Room for scores [B, H, P, M], each row at a multiple of the 16 bytes that copies need."""
    pitch = -(-problem.keys // 8) * 8
    shape = (problem.batch, problem.heads, problem.queries, pitch)
    return like.new_empty(shape)[..., : problem.keys]


def make_step(
    function: Any,
    blocks: int,
    inputs: Inputs,
    problem: Problem,
    launch: Launch,
    **others: Any,
) -> Step:
    """A launch of `function` with those of the usual arguments, and of `others`, that it has."""
    tiling = launch.tiling
    arguments = {
        "q_desc": tiles_of(inputs.q, tiling.queries, problem.head_dim),
        "k_desc": tiles_of(inputs.k, tiling.keys, problem.head_dim),
        "v_desc": tiles_of(inputs.v, tiling.keys, problem.value_dim),
        "scale": inputs.scale * LOG2_E,
        "queries": problem.queries,
        "keys": problem.keys,
        "heads": problem.batch * problem.heads,
        "group": problem.group,
    }
    constants = {
        "P0": tiling.queries,
        "M0": tiling.keys,
        "E": problem.head_dim,
        "F": problem.value_dim,
        "CAUSAL": problem.mask is Mask.CAUSAL,
        "HEAD_FASTEST": launch.order is GridOrder.HEAD_FASTEST,
        # Products of fp32 tiles are exact; Triton's default would round them to tf32.
        "PRECISION": "ieee" if problem.dtype is Dtype.FP32 else "tf32",
    }
    for name, value in others.items():
        (constants if name.isupper() else arguments)[name] = value
    taken = set(function.arg_names)
    return Step(
        function,
        blocks,
        {name: value for name, value in arguments.items() if name in taken},
        {name: value for name, value in constants.items() if name in taken},
        launch.warps,
        launch.stages,
    )


def query_blocks(problem: Problem, launch: Launch) -> int:
    """One block a query tile."""
    return problem.batch * problem.heads * -(-problem.queries // launch.tiling.queries)
