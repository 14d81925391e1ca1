from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from devperfops_operator.cli.extras import analysis_extra

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class _Thresholds(click.ParamType[tuple[int, int]]):
    """`500/1500`: milliseconds up to which an answer satisfies, and up to which it is tolerated."""

    name = "apdex"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        satisfied, _, tolerated = str(value).partition("/")
        numbers = satisfied.isdecimal() and tolerated.isdecimal()
        if not (numbers and int(satisfied) <= int(tolerated)):
            self.fail(f"{value!r} is not two times in milliseconds, the shorter first: 500/1500", param, ctx)
        return int(satisfied), int(tolerated)


@click.command("jtl")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE)
@click.option(
    "--compare",
    "old",
    metavar="OLD",
    multiple=True,
    type=_FILE,
    help="Show the differences from this file; give it again for each worker's.",
)
@click.option(
    "--apdex",
    metavar="T/F",
    type=_Thresholds(),
    default="500/1500",
    show_default=True,
    help="An answer satisfies up to T ms and is tolerated up to F ms.",
)
@click.option("--minutes", is_flag=True, help="Show how it went, minute by minute.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the series by second and minute.")
def command(
    *, files: tuple[Path, ...], old: tuple[Path, ...], apdex: tuple[int, int], minutes: bool, as_json: bool
) -> None:
    """Sum up JMeter's result files (JTL, CSV form) of any size.

    Several files are several workers' parts of one test. Percentiles are exact: nearest rank, over all rows.
    Transaction Controllers' rows count under their own names only. Columns and delimiter are found by the
    header; needed are timeStamp, elapsed, label and success. JSON has a stable schema, devperfops.io/jtl/v1.

    Exit code: 0 also when requests failed or became slower, since this is no verdict; 2 when a file cannot be
    read.
    """
    with analysis_extra():
        from devperfops_operator.cli.jtl import shown  # noqa: PLC0415  arrays are no part of the operator
    test = shown.read(files, apdex)
    before = shown.read(old, apdex) if old else None
    if as_json:
        shown.print_json(test, before)
    else:
        shown.print_screen(test, before, minutes=minutes)
