"""Where two features of a gate meet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from devperfops_operator.api.base import ConditionStatus, ConditionType
from devperfops_operator.api.perfrun import Phase, Verdict
from devperfops_operator.domain.observed import Inputs, Problem
from tests.unit.domain.test_gate import condition
from tests.unit.domain.world import INPUTS, World, gate, released


def plan_from(**source: str) -> dict[str, Any]:
    load = gate().to_json()["spec"]["load"]
    return {**load, "jmeter": {**load["jmeter"], "plan": source}}


def refused_by_pods(world: World, name: str, reason: str) -> None:
    world.until(name, Phase.STARTING)
    world.step_run(name)
    world.jobs[name] = replace(world.jobs[name], finished=True, refusal=Problem(reason, "as the pod says"))
    world.settle(name)


@pytest.mark.parametrize("reason", ["PlanNotFound", "PlanInvalid"])
def test_what_only_the_pods_can_see_is_not_tried_again_and_again(reason: str) -> None:
    world, name = next(released(load=plan_from(pvc="plans")))
    refused_by_pods(world, name, reason)
    world.wait(60)
    world.adopt()
    assert list(world.runs) == [name]
    assert condition(world, ConditionType.PASSED) == (ConditionStatus.FALSE, reason)


@pytest.mark.parametrize("reason", ["PlanInvalid", "DataNotFound", "PluginsNotFound", "InvalidSpec"])
def test_what_the_gate_sees_to_be_mended_is_tested(reason: str) -> None:
    sources = plan_from(configMap="scenario")
    sources["jmeter"] |= {"data": {"configMap": "data"}, "plugins": {"configMap": "plugins"}}
    world, name = next(released(load=sources))
    world.until(name, Phase.PREPARING)
    world.inputs = Inputs(problem=Problem(reason, "it was deleted a moment ago"))
    world.settle(name)
    assert world.runs[name].status.verdict is Verdict.ERROR
    assert condition(world, ConditionType.STALLED) == (ConditionStatus.TRUE, reason)
    world.inputs = INPUTS
    world.adopt()
    assert world.active_run() == name.removesuffix("1") + "2"
