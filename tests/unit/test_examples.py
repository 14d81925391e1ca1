"""What the examples ask for is accepted, and their documents are played whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from defusedxml.ElementTree import fromstring

from devperfops_operator.api.lint import Severity, lint
from devperfops_operator.cli.app import app

ROOT = Path(__file__).parents[2] / "examples"
GATES = sorted(ROOT.rglob("gate.yaml"))
POLICIES = sorted(
    path for path in (ROOT / "quota").rglob("*.yaml") if "kind: QuotaPolicy" in path.read_text().splitlines()
)
DOCUMENTS = sorted((ROOT / "shop/image/shop/openapi").glob("*.yaml"))


def test_there_are_examples_to_check() -> None:
    assert len(GATES) >= 6
    assert len(POLICIES) >= 7
    assert len(DOCUMENTS) == 3


@pytest.mark.parametrize("path", GATES, ids=lambda path: path.parent.name)
def test_the_gate_has_no_error(path: Path) -> None:
    found = lint([(str(path), path.read_text())], lambda *_: [])
    assert [each for each in found if each.severity is Severity.ERROR] == []


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_quota_policy_is_sound(path: Path) -> None:
    assert lint([(str(path), path.read_text())], lambda *_: []) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_every_operation_of_the_shop_is_played_as_documented(path: Path) -> None:
    told = CliRunner().invoke(app, ["scenario", str(path)])
    assert told.exit_code == 0, told.output
    assert re.search(r"\b(\d+) of \1 operations played", told.output), told.output


def test_the_plan_written_by_hand_has_the_timer_that_the_command_writes(tmp_path: Path) -> None:
    """And reads what the gate beside it sets."""
    shaped = tmp_path / "shaped.jmx"
    done = CliRunner().invoke(app, ["scenario", str(DOCUMENTS[0]), "--shaped", "-o", str(shaped)])
    assert done.exit_code == 0, done.output
    plan, gate = ROOT / "shape/scenario.jmx", yaml.safe_load((ROOT / "shape/gate.yaml").read_text())
    assert script(plan) == script(shaped)

    config_map = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": gate["spec"]["load"]["jmeter"]["plan"]["configMap"]},
        "data": {"scenario.jmx": plan.read_text()},
    }
    files = tmp_path / "files.yaml"
    files.write_text(yaml.safe_dump_all([gate, config_map]))
    checked = CliRunner().invoke(app, ["lint", str(files)])
    assert (checked.exit_code, checked.stdout) == (0, "")


def script(plan: Path) -> str | None:
    return fromstring(plan.read_bytes()).findtext(".//JSR223Timer/stringProp[@name='script']")
