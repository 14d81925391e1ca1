"""Test plans that are among the files: read, and held against the gates that name them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from devperfops_operator.api.documents import Document, Path
from devperfops_operator.api.finding import Finding, Problem, Severity, located
from devperfops_operator.api.load import Load, properties_read

PlanProblems = Callable[[bytes, frozenset[str]], list[str]]
"""Takes a JMX and the properties it must read; returns what is wrong with it, as sentences."""

RecordedNames = Callable[[bytes], Mapping[str, int] | None]
"""Takes a sound JMX; returns the names of its results and how many kinds of element have each (see `jmx`)."""


@dataclass(frozen=True, slots=True)
class PlanReader:
    """What there is to know of a test plan."""

    problems: PlanProblems
    names: RecordedNames


NO_PLANS: Final = PlanReader(lambda *_: [], lambda *_: None)
"""For files without gates."""


def config_maps(documents: Sequence[Document]) -> dict[tuple[str, str], Document]:
    return {_key(document.content): document for document in documents if _is_config_map(document.content)}


def _is_config_map(content: Mapping[str, Any]) -> bool:
    return (
        content.get("apiVersion") == "v1"
        and content.get("kind") == "ConfigMap"
        and isinstance(content.get("metadata"), dict)
    )


def _key(content: Mapping[str, Any], name: str | None = None) -> tuple[str, str]:
    metadata = content["metadata"]
    return str(metadata.get("namespace", "")), name or str(metadata.get("name", ""))


def named_config_map(
    gate: Mapping[str, Any], source: Mapping[str, Any], found: Mapping[tuple[str, str], Document]
) -> Document | None:
    """The ConfigMap that a field of the gate names; None: it is not among the files."""
    return found.get(_key(gate, source["configMap"])) if "configMap" in source else None


def text_of(config_map: Document, source: Mapping[str, Any]) -> str | None:
    """The value of the key that a field of the gate names; None: there is none."""
    text = (config_map.content.get("data") or {}).get(source["key"])
    return text if isinstance(text, str) else None


def lacking(path: Path, config_map: Document, source: Mapping[str, Any]) -> Problem:
    """What to say of that. `path`: of the field."""
    keys = ", ".join(map(str, config_map.content.get("data") or {})) or "none"
    message = f"ConfigMap {source['configMap']} has no key {source['key']}: its keys are {keys}"
    return Problem((*path, "key"), message)


def plan_findings(
    document: Document,
    gate: Mapping[str, Any],
    found: Mapping[tuple[str, str], Document],
    reader: PlanReader,
) -> Iterator[Finding]:
    if "load" not in gate["spec"]:
        return
    path: Path = ("spec", "load", "jmeter", "plan")
    source = gate["spec"]["load"]["jmeter"]["plan"]
    config_map = named_config_map(gate, source, found)
    if config_map is None or "openAPI" in source:
        return
    plan = text_of(config_map, source)
    if plan is None:
        yield located(document, lacking(path, config_map, source))
        return
    problems = reader.problems(plan.encode(), properties_read(Load.from_json(gate["spec"]["load"])))
    for message in problems:
        yield located(config_map, Problem(("data", source["key"]), message))
    if not problems:
        names = reader.names(plan.encode())
        if names is not None:
            for problem in (*_transaction_problems(gate, names), *_label_problems(gate, names)):
                yield located(document, problem)


def _transaction_problems(gate: Mapping[str, Any], names: Mapping[str, int]) -> Iterator[Problem]:
    """Transactions the plan does not have, or has twice."""
    for index, objective in enumerate(gate["spec"]["objectives"]):
        transaction = objective.get("transaction")
        if transaction is None:
            continue
        path: Path = ("spec", "objectives", index, "transaction")
        found = names.get(transaction, 0)
        if not found:
            message = (
                f'the plan has no enabled sampler or Transaction Controller called "{transaction}", so there '
                f"will be nothing to judge: write one of its names, such as {_similar(transaction, names)}"
            )
            yield Problem(path, message, Severity.WARNING)
        elif found > 1:
            message = (
                f'the plan has a sampler and a Transaction Controller called "{transaction}", so its '
                "requests count twice: give one of them another name"
            )
            yield Problem(path, message, Severity.WARNING)


def _label_problems(gate: Mapping[str, Any], names: Mapping[str, int]) -> Iterator[Problem]:
    """Labels of the coverage that the plan does not have."""
    for index, each in enumerate((gate["spec"].get("coverage") or {}).get("labels") or ()):
        label = each["label"]
        if label not in names:
            message = (
                f'the plan has no enabled sampler called "{label}", so no request counts for '
                f"{each['endpoint']}: write one of its names, such as {_similar(label, names)}"
            )
            yield Problem(("spec", "coverage", "labels", index, "label"), message, Severity.WARNING)


def _similar(name: str, names: Mapping[str, int]) -> str:
    return ", ".join(get_close_matches(name, names, n=3) or sorted(names)[:10]) or "none"
