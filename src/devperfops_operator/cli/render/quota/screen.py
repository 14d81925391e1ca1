"""The report for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from devperfops_operator.cli.render.parts import facts, heading, indented, table
from devperfops_operator.cli.render.quota.shown import (
    WAIVED,
    Shown,
    cells,
    conclusion,
    finding_notes,
    summary,
    waiver_notes,
)
from devperfops_operator.cli.render.words import Clock, plain
from devperfops_operator.domain.quota.finding import Finding, Verdict

_STYLES: Final = {
    Verdict.PASS.value: "green",
    Verdict.WARN.value: "yellow",
    Verdict.REGRESSION.value: "bold red",
    Verdict.ERROR.value: "bold magenta",
    WAIVED: "cyan",
}


def screen(shown: Shown, clock: Clock, *, everything: bool) -> Group:
    """`everything`: also what passes."""
    return Group(*_blocks(shown, clock, shown.sorted if everything else shown.noteworthy))


def _blocks(shown: Shown, clock: Clock, findings: list[Finding]) -> Iterator[RenderableType]:
    about = f"{shown.policy}: {shown.baseline} <= {shown.serving}, mode {shown.mode}"
    yield facts([("Policy", about), ("Read", clock.date_time(shown.at)), ("Result", _result(shown))])
    if findings:
        yield Text()
        columns = ("VERDICT", "LIMIT", "RULE", "ASKED", "GRANTED", "PEAK", "HEADROOM")
        rows = map(_row, findings)
        yield table(columns, rows, right=("ASKED", "GRANTED", "PEAK", "HEADROOM"))
    told = [each for each in findings if each.verdict is not Verdict.PASS]
    if told:
        yield heading("Why, and what to do")
        yield indented(Group(*_why(told)))
    notes = list(waiver_notes(shown.report))
    if notes:
        yield heading("Waivers")
        yield indented(Text(plain("\n".join(notes)), style="yellow"))
    yield Text(f"\n{plain(conclusion(shown))}")


def _result(shown: Shown) -> Text:
    verdict = shown.report.verdict
    return Text.assemble((verdict.value, _STYLES[verdict.value]), f" ({summary(shown.report)})")


def _row(finding: Finding) -> tuple[str | Text, ...]:
    word, *rest = cells(finding)
    return Text(word, style=_STYLES[word]), *rest


def _why(findings: Iterable[Finding]) -> Iterator[RenderableType]:
    """All there is to say of a limit together."""
    for title, same in groupby(findings, lambda finding: finding.title):
        yield Text(plain(title), style="bold")
        for note in dict.fromkeys(note for finding in same for note in finding_notes(finding)):
            yield indented(Text(plain(note)))
