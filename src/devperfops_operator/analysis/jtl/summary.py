"""What is kept of a file, or of a piece of it: it grows with what differs, not with the rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from devperfops_operator.analysis.jtl.samples import KINDS, LABELS, NO_ERROR, Samples
from devperfops_operator.analysis.jtl.split import Ints
from devperfops_operator.analysis.jtl.tally import Tally
from devperfops_operator.analysis.jtl.words import Vocabulary
from devperfops_operator.wire.jtl import LATEST_MS

ELAPSED_BITS: Final = 35  # LONGEST_MS
MINUTE_BITS: Final = 28  # LATEST_MS + LONGEST_MS, in minutes
KIND_BITS: Final = 10
SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60_000
_NEVER: Final = 2 * LATEST_MS


@dataclass(frozen=True, slots=True)
class Summary:
    """A *slot* is a label and whether it is a Transaction Controller's: 2 * label + controller.

    A row belongs to the second and minute in which it ended. Controllers' rows sum up requests that have rows
    of their own: they count in their slot only.
    """

    labels: tuple[str, ...]
    kinds: tuple[str, ...]
    times: Tally
    """By slot, whether it failed, and elapsed time."""
    slot_minutes: Tally
    """By slot and minute; errors, sum of elapsed times."""
    minute_times: Tally
    """By minute and elapsed time."""
    seconds: Tally
    """By second; errors, sum of elapsed times."""
    errors: Tally
    """By slot and type of error."""
    first_ms: Ints
    """By slot, as the next three: the first start."""
    last_ms: Ints
    received: Ints
    sent: Ints

    @classmethod
    def of(cls, samples: Samples, labels: Sequence[str], kinds: Sequence[str]) -> Self:
        end_ms = samples.start_ms + samples.elapsed_ms
        failed = (samples.error != NO_ERROR).astype(np.int64)
        slot = 2 * samples.label + samples.controller
        minute = end_ms // MINUTE_MS
        request = slice(None) if not samples.controller.any() else ~samples.controller
        elapsed = samples.elapsed_ms
        bad = np.flatnonzero(failed)
        slots = 2 * len(labels)
        return cls(
            labels=tuple(labels),
            kinds=tuple(kinds),
            times=Tally.of((2 * slot + failed) << ELAPSED_BITS | elapsed),
            slot_minutes=Tally.of(slot << MINUTE_BITS | minute, failed, elapsed),
            minute_times=Tally.of((minute << ELAPSED_BITS | elapsed)[request]),
            seconds=Tally.of((end_ms // SECOND_MS)[request], failed[request], elapsed[request]),
            errors=Tally.of(slot[bad] << KIND_BITS | samples.error[bad]),
            first_ms=_gathered(np.minimum, slots, _NEVER, slot, samples.start_ms),
            last_ms=_gathered(np.maximum, slots, 0, slot, end_ms),
            received=_gathered(np.add, slots, 0, slot, samples.received),
            sent=_gathered(np.add, slots, 0, slot, samples.sent),
        )

    @classmethod
    def merged(cls, summaries: Iterable[Summary]) -> Self:
        """All together; there must be one. The order matters for the names beyond the limits only."""
        labels, kinds = Vocabulary(LABELS), Vocabulary(KINDS)
        parts = [_renumbered(summary, labels, kinds) for summary in summaries]
        slots = 2 * len(labels.texts)

        def gathered(how: np.ufunc, start: int, name: str) -> Ints:
            whole = np.full(slots, start, np.int64)
            for part, slot in parts:
                how.at(whole, slot, getattr(part, name))
            return whole

        def merged(name: str) -> Tally:
            return Tally.merged([getattr(part, name) for part, _ in parts])

        return cls(
            labels=tuple(labels.texts),
            kinds=tuple(kinds.texts),
            times=merged("times"),
            slot_minutes=merged("slot_minutes"),
            minute_times=merged("minute_times"),
            seconds=merged("seconds"),
            errors=merged("errors"),
            first_ms=gathered(np.minimum, _NEVER, "first_ms"),
            last_ms=gathered(np.maximum, 0, "last_ms"),
            received=gathered(np.add, 0, "received"),
            sent=gathered(np.add, 0, "sent"),
        )


def _gathered(how: np.ufunc, slots: int, start: int, slot: Ints, values: Ints) -> Ints:
    whole = np.full(slots, start, np.int64)
    how.at(whole, slot, values)
    return whole


def _renumbered(summary: Summary, labels: Vocabulary, kinds: Vocabulary) -> tuple[Summary, Ints]:
    """With the numbers of common vocabularies in its keys; also the new number of each slot."""
    label = np.array([labels.number_of(text) for text in summary.labels], np.int64)
    kind = np.array([kinds.number_of(text) for text in summary.kinds], np.int64)
    slot = _doubled(label)
    errors = summary.errors
    moved = Summary(
        labels=summary.labels,
        kinds=summary.kinds,
        times=_moved(summary.times, _doubled(slot), ELAPSED_BITS),
        slot_minutes=_moved(summary.slot_minutes, slot, MINUTE_BITS),
        minute_times=summary.minute_times,
        seconds=summary.seconds,
        errors=Tally.summed(
            slot[errors.keys >> KIND_BITS] << KIND_BITS | kind[errors.keys & _mask(KIND_BITS)], errors.sums
        ),
        first_ms=summary.first_ms,
        last_ms=summary.last_ms,
        received=summary.received,
        sent=summary.sent,
    )
    return moved, slot


def _moved(tally: Tally, numbers: Ints, bits: int) -> Tally:
    """With another number above the lower `bits` of its keys."""
    keys = numbers[tally.keys >> bits] << bits | tally.keys & _mask(bits)
    in_order = bool((np.diff(numbers) > 0).all())
    return Tally(keys, tally.sums) if in_order else Tally.summed(keys, tally.sums)


def _doubled(numbers: Ints) -> Ints:
    """Each number's two: even and odd."""
    return np.stack([2 * numbers, 2 * numbers + 1], axis=1).ravel()


def _mask(bits: int) -> int:
    return (1 << bits) - 1
