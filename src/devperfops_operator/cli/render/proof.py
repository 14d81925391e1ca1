"""What a gate would catch. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from devperfops_operator.api.perfrun import Verdict
from devperfops_operator.api.quantity import format_duration, format_percent
from devperfops_operator.cli.render.parts import heading, indented, table
from devperfops_operator.cli.render.words import NONE, counted, plain
from devperfops_operator.domain.blindness import BlindSpot
from devperfops_operator.evidence.injection import Injection
from devperfops_operator.evidence.proof import Trials

_FEW: Final = 5


@dataclass(frozen=True, slots=True)
class Proof:
    """`past`: names of the runs used. `judged`: how long one is. `untried`: claims that runs do not keep."""

    gate: str
    past: Sequence[str]
    judged: timedelta
    unchanged: Trials
    injected: Sequence[Trials]
    blind: Sequence[BlindSpot]
    untried: Sequence[str]


def proof_screen(proof: Proof) -> Group:
    return Group(*_blocks(proof))


def proof_document(proof: Proof) -> dict[str, Any]:
    """Shares are numbers from 0 to 1."""
    return {
        "gate": proof.gate,
        "pastRuns": list(proof.past),
        "judgedSeconds": round(proof.judged.total_seconds()),
        "unchanged": {
            verdict.value.lower(): _measured(proof.unchanged, verdict)
            for verdict in (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE)
        },
        "injected": [_injected(trials) for trials in proof.injected],
        "blind": [
            {"transaction": spot.transaction, "samples": spot.samples, "because": spot.because}
            for spot in proof.blind
        ],
        "untried": list(proof.untried),
    }


def _injected(trials: Trials) -> dict[str, Any]:
    after = trials.caught_after
    return {
        "delay": format_percent(trials.injection.delay),
        "errors": format_percent(trials.injection.errors),
        "caught": _measured(trials, Verdict.FAIL),
        "medianSeconds": None if after is None else round(after.total_seconds()),
        "by": trials.caught_by,
    }


def _measured(trials: Trials, verdict: Verdict) -> dict[str, Any]:
    low, high = trials.between(verdict)
    return {
        "share": trials.share(verdict),
        "low": round(low, 4),
        "high": round(high, 4),
        "runs": len(trials.runs),
    }


def _blocks(proof: Proof) -> Iterator[RenderableType]:
    yield table(("INJECTED", "CAUGHT", "SURE TO 95%", "AFTER", "BY"), map(_row, proof.injected))
    yield heading("In words")
    yield indented(Text(plain("\n".join([*map(_sentence, proof.injected), _unchanged(proof.unchanged)]))))
    if proof.blind:
        yield heading("Blind")
        yield indented(Text(plain("\n".join(map(_spot, proof.blind)))))
    yield Text()
    yield Text(plain("\n".join(_basis(proof))))


def _row(trials: Trials) -> tuple[str, ...]:
    return (
        _fault(trials.injection),
        _percent(trials.share(Verdict.FAIL)),
        "{} to {}".format(*map(_percent, trials.between(Verdict.FAIL))),
        NONE if trials.caught_after is None else format_duration(trials.caught_after),
        trials.caught_by or NONE,
    )


def _sentence(trials: Trials) -> str:
    fault = _fault(trials.injection)
    if trials.caught_after is None:
        return f"{fault} would not be caught (in none of {len(trials.runs)} injected runs)"
    return (
        f"{fault} would be caught in {format_duration(trials.caught_after)}, in "
        f"{_percent(trials.share(Verdict.FAIL))} of {len(trials.runs)} injected runs"
    )


def _fault(injection: Injection) -> str:
    if injection.errors:
        return f"errors of {format_percent(injection.errors)}"
    return f"a delay of {format_percent(injection.delay)}"


def _unchanged(trials: Trials) -> str:
    low, high = map(_percent, trials.between(Verdict.PASS))
    return (
        f"an unchanged one would pass in {_percent(trials.share(Verdict.PASS))} ({low} to {high}) "
        f"and fail in {_percent(trials.share(Verdict.FAIL))}"
    )


def _spot(spot: BlindSpot) -> str:
    what = "all samples" if spot.transaction is None else spot.transaction
    return f"{what}: {counted(spot.samples, 'sample')} in a run; {spot.because}"


def _basis(proof: Proof) -> Iterator[str]:
    few = "; so few tell little of how runs differ" if len(proof.past) < _FEW else ""
    yield (
        f"A line is {len(proof.unchanged.runs)} runs of {format_duration(proof.judged)} judged load, made of "
        f"{counted(len(proof.past), 'past run')} in which nothing was found wrong{few}"
    )
    if proof.untried:
        yield f"Not tried, as runs do not keep what Prometheus or a baseline told: {'; '.join(proof.untried)}"


def _percent(share: float) -> str:
    return f"{share:.0%}"
