"""How often each step is played, so that the mix is the one that is wished for and no step lacks its ids.

One draw per iteration decides over all steps: a step of 5 % is played in iterations in which every step of
more than 5 % is played, too. So what a step needs was made in the same iteration, if it is played at least as
often. What is wished for more often than what it needs is played several times there.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

REPEATS: Final = 50
"""So often at most one thing is asked for; beyond that more of them are made than anybody wished."""


@dataclass(frozen=True)
class Weight:
    """`percent` of iterations in which it is played, and how many times in each of them."""

    percent: float = 100
    times: int = 1

    @property
    def plays(self) -> float:
        """For each iteration."""
        return self.percent / 100 * self.times


@dataclass(frozen=True)
class Wishes:
    """`plays`: for each iteration, by operation. `pace`: so many iterations a second make rates of them."""

    plays: Mapping[str, float]
    pace: float | None = None


def needed(wishes: Mapping[str, float], requires: Mapping[str, Collection[str]]) -> set[str]:
    """Everything that somebody wishes, and what that needs. `requires`: by operation, those it needs."""
    found: set[str] = set()
    waiting = [key for key, wish in wishes.items() if wish > 0]
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += requires.get(key, ())
    return found


def weigh(
    order: Sequence[str],
    requires: Mapping[str, Collection[str]],
    wishes: Mapping[str, float],
    removes: Mapping[str, Collection[str]],
) -> dict[str, Weight]:
    """Of all in their order, and of what removes something at the end: as often as it was made.

    `requires` and `removes`: by operation those it needs, which come before it. `wishes`: plays for each
    iteration, at most 1, of what removes something a limit. What is removed is made once in an iteration: of
    two only the last would be.
    """
    above: dict[str, set[str]] = {}
    for key in order:
        above[key] = set(requires.get(key, ())).union(*(above[each] for each in requires.get(key, ())))
    once = set().union(*(above[each] | {each} for made in removes.values() for each in made))
    wished = {key: wishes.get(key, 0.0) for key in order}
    for key in reversed(order):
        for each in above[key]:
            wished[each] = max(wished[each], wished[key] / (1 if key in once else REPEATS))
    weights: dict[str, Weight] = {}
    for key in order:
        there = min((weights[each].percent / 100 for each in above[key]), default=1.0)
        times = max(1, math.ceil(wished[key] / there - 1e-9)) if there else 1
        weights[key] = Weight(100 * min(there, wished[key] / times), times)
    for key, made in removes.items():
        weights[key] = Weight(min([100 * wishes.get(key, 1.0), *(weights[each].percent for each in made)]))
    return weights
