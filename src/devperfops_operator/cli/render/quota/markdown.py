"""The report as GitHub's Markdown, for a pull request. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from devperfops_operator.cli.render.markdown import escaped, markdown_table
from devperfops_operator.cli.render.quota.shown import (
    COLUMNS,
    Shown,
    cells,
    conclusion,
    outcome,
    summary,
    waiver_note,
    waiver_notes,
)
from devperfops_operator.domain.quota.finding import Finding

_MOST: Final = 200
"""Rows: a comment of a pull request holds 65,536 characters."""


def markdown(shown: Shown) -> str:
    """Heading, what asks for a person as a table, then why and what to do."""
    return "\n".join(_lines(shown)) + "\n"


def _lines(shown: Shown) -> Iterator[str]:
    yield f"## Quota {escaped(shown.policy)}: {shown.report.verdict}"
    yield ""
    yield f"{escaped(conclusion(shown))} {escaped(summary(shown.report))}."
    findings = shown.noteworthy[:_MOST]
    if findings:
        yield ""
        columns = [column.capitalize() for column in COLUMNS]
        yield from markdown_table(columns, [cells(each) for each in findings])
        yield from ("", "### Why, and what to do", "")
        for each in findings:
            yield from _why(each)
    if len(shown.noteworthy) > _MOST:
        yield from ("", f"and {len(shown.noteworthy) - _MOST:,} more; the JSON has them all")
    notes = [f"- {escaped(note)}" for note in waiver_notes(shown.report)]
    if notes:
        yield from ("", "### Waivers", "", *notes)


def _why(finding: Finding) -> Iterator[str]:
    yield f"- **{escaped(finding.title)}** ({outcome(finding)}): {escaped(finding.cause)}"
    if finding.waiver:
        yield f"  - {escaped(waiver_note(finding.waiver))}"
    elif finding.remedy:
        yield f"  - {_code(finding.remedy)}"


def _code(remedy: str) -> str:
    """A command can be copied from it."""
    return f"`{remedy.replace('`', ' ')}`" if remedy.startswith(("kubectl ", "gcloud ")) else escaped(remedy)
