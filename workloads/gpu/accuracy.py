"""The output of a kernel against attention in float64."""

from __future__ import annotations

import math

import torch

from workloads.gpu.kernels.step import Inputs, Tensor
from workloads.gpu.problem import Dtype, Mask, Problem
from workloads.gpu.records import Error

# Root mean square error over that of the output: probabilities and the output are rounded to the
# format once, 2^-11 and 2^-9 at most, with room for stored scores, which are rounded as well.
TOLERANCE = {Dtype.FP32: 1e-5, Dtype.FP16: 4e-3, Dtype.BF16: 3e-2}
_ROWS = 2048


def reference(inputs: Inputs, problem: Problem, batch: int, head: int) -> Tensor:
    """One head [P, F] in float64, from the inputs as they are rounded."""
    q = inputs.q[batch, head].double()
    k, v = (tensor[batch, head // problem.group].double() for tensor in (inputs.k, inputs.v))
    key = torch.arange(problem.keys, device=q.device)
    parts = []
    for first in range(0, problem.queries, _ROWS):  # all scores at once can be too many
        rows = q[first : first + _ROWS]
        scores = rows @ k.T * inputs.scale
        if problem.mask is Mask.CAUSAL:
            query = first + torch.arange(len(rows), device=q.device)
            scores = scores.masked_fill(key[None, :] > query[:, None], -math.inf)
        parts.append(torch.softmax(scores, -1) @ v)
    return torch.cat(parts)


def error(output: Tensor, inputs: Inputs, problem: Problem) -> Error:
    """The error on the first and the last head; not a number where the output is not."""
    heads = {(0, 0), (problem.batch - 1, problem.heads - 1)}
    worst = squares = total = 0.0
    for batch, head in heads:
        right = reference(inputs, problem, batch, head)
        off = output[batch, head].double() - right
        worst = max(worst, float(off.abs().max()))
        squares += float((off * off).sum())
        total += float((right * right).sum())
    return Error(len(heads), worst, math.sqrt(squares / total), TOLERANCE[problem.dtype])


def accepted(found: Error) -> bool:
    """Is the error within the tolerance? Not where a value is no number."""
    return found.rms_rel <= found.tolerance_rms_rel
