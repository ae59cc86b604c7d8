"""The bindings of attention that the array executes, by the names of `einfall rtl sim`."""

from __future__ import annotations

from enum import Enum


class Binding(Enum):
    """Which shipped mapping of which cascade the array executes."""

    INTERLEAVED = "interleaved"
    NOT_INTERLEAVED = "not-interleaved"
    MULTIPLY_ADD = "multiply-add"
    THREE_PASS = "three-pass"

    @property
    def cascade(self) -> str:
        """The cascade's name in `workloads`."""
        match self:
            case Binding.INTERLEAVED | Binding.NOT_INTERLEAVED:
                return "attention/fusemax"
            case Binding.MULTIPLY_ADD:
                return "attention/fusemax-fma"
            case Binding.THREE_PASS:
                return "attention/three-pass"

    @property
    def mapping(self) -> str:
        """The mapping's name in `archsim`."""
        match self:
            case Binding.INTERLEAVED:
                return "fusemax"
            case Binding.NOT_INTERLEAVED:
                return "fusemax-not-interleaved"
            case Binding.MULTIPLY_ADD:
                return "fusemax-fma"
            case Binding.THREE_PASS:
                return "three-pass"
