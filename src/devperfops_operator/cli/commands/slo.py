from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import click
import yaml

from devperfops_operator.api.openslo import to_yaml
from devperfops_operator.api.quantity import format_duration
from devperfops_operator.cli.console import show, stdout
from devperfops_operator.cli.discovery import SOURCES, look
from devperfops_operator.cli.errors import ExitCode, Trouble
from devperfops_operator.cli.options import Command, Duration
from devperfops_operator.cli.prometheus import Access, server_at, with_access
from devperfops_operator.cli.render.slo import check_screen, derive_screen
from devperfops_operator.cli.render.slo_json import checked, derived
from devperfops_operator.cli.render.slo_mermaid import mermaid
from devperfops_operator.cli.render.slo_svg import svg
from devperfops_operator.cli.slofiles import read_files
from devperfops_operator.domain.slo.check import check
from devperfops_operator.domain.slo.derive import derive, undivided
from devperfops_operator.domain.slo.discovery import discovered
from devperfops_operator.domain.slo.judged import Standing
from devperfops_operator.domain.slo.objectives import promises_of

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _files(command: Command) -> Command:
    return click.option(
        "-f",
        "--file",
        "files",
        metavar="FILE",
        multiple=True,
        required=True,
        type=_FILE,
        help="The ServiceGraph; again for OpenSLO documents (openslo/v1).",
    )(command)


def _output(*kinds: str) -> Callable[[Command], Command]:
    return click.option(
        "-o", "--output", type=click.Choice(kinds), default=kinds[0], show_default=True, help="In which form."
    )


@click.group("slo")
def command() -> None:
    """Check whether services' objectives add up to an SLA, offline.

    A ServiceGraph says who calls whom, what is known of each service, and what users were promised.
    """


@command.command("check")
@_files
@_output("text", "json")
def check_command(files: tuple[Path, ...], output: str) -> int:
    """Tell whether each SLA is guaranteed.

    Guaranteed: it follows from the hops' figures, whatever is slow or fails together. Contradicted: it does
    not hold when every hop just keeps its figures. Plausible: neither.

    Exit code: 0 nothing contradicted, 1 contradicted, 2 the files or their use are wrong.
    """
    read = read_files(files)
    found = check(read.figures)
    if output == "json":
        click.echo(json.dumps(checked(read.name, found), ensure_ascii=False, indent=2))
    else:
        show(stdout(), check_screen(read.figures, found))
    return int(any(each.standing is Standing.CONTRADICTED for each in found))


@command.command("derive")
@_files
@_output("text", "json", "openslo")
def derive_command(files: tuple[Path, ...], output: str) -> int:
    """Propose objectives that prove every SLA.

    Times and failures are in proportion to what was measured. -o openslo prints OpenSLO documents, which
    `check` reads again.

    Exit code: 0 derived, 2 the files are wrong, or tell too little of a hop.
    """
    read = read_files(files)
    shares, objectives = derive(read.figures)
    problems = [problem for share in shares if (problem := undivided(share))]
    if problems:
        raise Trouble("\n       ".join(problems))
    if output == "openslo":
        told = f"derived from the SLAs of the graph {read.name}"
        click.echo(to_yaml(promises_of(read.spec, objectives), told), nl=False)
    elif output == "json":
        click.echo(json.dumps(derived(read.name, shares, objectives), ensure_ascii=False, indent=2))
    else:
        show(stdout(), derive_screen(read.figures, shares, objectives))
    return ExitCode.PASS


@command.command("graph")
@_files
@_output("mermaid", "svg")
def graph_command(files: tuple[Path, ...], output: str) -> int:
    """Draw the graph with its SLAs and the hops that contradict them."""
    read = read_files(files)
    draw = svg if output == "svg" else mermaid
    click.echo(draw(read.figures.likely, check(read.figures)), nl=False)
    return ExitCode.PASS


@command.command("discover")
@click.option("--prometheus", "url", metavar="URL", required=True, help="Such as http://127.0.0.1:9090.")
@click.option(
    "--from",
    "source",
    type=click.Choice(list(SOURCES)),
    default="otel",
    show_default=True,
    help="OpenTelemetry's service graph (traces_service_graph_...), or Istio's requests.",
)
@click.option("--window", type=Duration(), default="1h", show_default=True, help="How far back.")
@click.option("--name", default="discovered", show_default=True, help="Of the graph.")
@click.option("--sla", metavar="EXPECT", multiple=True, required=True, help='Of its roots: "p99 < 2s".')
@with_access
def discover_command(
    *, url: str, source: str, window: timedelta, name: str, sla: tuple[str, ...], access: Access
) -> int:
    """Write a first graph from what Prometheus counts.

    Who calls whom and how often, how often a service fails, and which times it keeps. These hold its calls,
    too, so they are written as promises, which errs on the safe side. Retries, caches and what is parallel
    are not to be seen there: write them yourself.
    """
    server = server_at(url, access, "--prometheus")
    seen = look(server, SOURCES[source], format_duration(window))
    click.echo(yaml.safe_dump(discovered(seen, name, sla), sort_keys=False, allow_unicode=True), nl=False)
    return ExitCode.PASS
