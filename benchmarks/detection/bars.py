"""The tables, and what is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from benchmarks.detection.cases import PLANNED, Case, cases
from benchmarks.detection.outcome import Verdict
from benchmarks.detection.play import LATER, Played, Result, play
from benchmarks.detection.policies import POLICIES
from benchmarks.figures import Row

_WRONG_FAIL, _WRONG_PASS, _RIGHT_PASS, _POWER = 0.001, 0.01, 0.95, 0.95
_IN_TIME: Final = 0.9 * PLANNED
_PLAIN: Final = 1.9  # times its allowance, from which on an objective is to be found broken
_ENOUGH: Final = 50  # effective samples x allowed share, from which on a right Pass is due


def measure(streams: int, seed: int) -> list[Row]:
    """`streams` of each case. Prints every figure; returns the bars, each at its worst case."""
    played = play(list(cases()), streams, seed)
    _tell_cases(played)
    return _bars(played)


# --- tables -------------------------------------------------------------------------------------------------


def _tell_cases(played: Iterable[Played]) -> None:
    print("\n### A threshold, 10 minutes: Pass / Fail / Inconclusive, median second of the first two\n")
    policies = (LATER, *POLICIES)
    print(f"| regime | change | true share / allowed | effective n p0 | {' | '.join(policies)} |")
    print("|---" * (4 + len(policies)) + "|")
    for one in played:
        case = one.case
        told = " | ".join(_told(result) for result in one.results.values())
        size = f"{_relative(case):.2f} | {one.effective_allowance:.0f}"
        print(f"| {case.regime} | {case.change} | {size} | {told} |")


def _relative(case: Case) -> float:
    return case.exceedance / float(case.objective.allowed)


def _told(result: Result) -> str:
    shares = " / ".join(f"{result.share(verdict):.3f}" for verdict in ("Pass", "Fail", "Inconclusive"))
    times = (result.median_second(verdict) for verdict in ("Pass", "Fail"))
    return f"{shares}, " + ", ".join("-" if time is None else f"{time:.0f}" for time in times)


def with_interval(result: Result, verdict: Verdict) -> str:
    """A share and its 95 % interval."""
    low, high = result.between(verdict)
    return f"{result.share(verdict):.4f} [{low:.4f}, {high:.4f}]"


# --- bars ---------------------------------------------------------------------------------------------------


class Compared(Protocol):
    """Streams that policies judged: `place` says which."""

    @property
    def results(self) -> Mapping[str, Result]: ...

    @property
    def place(self) -> str: ...


@dataclass(frozen=True)
class Bar:
    """What a `policy` is to say at most, or at least, so often; told beside what `rival` says."""

    policy: str
    verdict: Verdict
    share: float
    rival: str

    def at_worst(self, what: str, played: Sequence[Compared]) -> Row:
        """Where it is nearest to being missed: shares below a half are of what must be rare."""
        rare = self.share < 0.5  # noqa: PLR2004
        worst = (max if rare else min)(played, key=self._of)
        share = self._of(worst)
        return Row(
            f"{what}, worst of {len(played)}: {worst.place}",
            with_interval(worst.results[self.policy], self.verdict),
            f"{'<=' if rare else '>='} {self.share:.1%}",
            share <= self.share if rare else share >= self.share,
            f"{self.rival} {worst.results[self.rival].share(self.verdict):.3f}",
        )

    def _of(self, played: Compared) -> float:
        return played.results[self.policy].share(self.verdict)


def _bars(played: Sequence[Played]) -> list[Row]:
    harmless = [one for one in played if one.case.truth in ("holds", "boundary")]
    boundary = [one for one in played if one.case.truth == "boundary"]
    due = [one for one in played if one.case.change == "unchanged" and one.effective_allowance >= _ENOUGH]
    broken = [one for one in played if one.case.truth == "broken" and _relative(one.case) >= _PLAIN]
    blind = [one for one in played if one.case.truth == "no evidence"]
    return [
        _worst("wrong Fail", harmless, "Fail", max, _WRONG_FAIL),
        _worst("wrong Pass at the boundary", boundary, "Pass", max, _WRONG_PASS),
        _worst(f"right Pass where effective n p0 >= {_ENOUGH}", due, "Pass", min, _RIGHT_PASS),
        _soon(due),
        _worst(f"Fail at {_PLAIN} x the allowance or more", broken, "Fail", min, _POWER),
        _worst("Pass without evidence", blind, "Pass", max, 0.0),
    ]


def _worst(
    what: str,
    played: Sequence[Played],
    verdict: Verdict,
    choose: Callable[..., Played],
    bar: float,
) -> Row:
    """A bar at the case where it is nearest to being missed; `choose`: max of what must be rare, or min."""
    shares = {name: partial(_share, name, verdict) for name in played[0].results}
    worst = choose(played, key=shares[LATER])
    share = shares[LATER](worst)
    rivals = ", ".join(
        f"{name} {of(choose(played, key=of)):.3f}" for name, of in shares.items() if name != LATER
    )
    where = f"{worst.case.regime}, {worst.case.change}"
    return Row(
        f"{what}, worst of {len(played)}: {where}",
        with_interval(worst.results[LATER], verdict),
        f"<= {bar:.1%}" if choose is max else f">= {bar:.0%}",
        share <= bar if choose is max else share >= bar,
        rivals,
    )


def _share(policy: str, verdict: Verdict, played: Played) -> float:
    return played.results[policy].share(verdict)


def _soon(due: Sequence[Played]) -> Row:
    medians = [one.results[LATER].median_second("Pass") or float(PLANNED) for one in due]
    return Row(
        "median time of a right Pass, worst regime",
        f"{max(medians):.0f} s",
        f"<= {_IN_TIME:.0f} s of {PLANNED}",
        max(medians) <= _IN_TIME,
    )
