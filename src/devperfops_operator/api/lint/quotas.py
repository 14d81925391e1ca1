"""Quota policies that a gate names: what the command can read and an operator cannot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from devperfops_operator.api import crd
from devperfops_operator.api.documents import Document
from devperfops_operator.api.finding import Problem, Severity
from devperfops_operator.api.quota import QuotaPolicy
from devperfops_operator.api.quota_sources import not_for_operators

Name = tuple[str | None, str]
"""Namespace, which is the user's own where none is written, and name."""


def asked_by_gates(documents: Iterable[Document]) -> frozenset[Name]:
    """The policies that gates name."""
    return frozenset(filter(None, map(_asked, documents)))


def _asked(document: Document) -> Name | None:
    """None: it is no gate, names none, or is not sound, which is told elsewhere."""
    match document.content:
        case {"kind": crd.GATE.kind, "spec": {"quota": {"policy": str(policy)}}}:
            return _namespace(document), policy
        case _:
            return None


def unreadable(document: Document, asked: frozenset[Name]) -> Iterator[Problem]:
    """Of a sound policy."""
    policy = QuotaPolicy.model_validate(document.content)
    if (_namespace(document), policy.metadata.name) not in asked:
        return
    for field, environment in (("baseline", policy.spec.baseline), ("serving", policy.spec.serving)):
        problem = not_for_operators(environment)
        if problem is not None:
            yield Problem(("spec", field), problem)
    if policy.spec.config_map is None:
        yield Problem(("spec",), "a gate names it: write configMap, the ConfigMap that has its files as keys")


def unmeasured(document: Document, documents: Iterable[Document]) -> Iterator[Problem]:
    """Of a sound policy that wants consumption: gates whose runs cannot measure it."""
    consumption = QuotaPolicy.model_validate(document.content).spec.consumption
    if consumption is None:
        return
    named = (_namespace(document), document.content["metadata"]["name"])
    for gate in documents:
        if _asked(gate) != named:
            continue
        name, spec = gate.content["metadata"]["name"], gate.content["spec"]
        for missing in _missing(spec, counted=consumption.requests is not None):
            told = (
                f"gate {name} asks this policy, and its runs will not measure what requests take: {missing}"
            )
            yield Problem(("spec", "consumption"), told, Severity.WARNING)


def _missing(spec: Mapping[str, Any], *, counted: bool) -> Iterator[str]:
    if spec.get("prometheus") is None:
        yield "write prometheus in the gate"
    if spec.get("load") is None and not counted:
        yield "it has no load, so write consumption.requests, the counter of its users' requests"


def _namespace(document: Document) -> str | None:
    match document.content:
        case {"metadata": {"namespace": str(namespace)}}:
            return namespace
        case _:
            return None
