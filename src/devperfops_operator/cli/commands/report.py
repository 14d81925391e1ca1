from __future__ import annotations

import json
from pathlib import Path

import click

from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.cli.cluster import RUNS, Cluster
from devperfops_operator.cli.console import clock, show, stdout, trimmed
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.cli.options import on_cluster
from devperfops_operator.cli.render.report import report_document
from devperfops_operator.cli.render.run import run_screen

_FILE_WIDTH = 110


@click.command("report")
@click.argument("run")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--output-file", type=click.Path(dir_okay=False, path_type=Path), help="Write to it.")
@on_cluster
def command(cluster: Cluster, run: str, output: str, output_file: Path | None) -> None:
    """Write a run's report.

    Text says what `describe` says. JSON has a stable schema, devperfops.io/report/v1. A run that has not
    ended is reported as it stands. Exit code 0 when the report could be written, whatever the verdict.
    """
    found = cluster.get(RUNS, run)
    if output_file is not None:
        _write(output_file, _as_json(found) if output == "json" else _as_text(found))
    elif output == "json":
        click.echo(_as_json(found), nl=False)
    else:
        show(stdout(), run_screen(found, clock()))


def _as_json(run: PerfRun) -> str:
    return json.dumps(report_document(run), indent=2, ensure_ascii=False) + "\n"


def _as_text(run: PerfRun) -> str:
    return trimmed(run_screen(run, clock()), width=_FILE_WIDTH)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Trouble(f"cannot write {file}: {error.strerror}.") from error
