"""Past runs under other objectives. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.text import Text

from devperfops_operator.api.perfrun import PerfRun, Verdict
from devperfops_operator.cli.render.parts import heading, indented, table
from devperfops_operator.cli.render.words import NONE, counted, plain, took, verdict_text
from devperfops_operator.domain.rejudging import Rejudged

_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Trial:
    """`failed_at`: in which second (Unix time). `estimated`: objectives judged by histograms."""

    run: PerfRun
    now: Rejudged
    failed_at: int | None = None
    estimated: Sequence[str] = field(default_factory=tuple)


def backtest_screen(trials: Sequence[Trial]) -> Group:
    """Newest first."""
    return Group(*_blocks(trials))


def _blocks(trials: Sequence[Trial]) -> Iterator[RenderableType]:
    yield table(("RUN", "REVISION", "THEN", "NOW", "FAILED AFTER", "WHY"), map(_row, trials))
    yield heading("Releases")
    yield indented(Text(plain("\n".join(_summary(trials)))))
    estimated = sorted({name for trial in trials for name in trial.estimated})
    if estimated:
        yield Text()
        yield Text(
            plain(
                f"Estimated from histograms, which know times to 1 % and not which slow samples failed: "
                f"{'; '.join(estimated)}"
            )
        )


def _row(trial: Trial) -> tuple[str | Text, ...]:
    status, now = trial.run.status, trial.now
    return (
        trial.run.metadata.name,
        status.revision or NONE,
        verdict_text(status.verdict),
        verdict_text(now.verdict) if now.verdict else Text(_UNKNOWN, style="yellow"),
        _failed_after(trial),
        now.message,
    )


def _failed_after(trial: Trial) -> str:
    """Judged load until then."""
    load = trial.run.status.load
    if trial.failed_at is None or load is None:
        return NONE
    return took(load.judged_from, datetime.fromtimestamp(trial.failed_at, UTC))


def _summary(trials: Sequence[Trial]) -> Iterator[str]:
    known = [trial for trial in trials if trial.now.verdict is not None]
    passes = {True: "pass", False: "be blocked"}
    for now in (False, True):
        changed = [
            t for t in known if _passed(t.now.verdict) is now and _passed(t.run.status.verdict) is not now
        ]
        names = ", ".join(trial.run.status.revision or trial.run.metadata.name for trial in changed)
        told = f": {names}" if changed else ""
        yield f"{len(changed)} of {counted(len(trials), 'run')} would {passes[now]} now, unlike then{told}"
    if len(known) < len(trials):
        yield f"{len(trials) - len(known)} of {counted(len(trials), 'run')} cannot be told"


def _passed(verdict: Verdict | None) -> bool:
    return verdict is Verdict.PASS
