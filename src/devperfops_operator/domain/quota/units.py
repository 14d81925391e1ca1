"""Units of limits, and what one is in another. All exact: no floats.

A unit is written as Google's API does: `1`, `By`, `cores`, `1/min`, `requests/100s/{project}/{region}`.
Braces name for what each the limit holds (each project, each user).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Final

from devperfops_operator.domain.errors import InvalidSpec

_UNIT: Final = re.compile(
    r"(?P<base>[A-Za-z0-9_.{}-]{1,64}?)(/(?P<times>[1-9][0-9]{0,3})?(?P<window>s|min|h|d))?(?P<per>(/\{[A-Za-z0-9_.-]{1,64}\})*)"
)
_ONE: Final = Fraction(1)
_DECIMALS: Final = 6
_WINDOWS: Final = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
_WINDOW_NAMES: Final = {seconds: name for name, seconds in _WINDOWS.items()}
_BYTES: Final = "By"
_SCALED: Final = {
    "bytes": (_BYTES, Fraction(1)),
    "millicores": ("cores", Fraction(1, 1000)),
    **{f"{prefix}iBy": (_BYTES, Fraction(1024**power)) for power, prefix in enumerate("KMGT", start=1)},
    **{f"{prefix}By": (_BYTES, Fraction(1000**power)) for power, prefix in enumerate("kMGT", start=1)},
}
_BINARY: Final = [
    (Fraction(1024**power), f" {prefix}iB") for power, prefix in [(4, "T"), (3, "G"), (2, "M"), (1, "K")]
]


@dataclass(frozen=True, slots=True)
class Unit:
    """`window`: seconds in which `base` times `scale` is counted; None: all there is at one time.

    Units that mean the same are equal, however they are written (`text`).
    """

    base: str
    scale: Fraction = field(default=_ONE, hash=False)  # slow to hash, and equal where the others are
    window: int | None = None
    per: tuple[str, ...] = ()
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.text or self.base


def parse_unit(text: str, field: str = "unit") -> Unit:
    """Raises InvalidSpec, which names the `field`."""
    unit = _parsed(text)
    if unit is None:
        message = f'"{text}" is not a unit: write for example 1, By, cores, 1/min or requests/s/{{project}}'
        raise InvalidSpec(field, message)
    return unit


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Unit | None:
    """Equal texts give one object: most limits are compared with one of the very same unit."""
    match = _UNIT.fullmatch(text)
    if match is None:
        return None
    base, scale = _SCALED.get(match["base"], (match["base"], _ONE))
    per = tuple(sorted(re.findall(r"\{(.+?)\}", match["per"])))
    window = int(match["times"] or 1) * _WINDOWS[match["window"]] if match["window"] else None
    return Unit(base, scale, window, per, text)


def every(base: str, seconds: Fraction, per: str = "") -> tuple[Unit, Fraction]:
    """`base` in each so many seconds, for each `per`; and what an amount is to be multiplied with.

    Windows of no whole seconds become one second. Raises InvalidSpec for a base that is none.
    """
    whole = seconds.denominator == 1
    text = f"{base}/{_window_text(int(seconds)) if whole else 's'}{f'/{{{per}}}' if per else ''}"
    return parse_unit(text), Fraction(1) if whole else 1 / seconds


def factor(source: Unit, target: Unit) -> Fraction | None:
    """An amount in `source` times this is the same amount in `target`; None: they count different things."""
    if source is target:
        return _ONE
    if (source.base, source.per) != (target.base, target.per):
        return None
    if source.window is None or target.window is None:
        return source.scale / target.scale if source.window is target.window else None
    return source.scale / target.scale * Fraction(target.window, source.window)


def amount_text(amount: Fraction, unit: Unit) -> str:
    """For people: `1,000/min`, `1.5 cores`, `16 GiB`."""
    every = "" if unit.window is None else f"/{_window_text(unit.window)}"
    if unit.base == _BYTES:
        return _bytes(amount * unit.scale) + every
    scaled = amount if unit.base == "1" else amount * unit.scale
    name = "" if unit.base == "1" else f" {unit.base}"
    return f"{decimal(scaled, ',')}{name}{every}"


def _window_text(seconds: int) -> str:
    """In the longest that counts it whole, but 1.5 minutes are 90 seconds: `min`, `100s`, `30d`."""
    size = max(size for size in _WINDOW_NAMES if seconds % size == 0)
    times = seconds // size
    return f"{times if times > 1 else ''}{_WINDOW_NAMES[size]}"


def decimal(amount: Fraction, thousands: str = "") -> str:
    """At most six decimals, as many as are needed."""
    if amount.denominator == 1:
        return f"{amount.numerator:{thousands}d}"
    whole, rest = divmod(abs(round(amount * 10**_DECIMALS)), 10**_DECIMALS)
    digits = f"{rest:0{_DECIMALS}d}".rstrip("0")
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole:{thousands}d}{'.' if digits else ''}{digits}"


def _bytes(amount: Fraction) -> str:
    for size, name in _BINARY:
        if amount >= size and (amount / size * 100).denominator == 1:
            return decimal(amount / size, ",") + name
    return decimal(amount, ",") + " bytes"
