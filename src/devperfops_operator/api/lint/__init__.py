"""Checks manifests without a cluster: what the API server would refuse, and what it cannot see.

The CRDs' own schema and rules are the reference, so `lint` and the API server judge alike. Kinds that are not
ours are skipped, except the ConfigMaps that hold test plans, load profiles and SLOs.
"""

from __future__ import annotations

from collections.abc import Sequence

from devperfops_operator.api import crd
from devperfops_operator.api.documents import Document, UnreadableError, read
from devperfops_operator.api.finding import Finding, Problem, Severity, dotted, located
from devperfops_operator.api.graph_rules import graph_problems
from devperfops_operator.api.lint.outlook import disappointments, samples_to_pass
from devperfops_operator.api.lint.plans import NO_PLANS, PlanReader, config_maps, plan_findings
from devperfops_operator.api.lint.profiles import profile_findings
from devperfops_operator.api.lint.quotas import asked_by_gates, unmeasured, unreadable
from devperfops_operator.api.lint.schema import duplicates, schema_problems, with_defaults
from devperfops_operator.api.lint.slos import slo_findings

__all__ = [
    "NO_PLANS",
    "Finding",
    "PlanReader",
    "Severity",
    "dotted",
    "lint",
    "samples_to_pass",
    "with_defaults",
]


def lint(files: Sequence[tuple[str, str]], reader: PlanReader) -> list[Finding]:
    """Check all files together: `(name, text)` each, of any number of YAML documents.

    A gate's test plan, load profile, SLOs and quota policy are checked when they are among them.
    """
    documents: list[Document] = []
    findings: list[Finding] = []
    for file, text in files:
        try:
            documents.extend(read(file, text))
        except UnreadableError as error:
            findings.append(Finding(file, error.line, "", f"is not YAML: {error}"))
    given = config_maps(documents)
    asked = asked_by_gates(documents)
    for document in documents:
        problems = [*duplicates(document), *schema_problems(document)]
        if not problems and document.content.get("kind") == crd.GATE.kind:
            gate = with_defaults(document.content, crd.GATE)
            problems = list(disappointments(gate))
            findings.extend(plan_findings(document, gate, given, reader))
            findings.extend(profile_findings(document, gate, given))
            findings.extend(slo_findings(document, gate, given))
        if not problems and document.content.get("kind") == crd.POLICY.kind:
            problems = [*unreadable(document, asked), *unmeasured(document, documents)]
        if not problems and document.content.get("kind") == crd.GRAPH.kind:
            problems = [Problem(*each) for each in graph_problems(with_defaults(document.content, crd.GRAPH))]
        findings.extend(located(document, problem) for problem in problems)
    return sorted(set(findings))
