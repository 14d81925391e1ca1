"""The CustomResourceDefinitions, made from the models.

python -m devperfops_operator.api.crd            writes crds/*.yaml
python -m devperfops_operator.api.crd --check    fails if they are not what the models say
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from devperfops_operator.api.base import GROUP, VERSION, ApiModel
from devperfops_operator.api.perfgate import PerfGate, PerfGateSpec, PerfGateStatus
from devperfops_operator.api.perfrun import PerfRun, PerfRunSpec, PerfRunStatus
from devperfops_operator.api.quota import QuotaPolicy, QuotaPolicySpec, QuotaWaiver, QuotaWaiverSpec
from devperfops_operator.api.quota_status import QuotaPolicyStatus
from devperfops_operator.api.ruled import Ruled
from devperfops_operator.api.rules import VALIDATIONS, Rule
from devperfops_operator.api.servicegraph import ServiceGraph, ServiceGraphSpec

_HEADER: Final = "# Made by `python -m devperfops_operator.api.crd` from the models; change those.\n"
_KEPT: Final = (
    "description",
    "type",
    "format",
    "default",
    "enum",
    "minimum",
    "maximum",
    "maxLength",
    "maxItems",
    "maxProperties",
    "required",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    VALIDATIONS,
)


@dataclass(frozen=True, slots=True)
class Column:
    """A printer column. `priority` 1: with `-o wide` only."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of document."""

    model: type[Ruled]
    spec: type[Ruled]
    kind: str


@dataclass(frozen=True, slots=True)
class Resource(Kind):
    """A kind the API server keeps, and what it must know of it. `status`: None where nobody writes one."""

    status: type[ApiModel] | None
    short: str
    columns: tuple[Column, ...]
    plural: str

    @property
    def name(self) -> str:
        return f"{self.plural}.{GROUP}"

    @property
    def file(self) -> str:
        return f"{GROUP}_{self.plural}.yaml"


def _condition(name: str, field: str) -> str:
    return f'.status.conditions[?(@.type=="{name}")].{field}'


_AGE: Final = Column("Age", ".metadata.creationTimestamp", type="date")
GATE: Final = Resource(
    model=PerfGate,
    spec=PerfGateSpec,
    status=PerfGateStatus,
    kind="PerfGate",
    plural="perfgates",
    short="pgate",
    columns=(
        Column("Target", ".spec.targetRef.name"),
        Column("Passed", _condition("Passed", "status")),
        Column("Reason", _condition("Passed", "reason")),
        Column("Known-good", ".status.knownGood"),
        Column("Last run", ".status.lastRunAt", type="date"),
        _AGE,
        Column("Ready", _condition("Ready", "status"), priority=1),
        Column("Message", _condition("Ready", "message"), priority=1),
    ),
)
RUN: Final = Resource(
    model=PerfRun,
    spec=PerfRunSpec,
    status=PerfRunStatus,
    kind="PerfRun",
    plural="perfruns",
    short="prun",
    columns=(
        Column("Gate", ".spec.gate"),
        Column("Phase", ".status.phase"),
        Column("Verdict", ".status.verdict"),
        Column("Reason", ".status.reason"),
        Column("Revision", ".status.revision"),
        _AGE,
        Column("Action", ".status.action.type", priority=1),
        Column("Message", ".status.message", priority=1),
    ),
)
POLICY: Final = Resource(
    model=QuotaPolicy,
    spec=QuotaPolicySpec,
    status=QuotaPolicyStatus,
    kind="QuotaPolicy",
    plural="quotapolicies",
    short="qpol",
    columns=(
        Column("Mode", ".spec.mode"),
        Column("Passed", _condition("Passed", "status")),
        Column("Reason", _condition("Passed", "reason")),
        Column("Headroom", ".status.headroom"),
        Column("Worst", ".status.worst.metric"),
        _AGE,
        Column("Message", _condition("Passed", "message"), priority=1),
    ),
)
WAIVER: Final = Resource(
    model=QuotaWaiver,
    spec=QuotaWaiverSpec,
    status=None,
    kind="QuotaWaiver",
    plural="quotawaivers",
    short="qwaiver",
    columns=(
        Column("Service", ".spec.service"),
        Column("Metric", ".spec.metric"),
        Column("Approver", ".spec.approver"),
        Column("Expires", ".spec.expires"),
        _AGE,
        Column("Why", ".spec.reason", priority=1),
    ),
)
RESOURCES: Final = (GATE, RUN, POLICY, WAIVER)
GRAPH: Final = Kind(model=ServiceGraph, spec=ServiceGraphSpec, kind="ServiceGraph")
KINDS: Final[tuple[Kind, ...]] = (*RESOURCES, GRAPH)
"""All kinds of documents; a graph is read from files only."""


