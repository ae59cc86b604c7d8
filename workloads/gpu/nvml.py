"""The driver's own view of the device: clocks, power, temperature, energy. It is only read.

Through the shared library that comes with the driver, so that no package is needed. Where it is
not there, or does not answer, the values are None.
"""

from __future__ import annotations

import ctypes
from functools import cache

from workloads.gpu.records import State

_MILLI = 1e-3
_MHZ = 1e6
_SM_CLOCK, _MEMORY_CLOCK = 1, 2
_TEMPERATURE_GPU = 0
_TEXT_BYTES = 96


@cache
def _library() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return None
    return library if library.nvmlInit_v2() == 0 else None


@cache
def _device(pci_bus_id: str) -> ctypes.c_void_p | None:
    library, handle = _library(), ctypes.c_void_p()
    if library is None:
        return None
    status = library.nvmlDeviceGetHandleByPciBusId_v2(
        ctypes.c_char_p(pci_bus_id.encode()), ctypes.byref(handle)
    )
    if status != 0:  # a container may name buses its own way
        status = library.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(0), ctypes.byref(handle))
    return handle if status == 0 else None


def _number(device: str, function: str, *arguments: int, wide: bool = False) -> int | None:
    library, handle = _library(), _device(device)
    if library is None or handle is None or not hasattr(library, function):
        return None
    value: ctypes.c_uint | ctypes.c_ulonglong = ctypes.c_ulonglong() if wide else ctypes.c_uint()
    numbers = [ctypes.c_uint(argument) for argument in arguments]
    status = getattr(library, function)(handle, *numbers, ctypes.byref(value))
    return int(value.value) if status == 0 else None


def _scaled(value: int | None, factor: float) -> float | None:
    return None if value is None else value * factor


def state(device: str) -> State:
    """Clocks, power and temperature of the device with this PCI bus id, now."""
    return State(
        _scaled(_number(device, "nvmlDeviceGetClockInfo", _SM_CLOCK), _MHZ),
        _scaled(_number(device, "nvmlDeviceGetClockInfo", _MEMORY_CLOCK), _MHZ),
        _scaled(_number(device, "nvmlDeviceGetPowerUsage"), _MILLI),
        _scaled(_number(device, "nvmlDeviceGetTemperature", _TEMPERATURE_GPU), 1.0),
    )


def energy_joule(device: str) -> float | None:
    """Energy since the driver was loaded, updated every 20 to 100 ms."""
    return _scaled(_number(device, "nvmlDeviceGetTotalEnergyConsumption", wide=True), _MILLI)


def max_sm_clock_hz(device: str) -> float | None:
    """The highest clock of the multiprocessors."""
    return _scaled(_number(device, "nvmlDeviceGetMaxClockInfo", _SM_CLOCK), _MHZ)


def power_limit_w(device: str) -> float | None:
    """The power that the driver holds the device below."""
    return _scaled(_number(device, "nvmlDeviceGetEnforcedPowerLimit"), _MILLI)


def driver() -> str | None:
    """The driver's version."""
    library = _library()
    if library is None:
        return None
    text = ctypes.create_string_buffer(_TEXT_BYTES)
    status = library.nvmlSystemGetDriverVersion(text, ctypes.c_uint(_TEXT_BYTES))
    return text.value.decode() if status == 0 else None
