"""The ports of memories: where a bandwidth limits how much moves."""

from __future__ import annotations

from dataclasses import dataclass

from archsim.amounts import NOTHING, Array
from archsim.architecture import Architecture
from archsim.kept import kept
from archsim.transfer import Direction, Transfer


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a memory, of all its instances together, with its bytes per second.

    `name` is the memory's where reads and writes share it, else `buffer.read` or `buffer.write`.
    """

    name: str
    memory: str
    reads: bool
    writes: bool
    bytes_per_s: float

    def values(self, transfer: Transfer) -> Array:
        """The values of `transfer` that pass here."""
        down = transfer.direction is Direction.DOWN
        total = NOTHING
        if transfer.upper == self.memory and (self.reads if down else self.writes):
            total = total + transfer.elements
        if transfer.lower == self.memory and (self.writes if down else self.reads):
            total = total + transfer.deliveries
        return total


@kept
def ports(architecture: Architecture) -> tuple[Port, ...]:
    """Every port that limits; a memory of unlimited bandwidth has none."""
    found = []
    for memory in architecture.memories:
        name, count = memory.name, architecture.instances(memory.name)
        for suffix, reads, writes, each in (
            ("", True, True, memory.bandwidth_bytes_per_s),
            (".read", True, False, memory.read_bytes_per_s),
            (".write", False, True, memory.write_bytes_per_s),
        ):
            if each is not None:
                found.append(Port(name + suffix, name, reads, writes, each * count))
    return tuple(found)


def port_rates(architecture: Architecture) -> dict[str, float]:
    """Bytes per second by port."""
    return {port.name: port.bytes_per_s for port in ports(architecture)}
