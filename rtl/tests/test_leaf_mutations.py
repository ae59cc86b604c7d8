"""Deliberately broken variants of the leaf modules: the vectors must catch every one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from rtl.build import ROOT
from rtl.tests.leaf_model import Operation
from rtl.tests.leaves import Leaf, run_vectors


@dataclass(frozen=True, slots=True)
class Mutation:
    """One replacement in one file, and the operation that must fail for it."""

    name: str
    file: str
    old: str
    new: str
    operation: Operation
    format: str = "bf16"

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


PACKAGE = "fp_pkg.sv"
MAC, MAX, EXP, NARROW = Operation.MAC, Operation.MAX, Operation.EXP, Operation.NARROW
UP = "up = magnitude[27] && (magnitude[28] || magnitude[26:0] != 27'd0);"
BF16_UP = "up = from[15] && (from[16] || from[14:0] != 15'd0);"
MUTATIONS = (
    Mutation("sum truncates", PACKAGE, UP, "up = 1'b0;", MAC),
    Mutation("sum rounds ties up", PACKAGE, UP, "up = magnitude[27];", MAC),
    Mutation(
        "sum loses the sticky bit", PACKAGE, "({51'd0, lost != 52'd0} << lowest)", "52'd0", MAC
    ),
    Mutation(
        "product is rounded before the sum",
        PACKAGE,
        "left = {1'b0, product, 3'd0};",
        "left = {1'b0, product[47:24], 27'd0};",
        MAC,
        "fp32",
    ),
    Mutation(
        "denormal results are kept",
        PACKAGE,
        "else if (exponent <= 10'sd0) fma = {sign, 31'd0};",
        "else if (exponent <= 10'sd0) fma = {sign, 8'd0, mantissa[22:0]};",
        MAC,
    ),
    Mutation(
        "denormal inputs count",
        PACKAGE,
        "if (value[30:23] == 8'd0) canonical = {value[31], 31'd0};",
        "if (value[30:0] == 31'd0) canonical = {value[31], 31'd0};",
        MAX,
    ),
    Mutation(
        "zero keeps a sign it should lose", PACKAGE, "product_sign & z[31]", "product_sign", MAC
    ),
    Mutation(
        "carry of the mantissa is lost",
        PACKAGE,
        "if (mantissa[23]) exponent",
        "if (1'b0) exponent",
        MAC,
    ),
    Mutation(
        "infinity times zero is infinity",
        PACKAGE,
        "if (product_zero || (z[30:23]",
        "if ((z[30:23]",
        MAC,
    ),
    Mutation(
        "int8 is unsigned",
        PACKAGE,
        "$signed(a[7:0]) * $signed(b[7:0])",
        "a[7:0] * b[7:0]",
        MAC,
        "int8",
    ),
    Mutation(
        "int8 loses its sign when widened",
        PACKAGE,
        "{{24{operand[7]}}",
        "{24'd0",
        Operation.WIDEN,
        "int8",
    ),
    Mutation(
        "e4m3 has an infinity",
        PACKAGE,
        "operand[6:0] == 7'h7f",
        "operand[6:3] == 4'hf",
        MAC,
        "e4m3",
    ),
    Mutation(
        "max is min", PACKAGE, "maximum = greater ? x : y;", "maximum = greater ? y : x;", MAX
    ),
    Mutation("max ignores signs", PACKAGE, "!= (x[31] && format != Int8)", "!= 1'b0", MAX),
    Mutation(
        "max takes any NaN", PACKAGE, "y = (format == Int8) ? b : canonical(b);", "y = b;", MAX
    ),
    Mutation("operand truncates", PACKAGE, BF16_UP, "up = 1'b0;", NARROW),
    Mutation("operand rounds ties up", PACKAGE, BF16_UP, "up = from[15];", NARROW),
    Mutation(
        "e4m3 overflows",
        PACKAGE,
        "rounded[30:20] > 11'h43e",
        "rounded[30:20] > 11'h43f",
        NARROW,
        "e4m3",
    ),
    Mutation(
        "floor is truncation", PACKAGE, "if (from[31]) fixed = ~fixed + 34'd1;", "", Operation.SPLIT
    ),
    Mutation(
        "power is one off",
        "pe_exp.sv",
        "power_d = split[41:32];",
        "power_d = split[41:32] + 10'd1;",
        EXP,
    ),
    Mutation("a Horner step is left out", "pe_exp.sv", "Degree - 3'd1;", "Degree - 3'd2;", EXP),
    Mutation("coefficients shift by one", "pe_exp.sv", "Last - step_q}", "Degree - step_q}", EXP),
    Mutation("mac ignores the addend", "pe_mac.sv", "32'(b_i), addend_i)", "32'(b_i), acc_q)", MAC),
)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_vectors_catch(mutation: Mutation, tmp_path: Path) -> None:
    original = (ROOT / "src" / mutation.file).read_text(encoding="utf-8")
    assert original.count(mutation.old) == 1, "the mutation is of text that is no longer there"
    broken = tmp_path / mutation.file
    broken.write_text(original.replace(mutation.old, mutation.new), encoding="utf-8")
    verdict, _ = run_vectors(
        Leaf(mutation.format),
        tmp_path / "run",
        operations=(mutation.operation,),
        count=20_000,
        sources=(broken,),
    )
    assert verdict.failures, "the broken variant passed"
