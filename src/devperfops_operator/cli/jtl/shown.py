"""From files to the screen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
from rich.console import Group, RenderableType
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from devperfops_operator.analysis.jtl.compare import compare
from devperfops_operator.analysis.jtl.document import Document, comparison_of, document_of
from devperfops_operator.analysis.jtl.report import Apdex, Report, report_of
from devperfops_operator.cli.console import clock, show, stderr, stdout
from devperfops_operator.cli.jtl.files import Advance, FileNote, read_files
from devperfops_operator.cli.render.jtl import comparison_screen, minutes_table, report_screen

_LARGE: Final = 64 << 20  # bytes; below it there is nothing to wait for


@dataclass(frozen=True, slots=True)
class Test:
    """A test's figures, and what became of its files."""

    report: Report
    notes: Sequence[FileNote]


def read(files: Sequence[Path], apdex: tuple[int, int]) -> Test:
    """Raises Trouble when a file cannot be read."""
    with _progress(files) as advance:
        summary, notes = read_files(files, advance)
    return Test(report_of(summary, Apdex(*apdex)), notes)


def print_json(test: Test, before: Test | None) -> None:
    document = document_of(test.report) | {"files": _files(test), "comparison": None}
    if before is not None:
        pairs = compare(before.report, test.report)
        document["comparison"] = {"files": _files(before)} | comparison_of(pairs)
    click.echo(json.dumps(document, ensure_ascii=False, separators=(",", ":")))


def print_screen(test: Test, before: Test | None, *, minutes: bool) -> None:
    target = stdout()
    parts: list[RenderableType] = []
    if before is None:
        parts.append(report_screen(test.report, test.notes, clock(), target.width))
    else:
        pairs = compare(before.report, test.report)
        parts.append(comparison_screen(pairs, before.notes, test.notes, target.width))
    if minutes:
        parts.append(minutes_table(test.report, clock()))
    show(target, Group(*parts))


@contextmanager
def _progress(files: Sequence[Path]) -> Iterator[Advance]:
    """A bar on a terminal while large files are read."""
    size = sum(file.stat().st_size for file in files)
    console = stderr()
    if size < _LARGE or not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=size)
        yield lambda count: progress.advance(task, count)


def _files(test: Test) -> list[Document]:
    """`damaged`: records that are no rows; `cutBytes`: of a last record without its end.

    `missing`: columns without which errors, Transaction Controllers or sizes cannot be told.
    """
    return [
        {
            "path": str(note.path),
            "rows": note.rows,
            "damaged": note.malformed,
            "firstDamage": note.fault,
            "cutBytes": note.tail,
            "missing": list(note.missing),
        }
        for note in test.notes
    ]
