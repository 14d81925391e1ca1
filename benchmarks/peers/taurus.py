"""What Taurus' JMeter would send for a converted document (`swagger2yaml --json`)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.peers.jmeter import evaluated
from benchmarks.peers.request import Request


def requests(plan: Path) -> list[Request]:
    """Of one user who goes through all scenarios once."""
    root = json.loads(plan.read_text(encoding="utf-8"))
    shared = _texts(root.get("settings", {}).get("env", {}))
    return [
        request for scenario in root.get("scenarios", {}).values() for request in _of(scenario, dict(shared))
    ]


def _of(scenario: Mapping[str, Any], variables: dict[str, str]) -> Iterator[Request]:
    variables |= _texts(scenario.get("variables", {}))
    for each in scenario.get("requests", []):
        headers = {
            name: evaluated(value, variables)
            for name, value in {
                **_texts(scenario.get("headers", {})),
                **_texts(each.get("headers", {})),
            }.items()
        }
        fields, body = _content(each.get("body"), headers, variables)
        address = evaluated(str(each["url"]), variables)
        yield Request.of(each.get("method", "GET"), address, headers, fields, body)


def _content(
    body: Any, headers: Mapping[str, str], variables: dict[str, str]
) -> tuple[list[tuple[str, str]], str | None]:
    """A mapping is a form, unless a header says that it is JSON."""
    if not isinstance(body, dict):
        return [], None if body is None else evaluated(str(body), variables)
    if any(name.lower() == "content-type" and "json" in value for name, value in headers.items()):
        return [], json.dumps(body)
    return [(name, evaluated(value, variables)) for name, value in _texts(body).items()], None


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}
