"""The kustomize component: a gate follows the names that a configMapGenerator gives."""

import shutil
from pathlib import Path

import pytest
import yaml

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


def test_the_gates_data_follow_too(example):
    (example / "users.csv").write_text("name\nalice\n")
    kustomization = yaml.safe_load((example / "kustomization.yaml").read_text())
    kustomization["configMapGenerator"].append({"name": "users", "files": ["users.csv"]})
    (example / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    gate = yaml.safe_load((example / "gate.yaml").read_text())
    gate["spec"]["load"]["jmeter"]["data"] = {"configMap": "users"}
    (example / "gate.yaml").write_text(yaml.safe_dump(gate))

    rendered = kustomize(example)

    data = only(rendered, "PerfGate")["spec"]["load"]["jmeter"]["data"]
    assert data["configMap"].startswith("users-")
    assert data["configMap"] in {each["metadata"]["name"] for each in rendered}
