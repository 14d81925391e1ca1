"""What is played: steps in their order, and what is not, with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from devperfops_operator.scenario.model import Scheme, Skipped
from devperfops_operator.scenario.template import Secret, Template
from devperfops_operator.scenario.weighing import Weight

LOCATION: Final = "Location"


@dataclass(frozen=True)
class Extract:
    """Keeps a variable of an answer: at a JSON path, or the last piece of the header Location.

    `any_of`: the path leads to several, of which one is taken by chance.
    """

    variable: str
    path: str
    any_of: bool = False


@dataclass(frozen=True)
class Step:
    """One request. `needs`: variables that must have been found.

    `codes`: what counts as a success, as `302` or `2XX`; `documented`: what the document calls one.
    """

    name: str
    method: str
    group: str
    path: Template
    headers: Sequence[tuple[str, Template]]
    body: Template | None
    codes: Sequence[str]
    documented: Sequence[str]
    extracts: Sequence[Extract]
    needs: frozenset[str]
    origins: Mapping[str, str]
    """Of each id in it, where it comes from, in words."""
    notes: Sequence[str] = ()
    basic: tuple[Secret, Secret] | None = None
    think_ms: int = 0
    weight: Weight = field(default_factory=Weight)
    cleans_up: bool = False


@dataclass(frozen=True)
class Load:
    """What a gate asks of JMeter. `per_minute`: samples; `ramp_up_s`: until the mix is even."""

    per_minute: int
    threads: int
    ramp_up_s: int


USUAL: Final = Load(per_minute=3_000, threads=100, ramp_up_s=10)


@dataclass(frozen=True)
class Plan:
    """`tokens`: schemes whose token is asked for once per thread; `columns`: read from the data file.

    `pace`: so many iterations a second make each operation come at its rate; None: no rates were given.
    """

    title: str
    steps: Sequence[Step]
    skipped: Sequence[Skipped]
    tokens: Sequence[Scheme] = ()
    secrets: Sequence[str] = ()
    columns: Sequence[str] = ()
    pace: float | None = None
