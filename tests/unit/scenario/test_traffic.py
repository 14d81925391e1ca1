"""A plan that looks like production: which endpoint is which operation, and how often each is played."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.scenario.chains import plan
from devperfops_operator.scenario.document import read
from devperfops_operator.scenario.jmx import jmx
from devperfops_operator.scenario.operations import read_offer
from devperfops_operator.scenario.overlay import read_overlay
from devperfops_operator.scenario.plan import Load, Plan
from devperfops_operator.scenario.traffic import Endpoint, distance, load, match
from devperfops_operator.scenario.weighing import REPEATS, weigh

SHOP = Path(__file__).parents[3] / "examples" / "scenario" / "openapi.yaml"
READS = {"GET /customers": 20.0, "GET /orders/{orderId}": 10.0, "POST /orders": 1.0, "POST /customers": 2.0}


def shop() -> Any:
    return read(yaml.safe_load(SHOP.read_text()))


def offer(*operations: str, base: str = "") -> Any:
    paths: dict[str, Any] = {}
    for operation in operations:
        method, path = operation.split()
        paths.setdefault(path, {})[method.lower()] = {"responses": {"200": {}}}
    servers = [{"url": base}] if base else []
    return read_offer(read({"openapi": "3.1.0", "servers": servers, "paths": paths}))


def plays(made: Plan) -> dict[str, float]:
    return {step.name: step.weight.plays for step in made.steps}


@pytest.mark.parametrize(
    "route",
    ["/orders/{id}", "/orders/{orderId}/", "/orders/:id", "/orders/<int:id>", "/orders/[id]", "/orders/4711"],
)
def test_a_route_is_known_however_its_gaps_are_written(route: str) -> None:
    found = match([Endpoint("get", route, 3.0)], offer("GET /orders/{orderId}", "GET /orders"))
    assert found.rates == {"GET /orders/{orderId}": 3.0}


def test_a_path_is_that_of_the_most_literal_template_and_the_base_path_may_be_in_it() -> None:
    shop = offer("GET /orders/{orderId}", "GET /orders/open", base="/api")
    endpoints = [Endpoint("GET", "/api/orders/open", 1.0), Endpoint("GET", "/api/orders/7", 2.0)]
    assert match(endpoints, shop).rates == {"GET /orders/open": 1.0, "GET /orders/{orderId}": 2.0}


def test_endpoints_that_are_no_operation_are_lacking() -> None:
    strangers = [
        Endpoint("GET", "/reports", 1.0),
        Endpoint("PUT", "/orders", 1.0),
        Endpoint("", "/orders", 1.0),
    ]
    found = match(strangers, offer("GET /orders", "POST /orders"))
    assert found.rates == {}
    assert [each.name for each in found.lacking] == ["GET /reports", "PUT /orders", "/orders"]


def test_without_methods_a_path_of_one_operation_is_that() -> None:
    assert match([Endpoint("", "/orders", 1.0)], offer("GET /orders")).rates == {"GET /orders": 1.0}


def test_steps_are_played_in_proportion_and_what_nobody_calls_is_left_out() -> None:
    made = plan(shop(), rates=READS)
    often = plays(made)
    for key, rate in READS.items():
        assert often[key] == pytest.approx(rate / 20)
    reasons = {each.key: each.reason for each in made.skipped}
    assert reasons["GET /orders"] == "nobody calls it: the load profile has no such endpoint"
    assert "GET /orders" not in often


def test_what_was_made_is_removed_as_often_as_it_is_made() -> None:
    often = plays(plan(shop(), rates=READS | {"DELETE /orders/{orderId}": 0.1}))
    assert often["DELETE /orders/{orderId}"] == often["POST /orders"]


def test_what_makes_an_id_is_played_although_nobody_calls_it() -> None:
    made = plan(shop(), rates={"GET /orders/{orderId}": 10.0})
    often = plays(made)
    assert often["GET /orders/{orderId}"] == pytest.approx(1)
    assert often["POST /orders"] == pytest.approx(1 / REPEATS)


def test_an_overlay_goes_before_the_profile() -> None:
    overlay = read_overlay({"weights": {"GET /customers": 3, "GET /orders": 7}})
    often = plays(plan(shop(), overlay, rates=READS))
    assert (often["GET /customers"], often["GET /orders"]) == pytest.approx((0.03, 0.07))


def test_the_load_gives_every_operation_its_rate_and_threads_outlast_a_stall() -> None:
    made = plan(shop(), read_overlay({"thinkTime": {"GET /customers": "2s"}}), rates=READS)
    whole = sum(plays(made).values()) * 20
    asked = load(made, scale=1.5, stall_s=10)
    assert asked.per_minute == round(60 * 1.5 * whole)
    assert asked.threads == pytest.approx(1.5 * (whole * 10 + 20 * 2), abs=1)
    longest = sum(step.weight.times for step in made.steps)
    assert asked.ramp_up_s == pytest.approx(longest * asked.threads * 60 / asked.per_minute, rel=0.01)


def test_the_distance_counts_what_is_added_and_what_is_lacking() -> None:
    made = plan(shop(), rates={"GET /customers": 1.0})
    assert distance(made, {"GET /customers": 1.0}) == 0
    assert distance(made, {"GET /customers": 3.0, "GET /reports": 1.0}) == pytest.approx(0.25)


def test_the_plan_has_the_load_as_its_default_and_one_draw_for_all_steps() -> None:
    text = jmx(plan(shop(), rates=READS), load=Load(per_minute=2472, threads=412, ramp_up_s=95)).decode()
    assert "${__P(TPM,2472)}" in text
    assert "${__P(NumOfThreads,412)}" in text
    assert "${__P(RampUp,95)}" in text
    assert 'testname="GET /orders/{orderId}: 5 % of iterations"' in text
    assert 'testname="GET /orders/{orderId}: 10 times"' in text
    conditions = {
        each.text.partition("<")[0]
        for each in ET.fromstring(text).iter("stringProp")
        if each.get("name") == "IfController.condition" and each.text and "idx" in each.text
    }
    assert len(conditions) == 1


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], dict[str, set[str]], dict[str, float], dict[str, set[str]]]:
    order = [f"o{number}" for number in range(draw(st.integers(1, 7)))]
    requires = {
        key: set(draw(st.lists(st.sampled_from(order[:at]), max_size=2))) if at else set()
        for at, key in enumerate(order)
    }
    wishes = {key: draw(st.floats(1e-4, 1)) for key in order if draw(st.booleans())}
    removes = {f"remove {key}": {key} for key in order if draw(st.integers(0, 3)) == 0}
    return order, requires, wishes, removes


@given(graphs())
def test_every_wish_is_granted_and_no_step_is_played_without_what_it_needs(
    graph: tuple[list[str], dict[str, set[str]], dict[str, float], dict[str, set[str]]],
) -> None:
    order, requires, wishes, removes = graph
    weights = weigh(order, requires, wishes, removes)
    for key in order:
        weight = weights[key]
        assert weight.plays >= wishes.get(key, 0) * (1 - 1e-6)
        assert 0 <= weight.percent <= 100
        for each in requires[key]:
            assert weight.percent <= weights[each].percent * (1 + 1e-9)
        if not any(key in needs for needs in requires.values()):
            assert weight.plays == pytest.approx(wishes.get(key, 0))
    for removal, made in removes.items():
        assert all(weights[each].times == 1 for each in made)
        assert weights[removal].percent == min(weights[each].percent for each in made)
