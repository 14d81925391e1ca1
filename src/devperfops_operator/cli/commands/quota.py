from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from devperfops_operator.cli.commands.quota_raise import raise_command
from devperfops_operator.cli.console import clock, show, stdout
from devperfops_operator.cli.errors import ExitCode
from devperfops_operator.cli.quota.checking import checked, consumed_in
from devperfops_operator.cli.quota.options import FILE, policy_option
from devperfops_operator.cli.quota.policy import read_asked
from devperfops_operator.cli.quota.snapshots import read_snapshot, take_snapshot, write_snapshot
from devperfops_operator.cli.render.quota.changes import changes_document, changes_screen
from devperfops_operator.cli.render.quota.document import document
from devperfops_operator.cli.render.quota.junit import junit
from devperfops_operator.cli.render.quota.markdown import markdown
from devperfops_operator.cli.render.quota.sarif import sarif
from devperfops_operator.cli.render.quota.screen import screen
from devperfops_operator.cli.render.quota.shown import Shown
from devperfops_operator.cli.render.words import counted
from devperfops_operator.domain.quota.finding import Verdict
from devperfops_operator.domain.quota.snapshot import changes

_NEW = click.Path(dir_okay=False, path_type=Path)
_TEXTS: Final[dict[str, Callable[[Shown], str]]] = {
    "markdown": markdown,
    "json": lambda shown: _json(document(shown)),
    "junit": junit,
    "sarif": lambda shown: _json(sarif(shown)),
}
"""By the word for `-o`; text is no text but a screen."""


@click.group("quota")
def command() -> None:
    """Compare what load test and production are granted.

    A green load test with more quota than production proves nothing. No cluster of ours and no operator is
    needed: a QuotaPolicy says where the limits of both environments are told.
    """


@command.command("check")
@policy_option(required=True)
@click.option("--snapshot", type=FILE, help="The last approved one: production must not have less than then.")
@click.option(
    "--report",
    type=FILE,
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
    shown = checked(read_asked(files), snapshot, consumed_in(report))
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
@policy_option(required=True)
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
@click.argument("old", metavar="OLD", type=FILE)
@click.argument("new", metavar="[NEW]", type=FILE, required=False)
@policy_option(required=False)
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


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


command.add_command(raise_command)
