"""What JMeter sent stands for production's busiest hour, or is told not to: without a question to Prometheus."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.api.perfrun import PerfRunStatus, Phase
from devperfops_operator.domain.effects import ReadTraffic
from devperfops_operator.domain.inputs import check_inputs
from devperfops_operator.domain.plan import resolve_load
from devperfops_operator.domain.resolved import played
from devperfops_operator.domain.sent import by_endpoint, usual_by_profile
from devperfops_operator.wire.measurement import LoadEnd
from tests.profiles import RATES
from tests.unit.domain.test_inputs import SCENARIO, SERVICE
from tests.unit.domain.test_load_model import JMETER, NOW, SHOP, profiled
from tests.unit.domain.world import World, gate, released

KNOWN = [
    "GET /",
    "GET /shop/orders",
    "GET /shop/orders/{id}",
    "POST /shop/orders",
    "GET /shop/orders/latest",
    "/ping",
]
SOUND = Tally(3000, 0, 0)
MIX = {name: round(75 * rate) for name, rate in RATES.items()}  # 3,000 in all


@pytest.mark.parametrize(
    ("label", "endpoint"),
    [
        ("GET /shop/orders", "GET /shop/orders"),
        ("GET /shop/orders/", "GET /shop/orders"),
        ("GET /shop/orders/17", "GET /shop/orders/{id}"),
        ("GET /shop/orders/<int:order>", "GET /shop/orders/{id}"),
        ("GET /shop/orders/latest", "GET /shop/orders/latest"),
        ("GET /shop/orders?size=5", "GET /shop/orders"),
        ("GET http://shop:8080/shop/orders/17#top", "GET /shop/orders/{id}"),
        ("GET /orders/{orderId}", "GET /shop/orders/{id}"),  # of a document whose server is /shop
        ("POST /orders", "POST /shop/orders"),
        ("/ping", "/ping"),
        ("/shop/orders/17", "GET /shop/orders/{id}"),  # by whatever method, if only one has the route
        ("GET /", "GET /"),
    ],
)
def test_a_label_tells_its_endpoint(label: str, endpoint: str) -> None:
    assert by_endpoint({label: 3}, KNOWN, {}) == ({endpoint: 3}, {})


@pytest.mark.parametrize(
    "label",
    [
        "Login",
        "DELETE /shop/orders/17",
        "GET /shop/orders/17/lines",
        "/shop/orders",  # GET or POST
        "GET /17",
        "get /shop/orders",
        "GET /lines/",
        "",
    ],
)
def test_one_that_does_not_is_left_as_it_is_and_told(label: str) -> None:
    assert by_endpoint({label: 3}, KNOWN, {}) == ({label: 3}, {label: 3})


def test_what_a_person_says_goes_before_the_name_and_is_told_if_there_is_no_such_endpoint() -> None:
    named = {"Order": "POST /shop/orders", "GET /": "GET /shop/orders", "Pay": "POST /pay"}
    found = by_endpoint({"Order": 1, "POST /orders": 2, "GET /": 4, "Pay": 8, "none": 0}, KNOWN, named)
    assert found == ({"POST /shop/orders": 3, "GET /shop/orders": 4, "POST /pay": 8}, {"Pay": 8})


@given(
    st.dictionaries(st.text(max_size=12) | st.sampled_from(KNOWN), st.integers(0, 1000), max_size=8),
    st.lists(st.text(min_size=1, max_size=12) | st.sampled_from(KNOWN), max_size=6),
)
def test_no_sample_is_lost_or_counted_twice(sent: dict[str, int], known: list[str]) -> None:
    counts, unmapped = by_endpoint(sent, known, {})
    assert sum(counts.values()) == sum(sent.values())
    assert unmapped.keys().isdisjoint(known)
    assert all(label in sent for label in unmapped)


# in a run's life


def ended(sent: dict[str, int] | None, **spec: Any) -> tuple[World, str]:
    """The load has ended and all is counted; judged for a minute."""
    world, name = next(released(load=profiled(), **spec))
    assert world.gate is not None
    files = {"scenario": {"scenario.jmx": SCENARIO}, "shop": {"profile.yaml": yaml.safe_dump(SHOP)}}
    world.inputs = check_inputs(world.gate.spec, files, SERVICE, set(), NOW)
    assert world.inputs.problem is None
    world.until(name, Phase.RUNNING)
    world.load(name, SOUND, SOUND)  # the first sample begins the judged time
    world.step_run(name)
    world.wait(71)
    world.load(name, SOUND, SOUND, final=LoadEnd.COMPLETED)
    world.evidence[name] = replace(world.evidence[name], sent=sent)
    return world, name


def status_of(world: World, name: str) -> PerfRunStatus:
    while not world.runs[name].status.phase.terminal:
        assert not [each for each in world.decide_run(name).effects if isinstance(each, ReadTraffic)]
        world.settle(name)
    return world.runs[name].status


def test_every_run_by_a_profile_tells_what_it_covered_and_is_not_judged_by_it() -> None:
    status = status_of(*ended({"GET /api/customers": 3000, "Login": 30}))
    assert status.coverage is not None
    assert (status.coverage.requests, status.coverage.exercised) == (3030, "25%")
    assert (status.coverage.unseen, status.coverage.unmapped) == ("50%", ("Login",))
    assert status.coverage.usual == pytest.approx(60 * 40, abs=120)
    assert [(each.name, each.requests) for each in status.coverage.endpoints] == [
        ("GET /api/orders/{id}", 0),
        ("GET /reports", 0),
        ("POST /api/orders", 0),
        ("GET /api/customers", 3000),
    ]
    assert status.reason != "CoverageTooLow"


def test_a_plan_that_plays_the_profiles_mix_covers_it() -> None:
    status = status_of(*ended(MIX, coverage={"maxDistance": "1%", "maxUnseen": "0%", "minEndpoints": "50%"}))
    assert status.reason != "CoverageTooLow"
    assert status.coverage is not None
    assert (status.coverage.distance, status.coverage.unseen, status.coverage.unmapped) == ("0%", "0%", ())


def test_one_that_does_not_is_inconclusive_and_names_what_may_be_called_otherwise() -> None:
    sent = {"GET /api/customers": 2400, "Order": 600}
    status = status_of(*ended(sent, coverage={"maxDistance": "20%"}))
    assert (status.verdict, status.reason) == ("Inconclusive", "CoverageTooLow")
    told = status.message or ""
    assert "the mix of endpoints is 50% away from the usual one, at most 20% are allowed" in told
    assert "50% of the usual traffic goes where no request came" in told
    assert "no endpoints by their names are JMeter's Order 600 (coverage.labels tells which they are)" in told


def test_labels_are_mapped_by_the_gate() -> None:
    labels = [{"label": "Order", "endpoint": "POST /api/orders"}]
    sent = {"GET /api/customers": 1500, "Order": 1500}
    status = status_of(*ended(sent, coverage={"labels": labels}))
    assert status.coverage is not None
    (order,) = [each for each in status.coverage.endpoints if each.name == "POST /api/orders"]
    assert (order.requests, status.coverage.unmapped) == (1500, ())


def test_a_longer_load_is_told_only_if_it_would_help() -> None:
    few = {name: count // 10 for name, count in MIX.items()}
    told = status_of(*ended(few, coverage={})).message or ""
    assert "of judged load are enough" in told


def test_what_is_lost_is_no_coverage() -> None:
    status = status_of(*ended(None, coverage={}))
    assert status.reason == "CoverageUnknown"
    assert "totals only of what JMeter sent" in (status.message or "")
    told_only = status_of(*ended(None))
    assert (told_only.coverage, told_only.reason != "CoverageUnknown") == (None, True)


def test_the_targets_own_counter_goes_before_jmeters_and_needs_no_history() -> None:
    coverage = {"tested": "requests_total", "by": ["method", "route"]}
    world, name = next(released(load=profiled(), coverage=coverage, prometheus="monitoring"))
    assert world.gate is not None
    files = {"scenario": {"scenario.jmx": SCENARIO}, "shop": {"profile.yaml": yaml.safe_dump(SHOP)}}
    world.inputs = check_inputs(world.gate.spec, files, SERVICE, {"monitoring"}, NOW)
    world.until(name, Phase.RUNNING)
    world.load(name, SOUND, SOUND)
    world.step_run(name)
    world.wait(71)
    world.load(name, SOUND, SOUND, final=LoadEnd.COMPLETED)
    for _ in range(3):
        world.step_run(name)
    world.wait(31)
    (read,) = world.decide_run(name).effects
    assert isinstance(read, ReadTraffic)
    assert read.usual == usual_by_profile(world.runs[name].status)
    assert read.usual is not None
    assert read.usual.mix == {each: rate / 40 for each, rate in RATES.items()}


def test_a_load_that_is_only_told_of_may_still_end_early() -> None:
    world, name = ended({})
    assert world.gate is not None
    plan = resolve_load(played(world.gate, world.runs[name]).spec)
    assert plan.coverage is not None
    assert (plan.coverage.judged, plan.coverage.at_prometheus) == (False, False)
    asked = resolve_load(gate(load={**profiled(), "jmeter": {**JMETER, "threads": 9}}, coverage={}).spec)
    assert asked.coverage is not None
    assert asked.coverage.judged
