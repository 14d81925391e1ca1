from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click

from devperfops_operator.api.lint import Finding, PlanReader, Severity, lint
from devperfops_operator.cli.console import show, stdout
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.cli.render.findings import findings_text
from devperfops_operator.cli.render.words import counted
from devperfops_operator.wire.jmx import problems, recorded_names

_ALWAYS_READ: Final = frozenset({"NumOfThreads", "Duration", "ServerName"})
"""The properties any test plan must read; a gate with a ramp or a rate needs more of them."""

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("lint")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE)
def command(files: tuple[Path, ...]) -> int:
    """Check manifests and test plans, offline.

    Takes YAML and JSON manifests, and JMeter plans (*.jmx). A gate is checked as the API server would, and
    together with its plan's ConfigMap when that is among the files. Other kinds are skipped.

    Exit code: 0 clean or warnings only, 1 errors, 2 usage.
    """
    plans = [file for file in files if file.suffix == ".jmx"]
    manifests = [file for file in files if file.suffix != ".jmx"]
    found = sorted([*_manifest_findings(manifests), *_plan_findings(plans)])
    if found:
        show(stdout(), findings_text(found))
    errors = sum(each.severity is Severity.ERROR for each in found)
    warnings = len(found) - errors
    summary = f"{counted(len(files), 'file')}: {counted(errors, 'error')}, {counted(warnings, 'warning')}"
    click.echo(summary, err=True)
    return 1 if errors else 0


def _manifest_findings(files: Sequence[Path]) -> Iterator[Finding]:
    texts: list[tuple[str, str]] = []
    for file in files:
        try:
            texts.append((str(file), _content(file).decode()))
        except UnicodeDecodeError as error:
            message = f"is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8"
            yield Finding(str(file), 1, "", message)
    yield from lint(texts, PlanReader(problems, recorded_names))


def _plan_findings(files: Sequence[Path]) -> Iterator[Finding]:
    for file in files:
        for message in problems(_content(file), _ALWAYS_READ):
            yield Finding(str(file), 1, "", message)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Trouble(f"cannot read {file}: {error.strerror}.") from error
