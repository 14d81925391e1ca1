"""Numbers within limits, exactly."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final, TypeGuard

from devperfops_operator.scenario.dice import Dice
from devperfops_operator.scenario.errors import Unusable
from devperfops_operator.scenario.schema.normal import Schema

_USUAL: Final = 100
_TRIES: Final = 20
_OF_FORMAT: Final = {
    "int32": (-(1 << 31), (1 << 31) - 1),
    "int64": (-(1 << 63), (1 << 63) - 1),
    "uint32": (0, (1 << 32) - 1),
    "uint64": (0, (1 << 64) - 1),
}
_FINEST: Final = Fraction(1, 100)


def is_number(value: Any) -> TypeGuard[int | float]:
    """JSON's numbers: neither true and false nor what JSON cannot write."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def number(schema: Schema, dice: Dice, *, whole: bool) -> int | float:
    """A number the schema allows; small where it may be.

    Raises:
        Unusable: there is none, or none was found in a few tries.
    """
    low, high = limits(schema, whole=whole)
    for step, begin, end in _spans(low, high, schema, whole=whole):
        fewest, most = _multiples(step, begin, end, schema)
        for _ in range(_TRIES if fewest <= most else 0):
            value = step * dice.integer(fewest, most)
            written = int(value) if value.denominator == 1 else float(value)
            if is_multiple(written, schema) and within(written, schema, whole=whole):
                return written
    raise Unusable(f"no number was found {_told(schema)}")


def _told(schema: Schema) -> str:
    words = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf", "format")
    return "for " + ", ".join(f"{word} {schema[word]}" for word in words if word in schema)


def is_multiple(value: float, schema: Schema) -> bool:
    """As validators tell it: by dividing."""
    step = schema.get("multipleOf")
    if not is_number(step) or step <= 0:
        return True
    if isinstance(value, int) and isinstance(step, int):
        return value % step == 0
    quotient = value / step
    return math.isfinite(quotient) and quotient == int(quotient)


def limits(schema: Schema, *, whole: bool) -> tuple[Fraction | None, Fraction | None]:
    """The least and the greatest that are not forbidden by minimum, maximum or format; None: none."""
    lows = [schema.get("minimum"), schema.get("exclusiveMinimum")]
    highs = [schema.get("maximum"), schema.get("exclusiveMaximum")]
    if whole and schema.get("format") in _OF_FORMAT:
        low, high = _OF_FORMAT[schema["format"]]
        lows.append(low)
        highs.append(high)
    return (
        max((Fraction(each) for each in lows if is_number(each)), default=None),
        min((Fraction(each) for each in highs if is_number(each)), default=None),
    )


def within(value: float, schema: Schema, *, whole: bool) -> bool:
    """Whether minimum, maximum, their exclusive forms and the format allow it."""
    low, high = limits(schema, whole=whole)
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    return (
        (low is None or value >= low)
        and (high is None or value <= high)
        and (not is_number(above) or value > above)
        and (not is_number(below) or value < below)
    )


def _spans(
    low: Fraction | None, high: Fraction | None, schema: Schema, *, whole: bool
) -> Iterator[tuple[Fraction, Fraction, Fraction]]:
    """Step, least and greatest, the most pleasant first: about a hundred numbers from 1 on."""
    step = _step(schema, whole=whole)
    width = max(Fraction(_USUAL), 10 * step)
    if (low is None or low <= 1) and (high is None or high >= 1):
        begin = Fraction(1)
    else:
        begin = low if low is not None else Fraction(high or 0) - width
    end = begin + width if high is None else min(begin + width, high)
    yield step, begin, end
    least = low if low is not None else end - width
    greatest = high if high is not None else least + width
    yield step, least, greatest
    if not whole and "multipleOf" not in schema and least < greatest:
        yield (greatest - least) / 16, least, greatest


def _step(schema: Schema, *, whole: bool) -> Fraction:
    given = schema.get("multipleOf")
    if not is_number(given) or given <= 0:
        return Fraction(1) if whole else _FINEST
    step = Fraction(str(given))
    return Fraction(step.numerator) if whole else step  # the whole multiples of n/d are those of n


def _multiples(step: Fraction, low: Fraction, high: Fraction, schema: Schema) -> tuple[int, int]:
    """The first and the last multiple of the step."""
    fewest, most = math.ceil(low / step), math.floor(high / step)
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if is_number(above) and fewest * step <= Fraction(above):
        fewest = math.floor(Fraction(above) / step) + 1
    if is_number(below) and most * step >= Fraction(below):
        most = math.ceil(Fraction(below) / step) - 1
    return fewest, most
