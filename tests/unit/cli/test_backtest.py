"""What `backtest` shows, and which files it takes."""

import pytest

from devperfops_operator.api.perfrun import Verdict
from devperfops_operator.cli.console import trimmed
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.cli.gatefile import gate_spec
from devperfops_operator.cli.records import expect_load
from devperfops_operator.cli.render.backtest import Trial, backtest_screen
from devperfops_operator.domain.rejudging import Rejudged
from tests.unit.cli import samples

GATE = """
kind: PerfGate
apiVersion: devperfops.io/v1alpha1
metadata: {name: NAME}
spec:
  targetRef: {name: podinfo}
  load: {jmeter: {plan: {configMap: scenario}, threads: 5, duration: 1m}}
  objectives: [{expect: p99 < 2s}]
---
"""


def a_run(name, verdict, **status):
    load = {"threads": 1, "judgedFrom": samples.at(10)}
    return samples.run(name, verdict=verdict, revision=f"rev-{name}", load=load, **status)


def test_which_releases_would_have_been_blocked():
    judged_from = int(samples.BEGAN.timestamp()) + 10
    screen = trimmed(
        backtest_screen(
            [
                Trial(a_run("c", "Pass"), Rejudged(Verdict.FAIL, "slow"), judged_from + 75, ["p99 < 1s"]),
                Trial(a_run("b", "Fail"), Rejudged(Verdict.PASS, "fine")),
                Trial(a_run("a", "Pass"), Rejudged(None, "no record")),
            ]
        )
    )
    lines = [line.split() for line in screen.splitlines()]
    assert lines[1] == ["c", "rev-c", "Pass", "Fail", "1m15s", "slow"]
    assert lines[3] == ["a", "rev-a", "Pass", "unknown", "-", "no", "record"]
    assert "1 of 3 runs would be blocked now, unlike then: rev-c" in screen
    assert "1 of 3 runs would pass now, unlike then: rev-b" in screen
    assert "1 of 3 runs cannot be told" in screen
    assert "Estimated from histograms" in screen


def test_the_gate_of_that_name_or_the_only_one(tmp_path):
    file = tmp_path / "gates.yaml"
    file.write_text(GATE.replace("NAME", "other"))
    assert gate_spec(file, "front-end").target_ref.name == "podinfo"
    file.write_text(GATE.replace("NAME", "other") + GATE.replace("NAME", "third"))
    with pytest.raises(Trouble, match="has no PerfGate front-end"):
        gate_spec(file, "front-end")


@pytest.mark.parametrize("text", ["}{", "kind: PerfGate\nmetadata: {name: a}\nspec: {}\n"])
def test_a_file_that_cannot_be_used_is_told(tmp_path, text):
    file = tmp_path / "gate.yaml"
    file.write_text(text)
    with pytest.raises(Trouble, match=r"gate\.yaml"):
        gate_spec(file, "a")


LIVE = """
kind: PerfGate
metadata: {name: front-end}
spec:
  targetRef: {name: front-end}
  prometheus: monitoring
  live: {duration: 10m}
  objectives: [{expect: good >= 99%, good: ok, total: all}]
"""


def test_a_gate_of_real_users_traffic_says_why_there_is_nothing_to_replay(tmp_path):
    file = tmp_path / "gate.yaml"
    file.write_text(GATE.replace("NAME", "podinfo"))
    expect_load("podinfo", gate_spec(file, "podinfo"))
    file.write_text(LIVE)
    with pytest.raises(Trouble, match="judges the traffic of real users"):
        expect_load("front-end", gate_spec(file, "front-end"))
