from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import click

from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.cli.cluster import RUNS, Cluster
from devperfops_operator.cli.console import clock, show, stdout, trimmed
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.cli.options import on_cluster
from devperfops_operator.cli.render.markdown import markdown
from devperfops_operator.cli.render.run import run_screen
from devperfops_operator.domain.report import report_document

_FILE_WIDTH = 110


@click.command("report")
@click.argument("run")
@click.option(
    "-o", "--output", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True
)
@click.option("--output-file", type=click.Path(dir_okay=False, path_type=Path), help="Write to it.")
@on_cluster
def command(cluster: Cluster, run: str, output: str, output_file: Path | None) -> None:
    """Write a run's report.

    Text says what `describe` says, Markdown likewise, for a pull request or a chat. JSON has a stable schema,
    devperfops.io/report/v1. A run that has not ended is reported as it stands. Exit code 0 when the report
    could be written, whatever the verdict.
    """
    found = cluster.get(RUNS, run)
    if output_file is not None:
        _write(output_file, _WRITTEN[output](found))
    elif output == "text":
        show(stdout(), run_screen(found, clock()))
    else:
        click.echo(_WRITTEN[output](found), nl=False)


def _as_json(run: PerfRun) -> str:
    return json.dumps(report_document(run), indent=2, ensure_ascii=False) + "\n"


def _as_text(run: PerfRun) -> str:
    return trimmed(run_screen(run, clock()), width=_FILE_WIDTH)


def _as_markdown(run: PerfRun) -> str:
    return markdown(run, clock())


_WRITTEN: Final[Mapping[str, Callable[[PerfRun], str]]] = {
    "text": _as_text,
    "json": _as_json,
    "markdown": _as_markdown,
}


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Trouble(f"cannot write {file}: {error.strerror}.") from error
