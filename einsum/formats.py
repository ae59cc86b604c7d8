"""Number formats: how many bits a value takes and how they are divided."""

from __future__ import annotations

from dataclasses import dataclass, replace

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

    @property
    def element(self) -> Format:
        """The format of one value, without its block's scale."""
        return replace(self, block=0, scale_bits=0)

    @property
    def precision(self) -> int:
        """Binary digits of a significand, the hidden one included."""
        return self.mantissa + 1

    @property
    def bias(self) -> int:
        """What is added to an exponent to store it."""
        return (1 << (self.exponent - 1)) - 1

    @property
    def has_infinity(self) -> bool:
        """IEEE 754's formats, bf16 and e5m2 have; the OCP formats with short exponents do not."""
        return self.exponent >= 5 and not self.block

    @property
    def has_nan(self) -> bool:
        """Whether bits stand for NaN: in e4m3 all ones, in shorter formats none."""
        return self.has_infinity or (self.bits == 8 and not self.is_integer)

    @property
    def has_denormals(self) -> bool:
        """Whether values below the smallest normal number count; see `einsum.rounding`."""
        return self.bits < 8 or self.block > 0

    @property
    def smallest_normal(self) -> float:
        """The least positive value with a hidden one."""
        return 2.0 ** (1 - self.bias)

    @property
    def largest(self) -> float:
        """The largest finite value."""
        if self.is_integer:
            return 2.0 ** (self.bits - 1) - 1
        top = (1 << self.exponent) - (2 if self.has_infinity else 1) - self.bias
        missing = 2 if self.has_nan and not self.has_infinity else 1  # e4m3: NaN is all ones
        return float((2.0 - missing * 2.0**-self.mantissa) * 2.0**top)


FP32 = Format("fp32", 32, 8, 23)
BF16 = Format("bf16", 16, 8, 7)
FP16 = Format("fp16", 16, 5, 10)
E5M2 = Format("e5m2", 8, 5, 2)
E4M3 = Format("e4m3", 8, 4, 3)
INT8 = Format("int8", 8)
INT32 = Format("int32", 32)

FORMATS: dict[str, Format] = {
    f.name: f
    for f in (
        Format("fp64", 64, 11, 52),
        FP32,
        Format("tf32", 19, 8, 10),
        BF16,
        FP16,
        E5M2,
        E4M3,
        Format("e3m2", 6, 3, 2),
        Format("e2m3", 6, 2, 3),
        Format("e2m1", 4, 2, 1),
        # OCP Microscaling (MX) v1.0: 32 values share one 8-bit power of two.
        Format("mxfp8", 8, 4, 3, block=32, scale_bits=8),
        Format("mxfp6", 6, 3, 2, block=32, scale_bits=8),
        Format("mxfp4", 4, 2, 1, block=32, scale_bits=8),
        Format("int4", 4),
        INT8,
        Format("int16", 16),
        INT32,
    )
}


def format_named(name: str) -> Format:
    """The registered format called `name`; `SpecError` lists them if there is none."""
    if name not in FORMATS:
        raise SpecError(f"unknown number format {name}", rule=choices(name, FORMATS))
    return FORMATS[name]
