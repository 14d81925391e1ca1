from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import click

from devperfops_operator.cli.console import show, stdout, unfolded
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.cli.options import Duration
from devperfops_operator.cli.render.scenario import check_screen, plan_json, plan_screen
from devperfops_operator.cli.scenario.check import Check
from devperfops_operator.cli.scenario.production import looks, wanted, with_think_times
from devperfops_operator.cli.scenario.source import columns_of, open_document, open_overlay
from devperfops_operator.scenario.chains import plan as made_plan
from devperfops_operator.scenario.errors import DocumentError
from devperfops_operator.scenario.jmx import jmx
from devperfops_operator.scenario.plan import USUAL, Plan

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
@click.option(
    "--follow",
    metavar="URL",
    multiple=True,
    help="A server, beside the document's own, that its references may lead to.",
)
@click.option("--data", type=_FILE, metavar="CSV", help="Values for ids that no operation brings, by column.")
@click.option("--seed", default=1, show_default=True, help="Of made values.")
@click.option("--check", "address", metavar="URL", help="Ask each operation once at this address.")
@click.option("--secrets", type=_FILE, metavar="FILE", help="name=value lines: the properties --check needs.")
@click.option(
    "--profile", type=_FILE, metavar="FILE", help="A LoadProfile: play the mix and rate of its busiest hour."
)
@click.option("--season", metavar="NAME", help="Of the profile: at its busiest hour instead.")
@click.option(
    "--scale",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Times that rate.",
)
@click.option(
    "--stall", type=Duration(), default="10s", show_default=True, help="Threads for so long without answers."
)
@click.option("--accept-doubts", is_flag=True, help="Take a profile that is thin or stale.")
@click.option(
    "--shaped", is_flag=True, help="For a gate with load.shape: the rate changes as the property Shape says."
)
@click.option("--json", "as_json", is_flag=True, help="The table as JSON.")
def command(
    *,
    source: str,
    output: Path | None,
    overlay: Path | None,
    follow: tuple[str, ...],
    data: Path | None,
    seed: int,
    address: str | None,
    secrets: Path | None,
    profile: Path | None,
    season: str | None,
    scale: float,
    stall: timedelta,
    accept_doubts: bool,
    shaped: bool,
    as_json: bool,
) -> int:
    """Make a test plan from an OpenAPI document.

    Takes OpenAPI 3.1, 3.0 and Swagger 2.0, as JSON or YAML. Shows which operations are played and where their
    ids come from, and which are left out and why. The same document, overlay, data columns and seed give the
    same plan. Nothing is changed or deleted that the plan did not create.

    Exit code: 0 made, 1 an operation did not answer --check with success, 2 the input cannot be used.
    """
    document = open_document(source, follow)
    asked = None
    if profile is not None:
        asked = wanted(profile, document, season, scale, stall, accept=accept_doubts)
    by_hand = open_overlay(overlay)
    with _telling(source, overlay):
        plan = made_plan(
            document,
            by_hand if asked is None else with_think_times(by_hand, asked),
            columns=columns_of(data),
            seed=seed,
            rates=asked.matched.rates if asked is not None else None,
        )
    found = looks(plan, asked) if asked is not None else None
    if output is not None:
        load = found.load if found is not None else USUAL
        _write(output, jmx(plan, data.name if data else "scenario.csv", load, shaped=shaped))
    if address is not None:
        return _check(plan, address, data, secrets)
    if as_json:
        click.echo(json.dumps(plan_json(plan, found), indent=2))
    else:
        show(unfolded(stdout()), plan_screen(plan, found))
    return 0


@contextmanager
def _telling(source: str, overlay: Path | None) -> Iterator[None]:
    """What is wrong with a document, as a sentence."""
    try:
        yield
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
