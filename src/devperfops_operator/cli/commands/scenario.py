from __future__ import annotations

import csv
import json
from pathlib import Path

import click

from devperfops_operator.cli.console import show, stdout, unfolded
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.cli.render.scenario import check_screen, plan_json, plan_screen
from devperfops_operator.cli.scenario.check import Check
from devperfops_operator.cli.scenario.source import columns_of, open_document, open_overlay
from devperfops_operator.scenario.chains import plan as made_plan
from devperfops_operator.scenario.errors import DocumentError
from devperfops_operator.scenario.jmx import jmx
from devperfops_operator.scenario.plan import Plan

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("scenario")
@click.argument("source", metavar="FILE|URL")
@click.option(
    "-o",
    "--output",
    metavar="JMX",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the test plan.",
)
@click.option(
    "--overlay", type=_FILE, metavar="FILE", help="What you add by hand: weights, values, excludes."
)
@click.option("--data", type=_FILE, metavar="CSV", help="Values for ids that no operation brings, by column.")
@click.option("--seed", default=1, show_default=True, help="Of made values.")
@click.option("--check", "address", metavar="URL", help="Ask each operation once at this address.")
@click.option("--secrets", type=_FILE, metavar="FILE", help="name=value lines: the properties --check needs.")
@click.option("--json", "as_json", is_flag=True, help="The table as JSON.")
def command(
    *,
    source: str,
    output: Path | None,
    overlay: Path | None,
    data: Path | None,
    seed: int,
    address: str | None,
    secrets: Path | None,
    as_json: bool,
) -> int:
    """Make a test plan from an OpenAPI document.

    Takes OpenAPI 3.1, 3.0 and Swagger 2.0, as JSON or YAML. Shows which operations are played and where their
    ids come from, and which are left out and why. The same document, overlay, data columns and seed give the
    same plan. Nothing is changed or deleted that the plan did not create.

    Exit code: 0 made, 1 an operation did not answer --check as documented, 2 the input cannot be used.
    """
    plan = _plan(source, overlay, data, seed)
    if output is not None:
        _write(output, jmx(plan, data.name if data else "scenario.csv"))
    if address is not None:
        return _check(plan, address, data, secrets)
    if as_json:
        click.echo(json.dumps(plan_json(plan), indent=2))
    else:
        show(unfolded(stdout()), plan_screen(plan))
    return 0


def _plan(source: str, overlay: Path | None, data: Path | None, seed: int) -> Plan:
    document = open_document(source)
    try:
        return made_plan(document, open_overlay(overlay), columns=columns_of(data), seed=seed)
    except DocumentError as error:
        raise Trouble(f"{overlay or source}: {error}.") from error
    except RecursionError as error:
        raise Trouble(f"{source}: is nested too deeply.") from error


def _check(plan: Plan, address: str, data: Path | None, secrets: Path | None) -> int:
    check = Check(address, _properties(secrets), _first_row(data))
    answers = list(check.answers(plan))
    show(unfolded(stdout()), check_screen(answers))
    return 0 if all(each.good for each in answers) else 1


def _first_row(data: Path | None) -> dict[str, str]:
    if data is None:
        return {}
    with data.open(encoding="utf-8-sig", newline="") as file:
        return dict(next(csv.DictReader(file)))


def _properties(file: Path | None) -> dict[str, str]:
    """As JMeter's own property files, without their escapes."""
    if file is None:
        return {}
    lines = [line.strip() for line in file.read_text().splitlines()]
    pairs = (line.partition("=") for line in lines if line and not line.startswith(("#", "!")))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise Trouble(f"cannot write {file}: {error.strerror}.") from error
