"""Objectives whose limits are those of OpenSLO documents."""

from __future__ import annotations

from typing import Any

import pytest

from devperfops_operator.api.objective import Objective, Origin
from devperfops_operator.api.perfrun import Phase
from devperfops_operator.domain.criteria import criteria_hash
from devperfops_operator.domain.inputs import check_inputs, config_maps, seen_by_gate
from devperfops_operator.domain.observed import Problem
from devperfops_operator.domain.resolved import awaits, played
from devperfops_operator.domain.slo.referred import referred
from tests.unit.domain.test_inputs import SCENARIO, SERVICE
from tests.unit.domain.world import START, World, gate, released

SLOS = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: cart-latency}
spec:
  service: cart
  objectives:
  - {op: lte, value: 0.3, target: 0.99}
  - {op: lte, value: 1.5, targetPercent: 99.9}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: cart-availability}
spec: {service: cart, objectives: [{target: 0.9995}]}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: too-fine}
spec: {service: cart, objectives: [{op: lte, value: 0.0005, target: 0.99}]}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: too-sure}
spec: {service: cart, objectives: [{target: 0.99999999}]}
"""
GOOD = {"good": "ok_total", "total": "all_total"}


def taken(text: str | None = SLOS, *, slo: str, **rest: Any) -> str | Problem:
    target = {"target": rest.pop("target")} if "target" in rest else {}
    ref = {"configMap": "slos", "slo": slo, **target}
    objective = Objective.from_json({"sloRef": ref, **rest})
    assert objective.slo_ref is not None
    return referred(objective, objective.slo_ref, None if text is None else {"slos.yaml": text})


@pytest.mark.parametrize(
    ("asked", "expect"),
    [
        ({"slo": "cart-latency", "target": "99%"}, "p99 <= 300ms"),
        ({"slo": "cart-latency", "target": "99.9%", "histogram": "x_bucket"}, "p99.9 <= 1500ms"),
        ({"slo": "cart-availability"}, "errors <= 0.05%"),
        ({"slo": "cart-availability", **GOOD}, "good >= 99.95%"),
    ],
)
def test_an_objective_asks_what_the_slo_promises(asked: dict[str, Any], expect: str) -> None:
    assert taken(**asked) == expect


@pytest.mark.parametrize(
    ("text", "asked", "reason", "message"),
    [
        (None, {"slo": "a"}, "SLONotFound", "ConfigMap slos does not exist; create it with slos.yaml"),
        (
            SLOS,
            {"slo": "orders"},
            "SLONotFound",
            "slos/slos.yaml has no SLO orders (there are: cart-latency, cart-availability, too-fine, too-sure)",
        ),
        ("a: [", {"slo": "a"}, "SLOInvalid", "slos/slos.yaml:1: is not YAML"),
        (
            SLOS.replace("value: 0.3", "value: -1"),
            {"slo": "cart-latency"},
            "SLOInvalid",
            "slos/slos.yaml:7: spec.objectives[0].value -1 is no time: write a value above 0",
        ),
        (
            SLOS,
            {"slo": "cart-latency"},
            "SLOInvalid",
            "SLO cart-latency has objectives of 99%, 99.9%; name one of them by sloRef.target",
        ),
        (SLOS, {"slo": "cart-latency", "target": "95%"}, "SLOInvalid", "name one of them by sloRef.target"),
        (
            SLOS,
            {"slo": "cart-latency", "target": "99%", **GOOD},
            "SLOInvalid",
            "is about times, and the objective counts good and total; leave that out",
        ),
        (
            SLOS,
            {"slo": "cart-availability", "histogram": "x_bucket"},
            "SLOInvalid",
            "is about a share of good events, and the objective counts a histogram; leave that out",
        ),
        (SLOS, {"slo": "too-fine"}, "SLOInvalid", '"p99 <= 0.5ms", which no gate can judge'),
        (SLOS, {"slo": "too-sure"}, "SLOInvalid", "a target of at most four decimals"),
    ],
)
def test_what_it_cannot_take_is_told_with_what_to_do(
    text: str | None, asked: dict[str, Any], reason: str, message: str
) -> None:
    problem = taken(text, **asked)
    assert isinstance(problem, Problem)
    assert problem.reason == reason
    assert message in problem.message


def test_a_missing_key_is_told() -> None:
    objective = Objective.from_json({"sloRef": {"configMap": "slos", "slo": "a", "key": "b.yaml"}})
    assert objective.slo_ref is not None
    problem = referred(objective, objective.slo_ref, {"slos.yaml": SLOS})
    assert isinstance(problem, Problem)
    assert problem.message == "ConfigMap slos has no key b.yaml (keys: slos.yaml); set sloRef.key"


OBJECTIVES: list[dict[str, Any]] = [
    {"sloRef": {"configMap": "slos", "slo": "cart-latency", "target": "99%"}},
    {"sloRef": {"configMap": "slos", "slo": "cart-availability"}, "name": "up", "origin": "SLA"},
]


def look(world: World, slos: str | None) -> None:
    """What the operator finds when it reads the gate's ConfigMaps."""
    assert world.gate is not None
    files = {
        "scenario": {"scenario.jmx": SCENARIO},
        "slos": None if slos is None else {"slos.yaml": slos},
    }
    assert config_maps(world.gate.spec) == files.keys()
    name = world.active_run()
    world.inputs = check_inputs(played(world.gate, world.runs[name]).spec, files, SERVICE, set(), START)


def test_a_run_is_judged_by_the_limits_it_read_as_it_prepared() -> None:
    world, name = next(released(objectives=OBJECTIVES))
    look(world, SLOS)
    world.until(name, Phase.STARTING)
    look(world, SLOS.replace("0.3", "0.2"))
    assert world.inputs.problem is None
    world.until(name, Phase.RUNNING)

    assert world.gate is not None
    seen = played(world.gate, world.runs[name])
    assert [(each.name, each.expect, each.origin) for each in seen.spec.objectives] == [
        ("cart-latency", "p99 <= 300ms", Origin.SLO),
        ("up", "errors <= 0.05%", Origin.SLA),
    ]
    assert not awaits(seen.spec)
    told = world.runs[name].status.timeline
    assert any(
        "p99 <= 300ms by SLO cart-latency; errors <= 0.05% by SLO cart-availability" in t.message
        for t in told
    )
    assert criteria_hash(seen.spec) == criteria_hash(world.gate.spec)


def test_without_its_slo_a_run_ends_before_its_load_and_the_gate_says_so() -> None:
    world, name = next(released(objectives=OBJECTIVES))
    look(world, None)
    world.settle(name)
    status = world.runs[name].status
    assert (status.verdict, status.reason) == ("Error", "SLONotFound")
    assert name not in world.jobs
    assert world.gate is not None
    assert seen_by_gate(status.reason, world.gate.spec)


def test_an_other_slo_is_another_criterion() -> None:
    other = [{"sloRef": {"configMap": "slos", "slo": "cart-latency", "target": "99.9%"}}, OBJECTIVES[1]]
    assert criteria_hash(gate(objectives=other).spec) != criteria_hash(gate(objectives=OBJECTIVES).spec)
