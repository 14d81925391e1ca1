from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import click

from devperfops_operator.cli.errors import ExitCode
from devperfops_operator.cli.quota.checking import checked, consumed_in
from devperfops_operator.cli.quota.options import FILE, policy_option
from devperfops_operator.cli.quota.policy import read_asked
from devperfops_operator.cli.quota.raising import Asked, Where, ask_for_more

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")


def _repository(_: click.Context, __: click.Parameter, value: str) -> str:
    if _REPOSITORY.fullmatch(value) is None:
        raise click.BadParameter(f'"{value}" is not OWNER/NAME')
    return value


def _path(_: click.Context, __: click.Parameter, value: str) -> str:
    if value.startswith("/") or ".." in value.split("/"):
        raise click.BadParameter(f'"{value}" is not a path in the repository, such as quotas/production.yaml')
    return value


@click.command("raise")
@policy_option(required=True)
@click.option(
    "--report", type=FILE, help="A run's report, as for check: what its requests took is asked for, too."
)
@click.option("--repository", required=True, metavar="OWNER/NAME", callback=_repository)
@click.option(
    "--path",
    required=True,
    callback=_path,
    help="The file in it that declares production's quota: QuotaLimits, or ResourceQuotas.",
)
@click.option("--base", help="The branch to change; by default the repository's own.")
@click.option(
    "--token-file",
    type=FILE,
    help="Holds GitHub's token (contents and pull requests, read and write); else GITHUB_TOKEN or GH_TOKEN.",
)
@click.option(
    "--api",
    envvar="GITHUB_API_URL",
    default="https://api.github.com",
    show_default=True,
    help="GitHub's address.",
)
@click.option("--dry-run", is_flag=True, help="Show the change; write nothing.")
def raise_command(
    *,
    files: tuple[Path, ...],
    report: Path | None,
    repository: str,
    path: str,
    base: str | None,
    token_file: Path | None,
    api: str,
    dry_run: bool,
) -> int:
    """Open a pull request that raises what production lacks.

    Checks the policy, and changes the values of a file in a GitHub repository to what would be enough.
    Whoever merges it decides; until it is applied, check goes on saying no. Asked again for the same, it
    finds the pull request that is there.

    Exit code: 0 nothing lacks, or all of it is asked for; 1 something lacks that the file does not declare; 2
    when something could not be read, or GitHub refuses.
    """
    shown = checked(read_asked(files), None, consumed_in(report))
    where = Where(api, repository, path, base, token_file)
    asked = ask_for_more(shown.policy, shown.report, where, dry=dry_run)
    _show_asked(asked, where)
    return ExitCode.FAIL if asked.left else ExitCode.PASS


def _show_asked(asked: Asked, where: Where) -> None:
    declared = asked.declared
    click.echo(asked.diff, nl=False)
    for each in declared.enough:
        click.echo(f"{each.title}: {where.path} declares enough already: apply it")
    for each in declared.missing:
        click.echo(f"{each.title}: {where.path} does not declare it: raise it by hand")
    for finding in asked.by_hand:
        click.echo(f"{finding.title}: no amount mends it: {finding.remedy or finding.cause}")
    if asked.pull is not None:
        click.echo(f"{'Opened' if asked.pull.new else 'Open already:'} {asked.pull.url}")
    elif not (declared.edits or declared.enough or asked.left):
        click.echo("Production lacks nothing.")