@cache
def schema(kind: Kind) -> dict[str, Any]:
    """The kind's structural schema; its rules are `Rule` objects still (`lint` runs them)."""
    properties = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        "spec": _structural_model(kind.spec),
    }
    if isinstance(kind, Resource) and kind.status is not None:
        properties["status"] = _without_defaults(_structural_model(kind.status))
    root: dict[str, Any] = {
        "description": kind.model.__doc__,
        "type": "object",
        "required": ["spec"],
        "properties": properties,
    }
    return {**root, VALIDATIONS: list(kind.model.validations)}


def definition(resource: Resource) -> dict[str, Any]:
    """The CustomResourceDefinition as a JSON document."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": resource.name},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": resource.kind,
                "listKind": f"{resource.kind}List",
                "plural": resource.plural,
                "singular": resource.kind.lower(),
                "shortNames": [resource.short],
                "categories": ["perf"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    **({"subresources": {"status": {}}} if resource.status is not None else {}),
                    "additionalPrinterColumns": [_column(column) for column in resource.columns],
                    "schema": {"openAPIV3Schema": _plain(schema(resource))},
                }
            ],
        },
    }


def to_yaml(resource: Resource) -> str:
    """The file in `crds/`."""
    return _HEADER + yaml.dump(
        definition(resource), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110
    )


class _Dumper(yaml.SafeDumper):
    """Writes texts with quotes, which is all CEL, as they are."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "'" in text else None)


_Dumper.add_representer(str, _text)


def _column(column: Column) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": column.name, "type": column.type, "jsonPath": column.path}
    return entry | ({"priority": column.priority} if column.priority else {})


def _structural_model(model: type[Ruled]) -> dict[str, Any]:
    raw = model.model_json_schema(by_alias=True)
    return _structural(raw, raw.get("$defs", {}))


def _structural(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """JSON schema as Kubernetes takes it: no `$ref`, no `anyOf`, every map of fields closed."""
    flat = _flattened(node, definitions)
    result = {key: flat[key] for key in _KEPT if flat.get(key) is not None}
    if isinstance(flat.get("default"), dict):
        result["default"] = {name: value for name, value in flat["default"].items() if value is not None}
    if "description" in result:
        result["description"] = " ".join(result["description"].split())
    if "properties" in flat:
        result["properties"] = {
            name: _structural(inner, definitions) for name, inner in flat["properties"].items()
        }
    for inner in ("items", "additionalProperties"):
        if isinstance(flat.get(inner), Mapping):
            result[inner] = _structural(flat[inner], definitions)
    if flat.get("x-kubernetes-int-or-string"):
        result["x-kubernetes-int-or-string"] = True
    return result


def _flattened(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """References resolved (what stands beside one wins), `X | None` is X, `str | int` is int-or-string."""
    flat = dict(node)
    if "$ref" in flat:
        referred = definitions[flat.pop("$ref").rpartition("/")[2]]
        flat = {**referred, **flat}
    if "const" in flat:
        flat["enum"] = [flat.pop("const")]
    choices = [choice for choice in flat.pop("anyOf", ()) if choice.get("type") != "null"]
    if len(choices) == 1:
        return {**_flattened(choices[0], definitions), **flat}
    if choices:
        if {choice.get("type") for choice in choices} != {"string", "integer"}:
            raise TypeError(f"no structural schema for {choices}: write one type, or `str | int`")
        text = next(choice for choice in choices if choice["type"] == "string")
        return {**text, **flat, "type": None, "x-kubernetes-int-or-string": True}
    return flat


def _without_defaults(node: Mapping[str, Any]) -> dict[str, Any]:
    """The status is written whole by the operator: the API server has nothing to fill in."""
    result = {key: value for key, value in node.items() if key != "default"}
    if "properties" in node:
        result["properties"] = {name: _without_defaults(inner) for name, inner in node["properties"].items()}
    if "items" in node:
        result["items"] = _without_defaults(node["items"])
    return result


def _plain(value: Any) -> Any:
    match value:
        case Rule():
            return value.to_json()
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case _:
            return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the CRDs, or compare them. Returns 1 if `--check` finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m devperfops_operator.api.crd", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file differs")
    parser.add_argument("directory", nargs="?", type=Path, default=Path("crds"), help="default: crds")
    options = parser.parse_args(arguments)
    wanted = {options.directory / resource.file: to_yaml(resource) for resource in RESOURCES}
    if not options.check:
        for path, text in wanted.items():
            path.write_text(text, encoding="utf-8")
        return 0
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        sys.stderr.write(f"{path} is not what the models say: run python -m devperfops_operator.api.crd\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
