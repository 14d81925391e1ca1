"""A gate's objectives beside what users were promised of a graph."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from devperfops_operator.api.base import ConditionStatus, ConditionType
from devperfops_operator.api.perfgate import SLA
from devperfops_operator.domain.inputs import check_inputs, config_maps, seen_by_gate
from devperfops_operator.domain.observed import SLAStanding
from devperfops_operator.domain.plan import resolve_plan
from devperfops_operator.domain.slo.standing import sla_standing
from tests.unit.domain.test_inputs import SCENARIO, SERVICE
from tests.unit.domain.test_run import pass_run
from tests.unit.domain.world import START, World, gate, released

GRAPH: dict[str, Any] = {
    "apiVersion": "devperfops.io/v1alpha1",
    "kind": "ServiceGraph",
    "metadata": {"name": "shop"},
    "spec": {
        "roots": [
            {"service": "front-end", "endpoint": "POST /orders", "sla": ["p99 < 2s", "good >= 99.5%"]},
            {"service": "admin", "sla": ["p99 < 100ms"]},
        ],
        "services": [
            {
                "name": "front-end",
                "endpoints": [
                    {
                        "name": "POST /orders",
                        "calls": [{"to": "cart"}, {"to": "cart"}, {"to": "mail", "fraction": "10%"}],
                    }
                ],
            },
            {"name": "cart", "calls": [{"to": "stock"}]},
            {"name": "stock", "latency": [{"source": "Measured", "quantiles": {"p50": "1s", "p99": "9s"}}]},
            {"name": "mail"},
            {"name": "admin"},
        ],
    },
}


def asked(service: str, *objectives: str, graph: Any = None, **sla: Any) -> SLAStanding:
    plan = resolve_plan(gate(objectives=[{"expect": each} for each in objectives]).spec)
    data = {"graph.yaml": yaml.safe_dump(graph or GRAPH)}
    wanted = SLA.from_json({"configMap": "shop-graph", "service": service, **sla})
    return sla_standing(wanted, "unused", data, plan.objectives)


@pytest.mark.parametrize(
    ("service", "objectives"),
    [
        ("front-end", ["p99 < 2s", "errors <= 0.5%"]),
        ("front-end", ["p99.9 < 2s"]),
        ("cart", ["p99.5 < 900ms", "errors < 0.25%"]),  # it is called twice
        ("mail", ["p90 < 2s", "errors < 5%"]),  # seldom
        ("stock", ["errors < 0.2%"]),  # of times it says nothing
        ("front-end", ["p50 < 1s", "p99 < 2s"]),  # both hold
    ],
)
def test_what_a_service_may_do_alone_keeps_the_sla(service: str, objectives: list[str]) -> None:
    standing = asked(service, *objectives)
    assert standing.kept, standing.message
    assert standing.message == f"no SLA can be broken by {service} alone while it holds its objectives"


@pytest.mark.parametrize(
    ("service", "objectives", "message"),
    [
        (
            "front-end",
            ["p99 < 3s"],
            "front-end may break the SLA p99 < 2s of front-end POST /orders alone and hold its objectives: 100% of",
        ),
        ("front-end", ["p95 < 1s"], "5% of the requests may take 2 s by them"),
        (
            "cart",
            ["p99 < 900ms"],
            "2% of the requests may take 2 s by them, in 2 calls each; write an objective such as p99.5 < 1s",
        ),
        ("cart", ["p99.9 < 1.5s"], "100% of the requests may take 2 s by them, in 2 calls each"),
        ("stock", ["p99 < 3s"], "such as p99.5 < 1s"),  # whatever was measured of it
        (
            "front-end",
            ["errors < 1%"],
            "1% of the requests may fail by them; write an objective such as good >= 99.5%, or errors <= 0.5%",
        ),
        ("cart", ["errors < 0.4%"], "such as good >= 99.75%, or errors <= 0.25%"),
        ("mail", ["errors < 6%"], "such as good >= 95%, or errors <= 5%"),
        ("admin", ["p99 < 200ms"], "the SLA p99 < 100ms of admin"),
    ],
)
def test_what_breaks_an_sla_alone_is_told_with_what_to_write(
    service: str, objectives: list[str], message: str
) -> None:
    standing = asked(service, *objectives)
    assert standing.kept is False
    assert message in standing.message
    (suggested,) = re.findall(r"such as (p\S+ < [^;\s]+)|or (errors <= [^;\s]+)", standing.message)
    assert asked(service, "".join(suggested)).kept, "what is proposed is enough"


def test_what_decides_nothing_or_is_about_a_part_promises_nothing() -> None:
    objectives = [
        {"expect": "p99 < 1s"},
        {"expect": "errors < 0.1%", "transaction": "GET /cart"},
        {"expect": "errors < 50%", "critical": False},
        {"expect": "p99 < 9s", "transaction": "GET /report"},
    ]
    plan = resolve_plan(gate(objectives=objectives).spec)
    wanted = SLA.from_json({"configMap": "shop-graph"})
    standing = sla_standing(wanted, "front-end", {"graph.yaml": yaml.safe_dump(GRAPH)}, plan.objectives)
    assert standing.kept


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "ConfigMap shop-graph does not exist; create it with graph.yaml, a ServiceGraph"),
        ({"a.yaml": ""}, "ConfigMap shop-graph has no key graph.yaml (keys: a.yaml); set sla.key"),
        ({"graph.yaml": "a: ["}, "shop-graph/graph.yaml:1:  is not YAML"),
        (
            {"graph.yaml": "kind: Other"},
            "shop-graph/graph.yaml has 0 documents of kind ServiceGraph; write one",
        ),
        (
            {"graph.yaml": yaml.safe_dump(GRAPH)},
            "has no service front (there are: front-end, cart, stock, mail, admin); set sla.service",
        ),
        (
            {"graph.yaml": yaml.safe_dump(GRAPH).replace("to: mail", "to: post")},
            "there is no service post: write it under spec.services, or correct the name",
        ),
    ],
)
def test_a_graph_that_cannot_be_read_is_neither_kept_nor_contradicted(
    data: dict[str, str] | None, message: str
) -> None:
    standing = sla_standing(SLA.from_json({"configMap": "shop-graph"}), "front", data, ())
    assert standing.kept is None
    assert message in standing.message


LOOSE = [{"expect": "p99 < 3s"}, {"expect": "errors < 0.5%"}]


def look(world: World, graph: Any) -> None:
    """What the operator finds when it reads the gate's ConfigMaps."""
    assert world.gate is not None
    files = {"scenario": {"scenario.jmx": SCENARIO}, "shop-graph": {"graph.yaml": yaml.safe_dump(graph)}}
    assert config_maps(world.gate.spec) == files.keys()
    world.inputs = check_inputs(world.gate.spec, files, SERVICE, set(), START)


