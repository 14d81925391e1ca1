"""A limit as data, whoever set it, and what was read of one environment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Final

from devperfops_operator.domain.quota.units import Unit, amount_text, decimal, factor


class NoNumber(StrEnum):
    """A limit that is none, and one that is there but could not be told."""

    UNLIMITED = "unlimited"
    UNKNOWN = "unknown"


UNLIMITED: Final = NoNumber.UNLIMITED
UNKNOWN: Final = NoNumber.UNKNOWN

Limit = Fraction | NoNumber

Dimensions = tuple[tuple[str, str], ...]
"""Names and values, sorted by name. Empty: the limit of everything that has none of its own."""


class Kind(StrEnum):
    """What is limited: how often, how much, or how many at the same time."""

    RATE = "rate"
    ALLOCATION = "allocation"
    CONCURRENCY = "concurrency"


@dataclass(frozen=True, slots=True)
class Entry:
    """One limit of one environment.

    `usage`: of it taken by others than the tested release, in `unit`; None: not told. `pending`: what it is
    being changed to. `source`: where it stands, for people. `observed_at`: when it was read; None: declared.
    `raised_by`: the command or request that sets it, with `{limit}` for the new value. `ordinal`: it is a
    place in an order, of which 0 is one like any other. `estimate`: from what it was estimated; empty: it is
    told by whoever enforces it.
    """

    provider: str
    service: str
    metric: str
    unit: Unit
    limit: Limit
    kind: Kind = Kind.ALLOCATION
    dimensions: Dimensions = ()
    usage: Fraction | None = None
    pending: Limit | None = None
    source: str = ""
    observed_at: datetime | None = None
    raised_by: str = ""
    ordinal: bool = False
    estimate: str = ""

    @property
    def effective(self) -> Limit:
        """While it changes nobody knows which of both holds: the lower."""
        return self.limit if self.pending is None else lower(self.limit, self.pending)

    @property
    def headroom(self) -> Limit:
        """What is left by others; under 0 where they have more than is granted by now."""
        limit = self.effective
        return limit if self.usage is None or isinstance(limit, NoNumber) else limit - self.usage

    def shown(self, limit: Limit) -> str:
        return limit_text(limit, self.unit)


@dataclass(frozen=True, slots=True)
class Fault:
    """What could not be read; `service` empty: nothing at all could.

    `estimated`: it would have been an estimate only, and nobody waits for one.
    """

    service: str
    cause: str
    remedy: str
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """What serving must grant. `because`: whose word it is."""

    service: str
    metric: str
    unit: Unit
    amount: Fraction
    because: str
    dimensions: Dimensions = ()


@dataclass(frozen=True, slots=True)
class Peak:
    """The most that the load test was seen to use at any time."""

    service: str
    metric: str
    unit: Unit
    amount: Fraction
    dimensions: Dimensions = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """One environment. `unlimited`: services of which a limit that is not listed does not exist.

    `needs`: what its own objects may come to need, such as an autoscaler's most replicas.
    """

    name: str
    entries: Sequence[Entry]
    faults: Sequence[Fault] = ()
    unlimited: frozenset[str] = frozenset()
    needs: Sequence[Need] = ()


def lower(one: Limit, other: Limit) -> Limit:
    """Nothing is known of both if it is not of one."""
    if UNKNOWN in (one, other):
        return UNKNOWN
    return one if at_most(one, other) else other


def at_most(one: Limit, other: Limit) -> bool:
    """Whether `one` <= `other`, neither of them unknown."""
    if isinstance(other, NoNumber):
        return True
    return isinstance(one, Fraction) and one <= other


def converted(limit: Limit, source: Unit, target: Unit) -> Limit:
    """The limit in another unit that counts the same. Raises ValueError if it does not."""
    if source is target:
        return limit
    times = factor(source, target)
    if times is None:
        raise ValueError(f"{source} is no {target}")
    return limit * times if isinstance(limit, Fraction) else limit


def limit_text(limit: Limit, unit: Unit) -> str:
    """For people: `1,000/min`, `unlimited`."""
    return limit.value if isinstance(limit, NoNumber) else amount_text(limit, unit)


def limit_json(limit: Limit) -> str:
    """Exact where it has no more than six decimals."""
    return limit.value if isinstance(limit, NoNumber) else decimal(limit)


def dimensions_text(dimensions: Dimensions) -> str:
    return ", ".join(f"{name}={value}" for name, value in dimensions)
