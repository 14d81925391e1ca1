"""`lint`'s findings, one a line, as compilers write them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from devperfops_operator.api.lint import Finding, Severity
from devperfops_operator.cli.render.words import plain


def findings_text(findings: Iterable[Finding]) -> Text:
    return Text("\n").join(map(_line, findings))


def _line(finding: Finding) -> Text:
    style = "bold red" if finding.severity is Severity.ERROR else "yellow"
    field = f"{finding.path}: " if finding.path else ""
    return Text.assemble(
        (f"{finding.file}:{finding.line}: ", "bold"),
        (f"{finding.severity}: ", style),
        plain(f"{field}{finding.message}"),
    )
