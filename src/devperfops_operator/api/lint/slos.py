"""OpenSLO documents in ConfigMaps among the files, held against the objectives that refer to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from devperfops_operator.api.documents import Document, Path
from devperfops_operator.api.finding import Finding, Problem, located
from devperfops_operator.api.lint.plans import lacking, named_config_map, text_of
from devperfops_operator.api.objective import Objective
from devperfops_operator.api.slo_ref import SLORefError, limit


def slo_findings(
    document: Document, gate: Mapping[str, Any], found: Mapping[tuple[str, str], Document]
) -> Iterator[Finding]:
    """`found`: ConfigMaps, by namespace and name."""
    for index, raw in enumerate(gate["spec"]["objectives"]):
        source = raw.get("sloRef")
        config_map = named_config_map(gate, source, found) if source is not None else None
        if config_map is not None:
            path: Path = ("spec", "objectives", index, "sloRef")
            problem = _problem(path, Objective.from_json(raw), config_map, source)
            if problem is not None:
                yield located(document, problem)


def _problem(
    path: Path, objective: Objective, config_map: Document, source: Mapping[str, Any]
) -> Problem | None:
    text = text_of(config_map, source)
    if text is None:
        return lacking(path, config_map, source)
    if objective.slo_ref is None:
        return None
    try:
        limit(objective, objective.slo_ref, source["key"], text)
    except SLORefError as error:
        return Problem(path, str(error))
    return None
