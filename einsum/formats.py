"""Number formats: how many bits a value takes and how they are divided."""

from __future__ import annotations

from dataclasses import dataclass

from einsum.errors import SpecError, choices


@dataclass(frozen=True, slots=True)
class Format:
    """A number format.

    A floating-point format has `exponent` and `mantissa` bits (and a sign); an integer format
    has neither. `block` values share one scale of `scale_bits` (0: no block scale).
    """

    name: str
    bits: int
    exponent: int = 0
    mantissa: int = 0
    block: int = 0
    scale_bits: int = 0

    @property
    def is_integer(self) -> bool:
        return self.exponent == 0

    @property
    def bits_per_value(self) -> float:
        """Storage of one value in bits, with its share of the block's scale."""
        return self.bits + (self.scale_bits / self.block if self.block else 0.0)


FP32 = Format("fp32", 32, 8, 23)
BF16 = Format("bf16", 16, 8, 7)
FP16 = Format("fp16", 16, 5, 10)

FORMATS: dict[str, Format] = {
    f.name: f
    for f in (
        Format("fp64", 64, 11, 52),
        FP32,
        Format("tf32", 19, 8, 10),
        BF16,
        FP16,
        Format("e5m2", 8, 5, 2),
        Format("e4m3", 8, 4, 3),
        Format("e3m2", 6, 3, 2),
        Format("e2m3", 6, 2, 3),
        Format("e2m1", 4, 2, 1),
        # OCP Microscaling (MX) v1.0: 32 values share one 8-bit power of two.
        Format("mxfp8", 8, 4, 3, block=32, scale_bits=8),
        Format("mxfp6", 6, 3, 2, block=32, scale_bits=8),
        Format("mxfp4", 4, 2, 1, block=32, scale_bits=8),
        Format("int4", 4),
        Format("int8", 8),
        Format("int16", 16),
        Format("int32", 32),
    )
}


def format_named(name: str) -> Format:
    """The registered format called `name`; `SpecError` lists them if there is none."""
    if name not in FORMATS:
        raise SpecError(f"unknown number format {name}", rule=choices(name, FORMATS))
    return FORMATS[name]
