from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from devperfops_operator.api import crd
from devperfops_operator.api.crd import RESOURCES, Resource
from hack.cluster.settings import CHECKOUT

resources = pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.kind)


def nodes(resource: Resource) -> Iterator[tuple[str, dict[str, Any]]]:
    version = crd.definition(resource)["spec"]["versions"][0]
    return below(resource.kind, version["schema"]["openAPIV3Schema"])


def below(path: str, node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, node
    for name, inner in node.get("properties", {}).items():
        yield from below(f"{path}.{name}", inner)
    if "items" in node:
        yield from below(f"{path}[]", node["items"])


def test_the_files_are_what_the_models_say() -> None:
    assert crd.main(["--check", str(CHECKOUT / "crds")]) == 0


def test_a_stale_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert crd.main([str(tmp_path)]) == 0
    assert crd.main(["--check", str(tmp_path)]) == 0
    stale = tmp_path / "devperfops.io_perfruns.yaml"
    stale.write_text(stale.read_text().replace("Superseded", "Overtaken"))

    assert crd.main(["--check", str(tmp_path)]) == 1
    assert (
        f"{stale} is not what the models say: run python -m devperfops_operator.api.crd"
        in capsys.readouterr().err
    )


@resources
def test_the_yaml_says_what_the_definition_says(resource: Resource) -> None:
    assert yaml.safe_load(crd.to_yaml(resource)) == crd.definition(resource)


FLOATS = {
    "PerfGate.spec.load.profile.scale",
    "PerfGate.spec.load.shape.spike.factor",
    "PerfGate.spec.load.shape.stress.factor",
}
"""What people write as they say it, and nobody compares."""


@resources
def test_the_schema_is_structural_and_has_no_floats(resource: Resource) -> None:
    for path, node in nodes(resource):
        if path in FLOATS:
            assert node["type"] == "number"
            continue
        assert node.get("type") in (
            {None}
            if "x-kubernetes-int-or-string" in node
            else {"object", "array", "string", "integer", "boolean"}
        ), path
        assert not node.keys() & {"$ref", "anyOf", "oneOf", "allOf", "$defs", "title", "const"}, path


@resources
def test_every_text_and_list_is_bounded(resource: Resource) -> None:
    for path, node in nodes(resource):
        if path in {f"{resource.kind}.apiVersion", f"{resource.kind}.kind"}:
            continue
        if node.get("type") == "string" or "x-kubernetes-int-or-string" in node:
            assert "maxLength" in node or "enum" in node, path
        if node.get("type") == "array":
            assert "maxItems" in node, path


@resources
def test_every_field_of_the_spec_is_explained(resource: Resource) -> None:
    for path, node in nodes(resource):
        if path.startswith(f"{resource.kind}.spec"):
            assert node.get("description") or path.endswith("[]"), path


@resources
def test_every_rule_says_what_to_write(resource: Resource) -> None:
    rules = [
        (path, rule) for path, node in nodes(resource) for rule in node.get("x-kubernetes-validations", [])
    ]

    assert len(rules) > 3
    for path, rule in rules:
        assert "write" in rule["message"], path
        assert "write" in rule.get("messageExpression", "write"), path
