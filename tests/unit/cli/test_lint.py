"""`lint`: file, line, field, message; offline; exit codes a CI can use."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from devperfops_operator.cli.app import app
from hack.cluster.settings import CHECKOUT

EXAMPLES = CHECKOUT / "examples"
GATE = """\
apiVersion: devperfops.io/v1alpha1
kind: PerfGate
metadata: {name: podinfo}
spec:
  targetRef: {name: podinfo}
  load:
    jmeter:
      plan: {configMap: scenario}
      threads: 100
      rampUp: 10s
      duration: 90s
      rate: 3000/m
  objectives:
    - expect: EXPECT
"""
PLAN = """\
<jmeterTestPlan><hashTree>
<ThreadGroup testclass="ThreadGroup"><stringProp>${__P(NumOfThreads)}</stringProp>
<stringProp>${__P(Duration)}</stringProp><stringProp>${__P(ServerName)}</stringProp></ThreadGroup>
</hashTree></jmeterTestPlan>
"""


def _lint(*files: Path) -> Result:
    return CliRunner().invoke(app, ["lint", *map(str, files)])


def _file(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_sound_gate_is_clean(tmp_path):
    done = _lint(_file(tmp_path, "gate.yaml", GATE.replace("EXPECT", "p99 < 2s")))
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "1 file: 0 errors, 0 warnings\n"


def test_a_finding_names_file_line_field_and_what_to_write(tmp_path):
    file = _file(tmp_path, "gate.yaml", GATE.replace("EXPECT", "p99 2s"))
    done = _lint(file)
    assert done.exit_code == 1
    assert done.stdout.startswith(f"{file}:14: error: spec.objectives[0].expect: ")
    assert "for example p99 < 2s" in done.stdout
    assert done.stderr == "1 file: 1 error, 0 warnings\n"


def test_warnings_alone_are_no_failure(tmp_path):
    done = _lint(_file(tmp_path, "gate.yaml", GATE.replace("EXPECT", "p99.99 < 2s")))
    assert done.exit_code == 0
    assert ":14: warning: spec.objectives[0].expect: can never pass" in done.stdout
    assert done.stderr == "1 file: 0 errors, 1 warning\n"


def test_a_gate_and_its_plan_are_checked_together(tmp_path):
    indented = "".join(f"    {line}\n" for line in PLAN.splitlines())
    config_map = (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: scenario}}\ndata:\n  scenario.jmx: |\n{indented}"
    )
    gate = _file(tmp_path, "gate.yaml", GATE.replace("EXPECT", "p99 < 2s"))
    plan = _file(tmp_path, "scenario.yaml", config_map)
    done = _lint(gate, plan)
    assert done.exit_code == 1
    properties = [line.split("property ")[1].split(";")[0] for line in done.stdout.splitlines()]
    assert properties == ["RampUp", "TPM"]
    assert done.stdout.startswith(f"{plan}:5: error: data.scenario.jmx: ")


def test_a_plan_by_itself_is_checked(tmp_path):
    sound = _file(tmp_path, "sound.jmx", PLAN)
    assert _lint(sound).exit_code == 0
    broken = _file(tmp_path, "broken.jmx", PLAN.replace("${__P(Duration)}", "60"))
    done = _lint(sound, broken)
    assert done.exit_code == 1
    assert done.stdout == (
        f"{broken}:1: error: never reads the property Duration; use ${{__P(Duration)}} where the plan sets it\n"
    )


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.yaml", "a: [", ":1: error: is not YAML"),
        ("a.yaml", b"\xff\xfe\x00", ":1: error: is not UTF-8"),
        ("a.jmx", "no", ":1: error: is not XML"),
        (
            "a.yaml",
            "apiVersion: devperfops.io/v1alpha1\nkind: PerfGat\nmetadata: {name: a}\n",
            ":2: error: kind: ",
        ),
    ],
)
def test_what_cannot_be_read_is_a_finding(tmp_path, name, content, said):
    done = _lint(_file(tmp_path, name, content))
    assert done.exit_code == 1
    assert said in done.stdout


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path):
    done = _lint(tmp_path / "missing.yaml")
    assert done.exit_code == 2
    assert "does not exist" in done.stderr


def test_every_example_is_clean():
    files = [path for path in EXAMPLES.rglob("*") if path.suffix in {".yaml", ".yml", ".jmx"}]
    done = _lint(*files)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"{len(files)} files: 0 errors, 0 warnings\n"
