"""When the evidence so far is enough, for samples that hang together.

`exceedance.ShareTest` is exact for samples that do not. Three things are added here. Samples and exceedances
are divided by the design effect, so that a stall counts as what it is. A Fail or a Pass waits until stalls
had time to show: a service that is slow at first is no broken one, and one whose stalls are still to come is
not shown to be good. And the way out: where hardly any sample is good there is nothing to wait for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from devperfops_operator.analysis.exceedance import ShareTest, Tally
from devperfops_operator.analysis.past import PastEffect
from devperfops_operator.analysis.timeline import Timeline

_OVERWHELMING: Final = Fraction(9, 10)  # of all samples are exceedances
_EARLY_ALPHA: Final = 0.001  # chance of a wrong Pass at whichever look before the end
_NEAR_ALPHA: Final = 0.0005  # likewise at the one look near it
_UNSEEN: Final = (
    2  # times the design effect that is seen: of a level that moves over minutes blocks show half
)
_STEP: Final = 15  # seconds, in which a slow start is told
_USUAL: Final = 50  # allowed exceedances, all independent, in a test of which an early Pass is most likely


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds of samples before a verdict. `pass_after` None: no Pass before the end.

    `look_at`: when a Pass is asked for once as at the end, because it is near. None: it is not.
    """

    fail_after: int = 0
    pass_after: int | None = None
    look_at: int | None = None

    def is_near_the_end(self, elapsed: int) -> bool:
        """Whether the one look is due."""
        if self.look_at is None or self.pass_after is None:
            return False
        return elapsed >= max(self.look_at, self.pass_after)


def fails(
    test: ShareTest, patience: Patience, tally: Tally, timeline: Timeline, long_range: float = 1.0
) -> bool:
    """True: more exceedances than allowed, proven, at whichever look. Once true, the objective has failed.

    `long_range`: how many times more the service varies than the timeline shows.
    """
    if not test.fails(tally):
        return False
    if timeline.elapsed < patience.fail_after:
        return _overwhelms(test, tally)
    return test.fails(independent(tally, _UNSEEN * long_range * timeline.design_effect()))


def passes_early(
    test: ShareTest, patience: Patience, tally: Tally, elapsed: int, design_effect: float
) -> bool:
    """True: at most as many exceedances as allowed, proven, at whichever look from `pass_after` on.

    The mirrored test: that more samples are good than need be.
    """
    if patience.pass_after is None or elapsed < patience.pass_after:
        return False
    mirrored = ShareTest(
        1 - test.allowed,
        alpha=_EARLY_ALPHA,
        n_opt=math.ceil(_USUAL / test.allowed),
        min_exceedance_seconds=0,
    )
    counted = independent(tally, design_effect)
    return mirrored.fails(Tally(counted.samples, counted.samples - counted.exceedances))


def passes_near_the_end(test: ShareTest, tally: Tally, design_effect: float) -> bool:
    """True: likewise, by the bound of the end; to be asked once, near it.

    A test that has waited so long rarely has so little to spare that it needs the rest. `design_effect`: that
    of any look, because clumps by the clock are regular in a whole run, and not in nine tenths of one.
    """
    return replace(test, confidence=1 - _NEAR_ALPHA).passes(tally, design_effect)


def drift(test: ShareTest, timeline: Timeline, least_effect: float) -> Tally | None:
    """What came in the last third, if that exceeds what is allowed, proven, whatever the whole is; or None.

    By the design effect of that third: the whole's holds the drift itself. `least_effect`: known otherwise.
    """
    late = timeline.late()
    tally = late.tally
    if not test.fails(tally):
        return None
    return tally if test.fails(independent(tally, max(least_effect, late.design_effect()))) else None


@dataclass(frozen=True, slots=True)
class SlowStart:
    """`tally`: what came in the first `seconds`."""

    seconds: int
    tally: Tally


def slow_start(test: ShareTest, timeline: Timeline, past: PastEffect) -> SlowStart | None:
    """The shortest beginning, within the first third, that keeps the rest from being shown to hold; or None.

    It had most of the exceedances. A hint to people, never a verdict: what is left out after one has
    seen it proves nothing.
    """
    whole, first = timeline.tally, timeline.first or 0
    beginnings = range(_STEP, timeline.elapsed // 3 + 1, _STEP)
    if not beginnings or not _fewer(timeline.since(first + beginnings[-1]).tally, whole):
        return None  # the longest has the most: spare the others
    for seconds in beginnings:
        rest = timeline.since(first + seconds)
        late = rest.tally
        if _fewer(late, whole) and test.passes(late, past.so_far(rest.scatter())):
            early = whole.samples - late.samples, whole.exceedances - late.exceedances
            return SlowStart(seconds, Tally(*early))
    return None


def _fewer(late: Tally, whole: Tally) -> bool:
    """Than half of the exceedances."""
    return 2 * late.exceedances < whole.exceedances


def independent(tally: Tally, design_effect: float) -> Tally:
    """As many independent samples as the counted ones are worth, rounded against the service."""
    bad = math.ceil(tally.exceedances / design_effect)
    samples = max(bad, math.floor(tally.samples / design_effect))
    return Tally(samples, bad, min(bad, tally.exceedance_seconds))


def _overwhelms(test: ShareTest, tally: Tally) -> bool:
    """Taking a whole second for one sample, because nothing is known yet of how they hang together."""
    seconds = tally.exceedance_seconds
    return tally.exceedances >= _OVERWHELMING * tally.samples and test.fails(Tally(seconds, seconds, seconds))
