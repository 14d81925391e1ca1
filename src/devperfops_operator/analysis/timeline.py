"""When samples and exceedances came, and so how much they hang together.

A hundred samples held up by one stall are one event. The design effect says how many samples are worth one
independent sample: the variance of the exceedances of blocks of time, divided by what it would be if each
sample were on its own (Kish, "Survey Sampling", 1965, section 8.2). Blocks of several lengths are looked at,
because a block shorter than what holds the samples together does not show it.

No number of samples makes up for few blocks; the service's own past does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.analysis.scatter import FEWEST, Scatter, Scatters, effect_of

WIDTHS: Final = (1, 5, 15, 30, 60)
"""Seconds of a block."""
_MOST: Final = 3600  # blocks of one width that are remembered: of longer tests the longer blocks tell enough

_Block = list[int]  # samples, exceedances


@dataclass(slots=True)
class Timeline:
    """Samples and exceedances by time. Adding commutes: the order of the seconds changes nothing."""

    first: int | None = None
    last: int | None = None
    _blocks: dict[int, dict[int, _Block]] = field(default_factory=lambda: {width: {} for width in WIDTHS})

    def add(self, second: int, samples: int, exceedances: int) -> None:
        """What came in `second` (Unix time). A second without samples tells nothing."""
        if not samples:
            return
        self.first = second if self.first is None else min(self.first, second)
        self.last = second if self.last is None else max(self.last, second)
        for width, blocks in self._blocks.items():
            block = blocks.setdefault(second // width, [0, 0])
            block[0] += samples
            block[1] += exceedances
        self._forget()

    @property
    def elapsed(self) -> int:
        """Seconds from the first sample to the last, both included."""
        return 0 if self.first is None or self.last is None else self.last - self.first + 1

    def scatter(self) -> Scatters:
        blocks = {width: table.values() for width, table in self._blocks.items() if len(table) >= FEWEST}
        return {width: Scatter(variance_ratio(of), len(of)) for width, of in blocks.items()}

    def design_effect(self) -> float:
        """At least 1."""
        return effect_of(self.scatter())

    @property
    def tally(self) -> Tally:
        """All of it. Seconds with an exceedance as the shortest blocks know them: at least so many."""
        counts = list(self._blocks[min(self._blocks)].values())
        samples, bad = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
        return Tally(samples, bad, sum(1 for _, exceedances in counts if exceedances))

    def late(self) -> Timeline:
        """The last third of the time so far, in whole blocks."""
        return Timeline() if self.last is None else self.since(self.last + 1 - self.elapsed // 3)

    def since(self, begin: int) -> Timeline:
        """From that second on, in whole blocks."""
        blocks = {
            width: {number: counts for number, counts in table.items() if number * width >= begin}
            for width, table in self._blocks.items()
        }
        return Timeline(begin, self.last, blocks)

    def _forget(self) -> None:
        shortest = min(self._blocks)
        if len(self._blocks[shortest]) > _MOST and shortest < max(WIDTHS):
            del self._blocks[shortest]


def variance_ratio(blocks: Collection[Sequence[int]]) -> float:
    """How much more the exceedances of blocks vary than if each sample were on its own.

    `blocks`: samples and exceedances of each. 0 of fewer than two, and of exceedances only, or of none.
    """
    samples, bad = (sum(counts) for counts in zip(*blocks, strict=True)) if blocks else (0, 0)
    if len(blocks) <= 1 or not 0 < bad < samples:
        return 0.0
    share = bad / samples
    scatter = sum(exceedances * exceedances / of for of, exceedances in blocks if of) - bad * share
    return scatter / ((len(blocks) - 1) * share * (1 - share))
