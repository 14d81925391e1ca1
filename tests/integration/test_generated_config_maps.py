"""The kustomize component: a gate follows the names that a configMapGenerator gives."""

import shutil
from pathlib import Path

import pytest
import yaml

from devperfops_operator.api import crd
from hack.cluster.settings import CHECKOUT
from hack.kube import Object, kustomize

pytestmark = pytest.mark.usefixtures("api_server")  # kubectl is there when it is

EXAMPLE = "examples/podinfo"
COMPONENT = "deploy/kustomize/components/generated-config-maps"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A copy to change."""
    for folder in (EXAMPLE, COMPONENT):
        shutil.copytree(CHECKOUT / folder, tmp_path / folder)
    return tmp_path / EXAMPLE


def only(objects: list[Object], kind: str) -> Object:
    [found] = [each for each in objects if each["kind"] == kind]
    return found


def reference(objects: list[Object]) -> str:
    return str(only(objects, "PerfGate")["spec"]["load"]["jmeter"]["plan"]["configMap"])


def test_a_changed_scenario_changes_the_gates_reference(example):
    before = kustomize(example)
    scenario = example / "scenario.jmx"
    scenario.write_text(scenario.read_text().replace("GET /", "GET / again"))

    after = kustomize(example)

    assert reference(before) == only(before, "ConfigMap")["metadata"]["name"]
    assert reference(after) == only(after, "ConfigMap")["metadata"]["name"]
    assert reference(after) != reference(before)
    assert only(before, "ConfigMap")["data"] != only(after, "ConfigMap")["data"]


def test_nothing_changes_the_reference_but_the_scenario(example):
    before = reference(kustomize(example))
    app = example / "app.yaml"
    app.write_text(app.read_text().replace("version 1", "version 2"))

    assert reference(kustomize(example)) == before


@pytest.mark.parametrize("field", ["data", "plugins"])
def test_what_else_the_gate_takes_from_config_maps_follows_too(example, field):
    (example / "users.csv").write_text("name\nalice\n")
    kustomization = yaml.safe_load((example / "kustomization.yaml").read_text())
    kustomization["configMapGenerator"].append({"name": "users", "files": ["users.csv"]})
    (example / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    gate = yaml.safe_load((example / "gate.yaml").read_text())
    gate["spec"]["load"]["jmeter"][field] = {"configMap": "users"}
    (example / "gate.yaml").write_text(yaml.safe_dump(gate))

    rendered = kustomize(example)

    source = only(rendered, "PerfGate")["spec"]["load"]["jmeter"][field]
    assert source["configMap"].startswith("users-")
    assert source["configMap"] in {each["metadata"]["name"] for each in rendered}


@pytest.mark.parametrize("kind", [crd.GATE, crd.POLICY], ids=lambda kind: kind.kind)
def test_every_field_that_names_a_config_map_is_followed(kind):
    reference = yaml.safe_load((CHECKOUT / COMPONENT / "name-reference.yaml").read_text())["nameReference"]
    followed = {spec["path"] for spec in reference[0]["fieldSpecs"] if spec["kind"] == kind.kind}
    assert followed == set(naming_config_maps(crd.schema(kind)["properties"]["spec"], "spec"))


def test_what_is_in_a_list_follows_too(example):
    (example / "dump.sql").write_text("SELECT 1;\n")
    kustomization = yaml.safe_load((example / "kustomization.yaml").read_text())
    kustomization["configMapGenerator"].append({"name": "dump", "files": ["dump.sql"]})
    (example / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    gate = yaml.safe_load((example / "gate.yaml").read_text())
    volume = {"configMap": "dump", "mountPath": "/golden"}
    gate["spec"]["data"] = {"job": {"image": "reset:1", "volumes": [volume]}}
    (example / "gate.yaml").write_text(yaml.safe_dump(gate))

    (mounted,) = only(kustomize(example), "PerfGate")["spec"]["data"]["job"]["volumes"]
    assert mounted["configMap"].startswith("dump-")


def naming_config_maps(schema, path):
    """Kustomize's paths: a list is no step of one."""
    for name, inner in schema.get("properties", {}).items():
        if name == "configMap":
            yield f"{path}/{name}"
        yield from naming_config_maps(inner, f"{path}/{name}")
    if "items" in schema:
        yield from naming_config_maps(schema["items"], path)
