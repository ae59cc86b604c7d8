import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.quantities import Unit, format_quantity, parse_quantity
from einsum.errors import SpecError


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("16 MiB", Unit.BYTES, 16 << 20),
        ("16MiB", Unit.BYTES, 16 << 20),
        ("24 B", Unit.BYTES, 24),
        ("64 b", Unit.BYTES, 8),
        ("64 b", Unit.BITS, 64),
        ("64 bit", Unit.BITS, 64),
        ("8 B", Unit.BITS, 64),
        ("400 GiB/s", Unit.BYTES_PER_S, 400 << 30),
        ("614 GB/s", Unit.BYTES_PER_S, 614 * 10**9),
        ("940 MHz", Unit.HERTZ, 940 * 10**6),
        ("1.05 GHz", Unit.HERTZ, 1050 * 10**6),
        ("45 nm", Unit.NANOMETRES, 45),
        ("2.5 nJ", Unit.PICOJOULES, 2500),
        ("0.5 mm^2", Unit.SQUARE_MICROMETRES, 500_000),
        ("64K", Unit.COUNT, 65536),
        ("0.5", Unit.COUNT, 0.5),
        ("2 * N * 64 B", Unit.BYTES, 2048),
        ("N", Unit.COUNT, 16),
        ("max(2, N // 3) KiB", Unit.BYTES, 5 << 10),
        ("-(N - 17) % 4", Unit.COUNT, 1),
        ("N / 32 MiB", Unit.BYTES, 1 << 19),
    ],
)
def test_values(text: str, unit: Unit, value: float) -> None:
    assert parse_quantity(text, unit, {"N": 16}) == value


@pytest.mark.parametrize(
    ("text", "unit", "message", "rule"),
    [
        ("16 MHz", Unit.BYTES, "MHz is not a unit of a size", "Valid: B, GB, GiB"),
        ("16 MIB", Unit.BYTES, "MIB is not a unit of a size", "did you mean M"),
        ("16", Unit.BYTES, "'16' has no unit", "a size is a number with one of the units B, KB"),
        ("2 * N", Unit.BYTES, "'2 * N' has no unit", "units B"),
        ("400 GB", Unit.BYTES_PER_S, "GB is not a unit of a bandwidth", "GB/s"),
        ("2 * Q B", Unit.BYTES, "unknown parameter Q", "Valid: N"),
        ("2 ** 9", Unit.COUNT, "pow cannot be used in a quantity", "+ - * / // % max min"),
        ("N / 0", Unit.COUNT, "'N / 0' has no value: division by zero", ""),
        ("inf", Unit.COUNT, "'inf' is not a finite number", ""),
        ("X[3]", Unit.COUNT, "a quantity has no brackets", "numbers and parameters"),
        ("max(3)", Unit.COUNT, "max does not take 1 operands", ""),
        ("__import__(os)", Unit.COUNT, "__import__ cannot be used in a quantity", "max min"),
        ("", Unit.COUNT, "expected an operand", ""),
        ("MiB", Unit.BYTES, "expected an operand", ""),
    ],
)
def test_what_is_refused(text: str, unit: Unit, message: str, rule: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_quantity(text, unit, {"N": 16})
    assert message in caught.value.message
    assert rule in caught.value.rule


def test_the_place_of_an_error_is_in_the_text() -> None:
    with pytest.raises(SpecError) as caught:
        parse_quantity("2 * Q B", Unit.BYTES)
    assert caught.value.span is not None
    assert (caught.value.span.column, caught.value.span.length) == (5, 1)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (16 << 20, Unit.BYTES, "16 MiB"),
        (128 * 10**6, Unit.BYTES, "128 MB"),
        (24, Unit.BYTES, "24 B"),
        (4096, Unit.BITS, "4096 b"),
        (400 << 30, Unit.BYTES_PER_S, "400 GiB/s"),
        (614e9, Unit.BYTES_PER_S, "614 GB/s"),
        (940e6, Unit.HERTZ, "940 MHz"),
        (6.0, Unit.COUNT, "6"),
    ],
)
def test_the_shortest_text(value: float, unit: Unit, text: str) -> None:
    assert format_quantity(value, unit) == text


@given(
    st.one_of(st.integers(1, 10**18), st.floats(1e-6, 1e18, allow_nan=False)),
    st.sampled_from(Unit),
)
def test_every_value_survives_being_written(value: float, unit: Unit) -> None:
    assert parse_quantity(format_quantity(value, unit), unit) == value
