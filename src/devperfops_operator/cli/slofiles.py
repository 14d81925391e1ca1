"""A ServiceGraph and OpenSLO documents in files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devperfops_operator.api import crd
from devperfops_operator.api.documents import Document, UnreadableError, read
from devperfops_operator.api.lint import NO_PLANS, Finding, Severity, lint, with_defaults
from devperfops_operator.api.openslo import promises
from devperfops_operator.api.servicegraph import ServiceGraph, ServiceGraphSpec
from devperfops_operator.cli.console import show, stderr
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.cli.render.findings import findings_text
from devperfops_operator.cli.render.words import counted
from devperfops_operator.domain.slo.figures import Figures, figures


@dataclass(frozen=True, slots=True)
class Read:
    """The only graph of the files, and its figures together with the OpenSLO documents'."""

    name: str
    spec: ServiceGraphSpec
    figures: Figures


def read_files(files: Sequence[Path]) -> Read:
    """Warnings go to stderr. Raises Trouble where something is wrong, after telling what and where."""
    texts = [(str(file), _text(file)) for file in files]
    wrong = lint(texts, NO_PLANS)
    _tell(wrong)
    documents = [document for text in texts for document in _documents(*text)]
    graphs = [each for each in documents if each.content.get("kind") == crd.GRAPH.kind]
    if len(graphs) != 1:
        raise Trouble(
            f"{', '.join(map(str, files))}: {counted(len(graphs), 'ServiceGraph')} where one is needed: "
            "name its file with -f, and those of OpenSLO documents beside it."
        )
    content = with_defaults(graphs[0].content, crd.GRAPH)
    spec = ServiceGraph.from_json(content).spec
    promised, findings = promises(documents)
    known = {service.name for service in spec.services}
    strangers = sorted({each.service for each in promised} - known)
    _tell(findings)
    if strangers:
        show(
            stderr(),
            f"warning: the graph has no service {', '.join(strangers)}: what OpenSLO documents promise of it "
            "is left out; correct spec.service there, or the graph",
        )
    return Read(content["metadata"]["name"], spec, figures(spec, promised))


def _tell(findings: Sequence[Finding]) -> None:
    if findings:
        show(stderr(), findings_text(sorted(findings)))
    errors = sum(each.severity is Severity.ERROR for each in findings)
    if errors:
        raise Trouble(f"{counted(errors, 'error')}; nothing was checked.")


def _documents(file: str, text: str) -> list[Document]:
    try:
        return list(read(file, text))
    except UnreadableError as error:  # told by `lint` before
        raise Trouble(f"cannot read {file}: {error}.") from error


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(f"cannot read {file}: {error}.") from error
