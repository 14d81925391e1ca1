from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from devperfops_operator.cli.console import clock, show, stdout
from devperfops_operator.cli.errors import ExitCode, Trouble
from devperfops_operator.cli.options import Command
from devperfops_operator.cli.quota.consumption import taken_by
from devperfops_operator.cli.quota.environments import readings
from devperfops_operator.cli.quota.policy import Asked, read_asked
from devperfops_operator.cli.quota.snapshots import read_snapshot, take_snapshot, write_snapshot
from devperfops_operator.cli.render.quota.changes import changes_document, changes_screen
from devperfops_operator.cli.render.quota.document import document
from devperfops_operator.cli.render.quota.junit import junit
from devperfops_operator.cli.render.quota.markdown import markdown
from devperfops_operator.cli.render.quota.sarif import sarif
from devperfops_operator.cli.render.quota.screen import screen
from devperfops_operator.cli.render.quota.shown import Shown
from devperfops_operator.cli.render.words import counted
from devperfops_operator.domain.quota.check import Observed, check
from devperfops_operator.domain.quota.consumption import Consumed
from devperfops_operator.domain.quota.entry import Reading
from devperfops_operator.domain.quota.finding import Verdict
from devperfops_operator.domain.quota.snapshot import changes

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW = click.Path(dir_okay=False, path_type=Path)
_TEXTS: Final[dict[str, Callable[[Shown], str]]] = {
    "markdown": markdown,
    "json": lambda shown: _json(document(shown)),
    "junit": junit,
    "sarif": lambda shown: _json(sarif(shown)),
}
"""By the word for `-o`; text is no text but a screen."""


def _policy_option(*, required: bool) -> Callable[[Command], Command]:
    return click.option(
        "-f",
        "--file",
        "files",
        metavar="FILE",
        type=_FILE,
        multiple=True,
        required=required,
        help="The QuotaPolicy; QuotaWaivers in it or in further files.",
    )


@click.group("quota")
def command() -> None:
    """Compare what load test and production are granted.

    A green load test with more quota than production proves nothing. No cluster of ours and no operator is
    needed: a QuotaPolicy says where the limits of both environments are told.
    """


@command.command("check")
@_policy_option(required=True)
@click.option(
    "--snapshot", type=_FILE, help="The last approved one: production must not have less than then."
)
@click.option(
    "--report",
    type=_FILE,
    help="A run's report (devperfops report RUN -o json): what its requests took, for spec.consumption.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", *_TEXTS]),
    default="text",
    show_default=True,
)
@click.option("--all", "everything", is_flag=True, help="Show what passes, too (text).")
def check_command(
    *, files: tuple[Path, ...], snapshot: Path | None, report: Path | None, output: str, everything: bool
) -> int:
    """Check that production grants what is asked of it.

    Exit code: 0 pass, 1 a regression (mode Enforce), 2 when something could not be read or a file is wrong:
    that is neither a pass nor a regression.
    """
    consumed = Consumed(gap="no report of a run was given: --report") if report is None else taken_by(report)
    shown = _checked(read_asked(files), snapshot, consumed)
    if output == "text":
        show(stdout(), screen(shown, clock(), everything=everything))
    else:
        click.echo(_TEXTS[output](shown), nl=False)
    match shown.report.verdict:
        case Verdict.ERROR:
            return ExitCode.ERROR
        case Verdict.REGRESSION if shown.blocks:
            return ExitCode.FAIL
        case _:
            return ExitCode.PASS


@command.command("snapshot")
@_policy_option(required=True)
@click.argument("to", metavar="SNAPSHOT", type=_NEW)
def snapshot_command(*, files: tuple[Path, ...], to: Path) -> None:
    """Write down what both environments are granted now.

    The file is to be kept beside the policy, and approved like any other change: `check --snapshot` tells
    when production has less than then. It has a digest, by which a change by hand is found.
    """
    taken = take_snapshot(read_asked(files), datetime.now(UTC))
    digest = write_snapshot(taken, to)
    told = ", ".join(
        f"{counted(len(reading.entries), 'limit')} of {reading.name}"
        for reading in (taken.baseline, taken.serving)
    )
    click.echo(f"{to}: {told}; {digest}")


@command.command("diff")
@click.argument("old", metavar="OLD", type=_FILE)
@click.argument("new", metavar="[NEW]", type=_FILE, required=False)
@_policy_option(required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def diff_command(*, old: Path, new: Path | None, files: tuple[Path, ...], as_json: bool) -> int:
    """Tell what changed since a snapshot.

    Compares with another snapshot, or with what a policy's environments are granted now (-f).

    Exit code: 0 production has nothing less, 1 it has, 2 when a file or an environment cannot be read.
    Estimates are shown, and count for none of it.
    """
    if (new is None) == (not files):
        raise click.UsageError("give a second snapshot, or a policy with -f: one of both")
    before = read_snapshot(old)
    after = read_snapshot(new) if new else take_snapshot(read_asked(files), datetime.now(UTC))
    serving = list(changes(before.serving, after.serving))
    found = [*changes(before.baseline, after.baseline), *serving]
    if as_json:
        click.echo(_json(changes_document(found)), nl=False)
    else:
        show(stdout(), changes_screen(found))
    less = any(change.lower and not change.entry.estimate for change in serving)
    return ExitCode.FAIL if less else ExitCode.PASS


def _checked(asked: Asked, snapshot: Path | None, consumed: Consumed) -> Shown:
    now = datetime.now(UTC)
    spec = asked.policy.spec
    approved = _approved(snapshot, asked) if snapshot else None
    peaks = asked.peaks()
    baseline, serving = readings(asked, now)
    observed = Observed(baseline, serving, peaks, approved, asked.waivers, consumed)
    return Shown(
        policy=asked.policy.metadata.name,
        file=str(asked.file),
        mode=spec.mode,
        baseline=spec.baseline.name,
        serving=spec.serving.name,
        at=now,
        report=check(asked.terms, observed, now),
    )


def _approved(file: Path, asked: Asked) -> Reading:
    """Serving in the snapshot. Raises Trouble if it is of another environment."""
    taken = read_snapshot(file)
    wanted = asked.policy.spec.serving.name
    if taken.serving.name != wanted:
        raise Trouble(
            f"{file} is a snapshot of {taken.serving.name}, not of {wanted}; take one of this policy."
        )
    return taken.serving


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