def condition(world: World) -> tuple[ConditionStatus, str, str]:
    assert world.gate is not None
    (found,) = (each for each in world.gate.status.conditions if each.type is ConditionType.WITHIN_SLA)
    return found.status, found.reason, found.message


def test_the_gate_says_it_and_its_runs_do_and_go_on() -> None:
    world, name = next(released(objectives=LOOSE, sla={"configMap": "shop-graph"}))
    look(world, GRAPH)
    world.adopt()
    status, reason, message = condition(world)
    assert (status, reason) == (ConditionStatus.FALSE, "SLAContradicted")
    pass_run(world, name)
    ended = world.runs[name].status
    assert ended.verdict == "Pass"
    assert ended.message is not None
    assert f"; warning: {message}" in ended.message

    tight = yaml.safe_load(yaml.safe_dump(GRAPH).replace("p99 < 2s", "p99 < 3s"))
    look(world, tight)
    world.adopt()
    assert condition(world)[:2] == (ConditionStatus.TRUE, "NothingContradicted")


@pytest.mark.parametrize(("graph", "reason"), [(GRAPH, "SLAContradicted"), ({}, "SLAUnknown")])
def test_where_it_blocks_no_load_begins_and_the_gate_is_stalled(graph: Any, reason: str) -> None:
    world, name = next(released(objectives=LOOSE, sla={"configMap": "shop-graph", "block": True}))
    look(world, graph)
    world.settle(name)
    ended = world.runs[name].status
    assert (ended.verdict, ended.reason) == ("Error", reason)
    assert name not in world.jobs
    world.adopt()
    assert world.gate is not None
    assert seen_by_gate(ended.reason, world.gate.spec)
    stalled = {each.type: each.status for each in world.gate.status.conditions}[ConditionType.STALLED]
    assert stalled is ConditionStatus.TRUE
