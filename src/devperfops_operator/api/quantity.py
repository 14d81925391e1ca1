"""Durations, rates and shares as people write them, read exactly: no floats anywhere.

Every reader raises `QuantityError`, whose text names the value and says what to write instead.
"""

from __future__ import annotations

import re
from datetime import timedelta
from fractions import Fraction
from typing import Final

# Also the patterns of the CRDs' CEL rules (RE2), so both sides read the same language.
DURATION_PATTERN: Final = "^([0-9]{1,3}h([0-9]{1,4}m)?([0-9]{1,5}s)?|[0-9]{1,4}m([0-9]{1,5}s)?|[0-9]{1,5}s)$"
RATE_PATTERN: Final = "^[0-9]{1,7}/(s|m|h)$"

CPU_PATTERN: Final = r"^([0-9]{1,6}m|[0-9]{1,4}(\.[0-9]{1,3})?)$"
MEMORY_PATTERN: Final = r"^[0-9]{1,15}(Ki|Mi|Gi|Ti|k|M|G|T)?$"

_DURATION = re.compile(DURATION_PATTERN)
_RATE = re.compile(RATE_PATTERN)
_PERCENT = re.compile(r"^[0-9]{1,2}(\.[0-9]{1,4})?%$")
_DURATION_UNITS: Final = {"h": timedelta(hours=1), "m": timedelta(minutes=1), "s": timedelta(seconds=1)}
_QUANTITY = re.compile(
    r"(?P<number>[0-9]+(\.[0-9]*)?|\.[0-9]+)([eE](?P<power>[+-]?[0-9]{1,2})|(?P<suffix>[EPTGMK]i|[EPTGMkmun]))?"
)
_RARE: Final = 10  # per minute: below it whole samples a minute say too little
_AMOUNTS: Final = {
    "": Fraction(1),
    **{prefix: Fraction(1, 1000**power) for power, prefix in enumerate("mun", start=1)},
    **{f"{prefix}i": Fraction(1024**power) for power, prefix in enumerate("KMGTPE", start=1)},
    **{prefix: Fraction(1000**power) for power, prefix in enumerate("kMGTPE", start=1)},
}
_PER_MINUTE: Final = {"s": Fraction(60), "m": Fraction(1), "h": Fraction(1, 60)}


class QuantityError(ValueError):
    """A text that is not the quantity it should be."""


def parse_duration(text: str) -> timedelta:
    """Read `90s`, `10m`, `1h30m`; zero (`0s`) is a duration.

    Raises:
        QuantityError: the text is anything else, such as `-1s`, `1.5m` or `90`.
    """
    if _DURATION.fullmatch(text) is None:
        raise QuantityError(f'"{text}" is not a duration: write for example 90s, 10m or 1h30m')
    parts = re.findall("([0-9]+)([hms])", text)
    return sum((int(number) * _DURATION_UNITS[unit] for number, unit in parts), timedelta())


def format_duration(duration: timedelta) -> str:
    """Write a duration of whole seconds, not negative, as `parse_duration` reads it."""
    total = duration // timedelta(seconds=1)
    hours, minutes, seconds = total // 3600, total % 3600 // 60, total % 60
    parts = [f"{number}{unit}" for number, unit in ((hours, "h"), (minutes, "m"), (seconds, "s")) if number]
    return "".join(parts) or "0s"


def parse_rate(value: str | int) -> Fraction:
    """Read `50/s`, `3000/m`, `120000/h` as samples per minute.

    A bare number is refused: nobody can see whether it means a second or a minute.

    Raises:
        QuantityError: no unit, zero, or not a rate at all.
    """
    text = str(value)
    if _RATE.fullmatch(text) is None:
        number = text if re.fullmatch("[1-9][0-9]{0,6}", text) else "3000"
        raise QuantityError(f'"{text}" is not a rate: write samples per minute ({number}/m) or second (50/s)')
    number, unit = text.split("/")
    if int(number) == 0:
        raise QuantityError(
            f'"{text}" asks for no samples at all: write a rate above 0, for example 3000/m, or leave it out'
        )
    return int(number) * _PER_MINUTE[unit]


def format_rate(per_minute: Fraction) -> str:
    """Write a rate per minute for people, in whole samples: `2987/m`, or of a rare one `7/h`."""
    if per_minute < _RARE and per_minute.denominator != 1:
        return f"{round(per_minute * 60)}/h"
    return f"{round(per_minute)}/m"


def parse_cpu(value: str | int) -> Fraction:
    """Read `500m`, `2` or `1.5` as processors.

    Raises:
        QuantityError: anything else, or nothing at all.
    """
    return _amount(value, CPU_PATTERN, "is not an amount of CPU: write for example 500m, 1.5 or 2")


def parse_memory(value: str | int) -> Fraction:
    """Read `512Mi`, `2Gi` or `1500M` as bytes.

    Raises:
        QuantityError: anything else, such as `512m` (thousandths of a byte), or nothing at all.
    """
    return _amount(value, MEMORY_PATTERN, "is not an amount of memory: write for example 512Mi or 2Gi")


def parse_any_quantity(value: str | int) -> Fraction:
    """Read a `resource.Quantity` as the API server writes it: `500m`, `16Gi`, `1e3`; not negative.

    Raises:
        QuantityError: it is none.
    """
    match = _QUANTITY.fullmatch(str(value))
    if match is None:
        raise QuantityError(f'"{value}" is not a quantity: write for example 500m, 16Gi or 100')
    return (
        Fraction(match["number"]) * Fraction(10) ** int(match["power"] or 0) * _AMOUNTS[match["suffix"] or ""]
    )


def _amount(value: str | int, pattern: str, sentence: str) -> Fraction:
    text = str(value)
    if re.fullmatch(pattern, text) is None or not re.search("[1-9]", text):
        raise QuantityError(f'"{text}" {sentence}')
    number, unit = re.findall("^([0-9.]+)(.*)$", text)[0]
    return Fraction(number) * _AMOUNTS[unit]


def parse_percent(text: str) -> Fraction:
    """Read `0.5%` as 1/200: at least 0, under 100 %, at most four decimals.

    Raises:
        QuantityError: the text is anything else.
    """
    if _PERCENT.fullmatch(text) is None:
        raise QuantityError(
            f'"{text}" is not a percentage: write a number under 100 with a % sign, for example 0.5%'
        )
    return Fraction(text[:-1]) / 100


def format_percent(share: Fraction, decimals: int = 4) -> str:
    """Write a share as a percentage, rounded to `decimals`, without trailing zeros: `0.5%`."""
    scaled = round(share * 100 * 10**decimals)
    whole, rest = divmod(abs(scaled), 10**decimals)
    digits = str(rest).zfill(decimals).rstrip("0") if decimals else ""
    sign = "-" if scaled < 0 else ""
    return f"{sign}{whole}.{digits}%" if digits else f"{sign}{whole}%"
