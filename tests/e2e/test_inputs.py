"""What a gate needs and does not find: Stalled with the reason, no load, and by itself well again once mended."""

from __future__ import annotations

import copy

from hack.demo import sample
from hack.kube import Object
from tests.e2e.arena import APP, Arena


def test_every_missing_or_bad_input_stalls_and_recovers(arena: Arena):
    """One gate, one after the other, as somebody would mend it."""
    arena.operator.start()
    scenario = sample.only(arena.app, "ConfigMap")
    gate = arena.gate_manifest
    gate["spec"]["prometheus"] = "nowhere"
    gate["spec"]["objectives"].append({"expect": "good >= 99%", "good": "ok", "total": "all"})
    arena.apply("PerfGate")

    assert APP in arena.wait_for_stalled("TargetNotFound")
    arena.apply("Deployment")
    arena.wait_for_rollout()

    assert "podinfo-scenario" in arena.wait_for_stalled("PlanNotFound")
    apply_plan(arena, scenario, {"another.jmx": scenario["data"]["scenario.jmx"]})
    arena.wait_for_stalled("PlanNotFound", "has no key scenario.jmx")

    apply_plan(arena, scenario, {"scenario.jmx": "threads: 10"})
    arena.wait_for_stalled("PlanInvalid", "is not XML")

    apply_plan(
        arena, scenario, {"scenario.jmx": _edited(scenario, 'testclass="ThreadGroup"', 'testclass="Other"')}
    )
    arena.wait_for_stalled("PlanInvalid", "no enabled thread group")

    apply_plan(arena, scenario, {"scenario.jmx": _edited(scenario, "${__P(NumOfThreads,100)}", "100")})
    arena.wait_for_stalled("PlanInvalid", "NumOfThreads")

    arena.apply("ConfigMap")
    assert "nowhere" in arena.wait_for_stalled("PrometheusUnknown")
    gate["spec"]["prometheus"] = "demo"
    arena.apply("PerfGate")

    assert APP in arena.wait_for_stalled("ServiceNotFound")
    assert arena.runs() == []
    assert arena.deployment()["metadata"]["generation"] == 1, "the Deployment was not touched"

    arena.apply("Service")
    arena.wait_for_gate("adopted", lambda gate: gate["status"].get("knownGood"))


def apply_plan(arena: Arena, scenario: Object, data: dict[str, str]) -> None:
    """Exactly these keys."""
    changed = copy.deepcopy(scenario)
    changed["data"] = data
    arena.kube.apply([changed])


def _edited(scenario: Object, old: str, new: str) -> str:
    text: str = scenario["data"]["scenario.jmx"]
    assert old in text
    return text.replace(old, new)
