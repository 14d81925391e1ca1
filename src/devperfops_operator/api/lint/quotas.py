"""Quota policies that a gate names: what the command can read and an operator cannot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from devperfops_operator.api import crd
from devperfops_operator.api.documents import Document
from devperfops_operator.api.finding import Problem
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


def _namespace(document: Document) -> str | None:
    match document.content:
        case {"metadata": {"namespace": str(namespace)}}:
            return namespace
        case _:
            return None
