"""A gate whose rate and threads come from a load profile."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import yaml

from devperfops_operator.api.load import ProfileSource
from devperfops_operator.api.perfrun import LoadModelStatus, Phase
from devperfops_operator.domain.criteria import criteria_hash
from devperfops_operator.domain.inputs import check_inputs, config_maps, seen_by_gate
from devperfops_operator.domain.load_profile.model import load_model
from devperfops_operator.domain.observed import Problem
from devperfops_operator.domain.resolved import played
from tests.profiles import document
from tests.unit.domain.test_inputs import SCENARIO, SERVICE
from tests.unit.domain.world import gate, released

RATE = 40  # requests a second at the busiest hour
SHOP = document()
NOW = datetime.fromisoformat(SHOP["spec"]["data"]["newest"]) + timedelta(hours=1)
JMETER = {"plan": {"configMap": "scenario"}, "rampUp": "10s", "duration": "70s"}


def of(**asked: Any) -> LoadModelStatus | Problem:
    source = ProfileSource.from_json({"configMap": "shop", **asked})
    return load_model(source, {"profile.yaml": yaml.safe_dump(SHOP)}, 1, 1.0, NOW)


def problem(content: dict[str, Any] | str | None, **asked: Any) -> tuple[str, str]:
    text = content if isinstance(content, str) else yaml.safe_dump(content)
    data = None if content is None else {"profile.yaml": text}
    found = load_model(ProfileSource.from_json({"configMap": "shop", **asked}), data, 1, 1.0, NOW)
    assert isinstance(found, Problem)
    return found.reason, found.message


def profiled(**asked: Any) -> dict[str, Any]:
    return {"profile": {"configMap": "shop", **asked}, "jmeter": JMETER}


@pytest.mark.parametrize(
    ("asked", "rate", "threads"),
    [
        ({}, RATE, 10 * RATE),
        ({"scale": 1.5}, 1.5 * RATE, 15 * RATE),
        ({"season": "sale"}, 3 * RATE, 30 * RATE),
        ({"scale": 0.5, "season": "sale", "stall": "2s"}, 1.5 * RATE, 3 * RATE),
        ({"scale": 0.0001}, 1 / 60, 1),
    ],
)
def test_the_busiest_hour_is_played_with_threads_for_a_stall(
    asked: dict[str, Any], rate: float, threads: int
) -> None:
    model = of(**asked)
    assert isinstance(model, LoadModelStatus)
    assert (model.rate, model.threads) == (f"{round(60 * rate)}/m", threads)


def test_production_has_its_own_peak_whatever_the_test_is_scaled_by() -> None:
    model = of(scale=1.5)
    assert isinstance(model, LoadModelStatus)
    assert model.peak is not None
    assert (model.peak.per_second, model.peak.first, model.peak.assumed) == (str(RATE), None, None)


def test_a_season_whose_factor_somebody_declared_is_no_measured_peak() -> None:
    season = next(each for each in SHOP["spec"]["seasons"] if each["name"] == "sale")
    for source, assumed in (("Measured", False), ("Declared", True)):
        content = document()
        content["spec"]["seasons"] = [{**season, "source": source}]
        data = {"profile.yaml": yaml.safe_dump(content)}
        asked = ProfileSource.from_json({"configMap": "shop", "season": "sale"})
        model = load_model(asked, data, 1, 1.0, NOW)
        assert isinstance(model, LoadModelStatus)
        assert model.peak is not None
        assert (model.peak.per_second, model.peak.first) == (str(3 * RATE), season["from"])
        assert (model.peak.assumed is not None) == assumed


def test_every_worker_has_a_thread() -> None:
    source = ProfileSource.from_json({"configMap": "shop", "scale": 0.001})
    model = load_model(source, {"profile.yaml": yaml.safe_dump(SHOP)}, 4, 1.0, NOW)
    assert isinstance(model, LoadModelStatus)
    assert model.threads == 4


def test_users_who_think_hold_threads() -> None:
    content = document()
    content["spec"]["sessions"] = {
        "from": "2026-06-01T00:00:00Z",
        "to": "2026-06-02T00:00:00Z",
        "lines": 9,
        "unread": 0,
        "outside": 0,
        "sessions": 1,
        "requests": 2,
        "seconds": 10,
        "starts": [{"endpoint": "GET /api/customers", "share": 1}],
        "after": [
            {
                "endpoint": "GET /api/customers",
                "count": 4,
                "ends": 0,
                "next": [{"endpoint": "GET /api/orders/{id}", "share": 1, "count": 4, "thinkMs": 20_000}],
            }
        ],
    }
    found = load_model(
        ProfileSource(config_map="shop"), {"profile.yaml": yaml.safe_dump(content)}, 1, 1.0, NOW
    )
    assert isinstance(found, LoadModelStatus)
    assert found.threads == 10 * RATE + 12 * 20  # of 40 requests a second 12 come after 20 s


def test_it_is_told_where_the_load_comes_from() -> None:
    model = of(scale=1.5, season="sale")
    assert isinstance(model, LoadModelStatus)
    assert model.message == (
        "180/s: production's Fri 12:00 (UTC) x 1.5 in the season sale, by profile.yaml in ConfigMap shop, "
        f"traffic up to {NOW - timedelta(hours=1):%Y-%m-%d}"
    )


def test_what_is_missing_or_wrong_is_told_with_what_to_do() -> None:
    reason, message = problem(None)
    assert reason == "ProfileNotFound"
    assert message.startswith("ConfigMap shop does not exist; create it with profile.yaml, a LoadProfile")
    assert problem(SHOP, key="other.yaml") == (
        "ProfileNotFound",
        "ConfigMap shop has no key other.yaml (keys: profile.yaml); set profile.key",
    )
    reason, message = problem("kind: [")
    assert (reason, message.startswith("shop/profile.yaml:")) == ("ProfileInvalid", True)
    reason, message = problem({**SHOP, "kind": "Profile"})
    assert reason == "ProfileInvalid"
    assert "shop/profile.yaml:" in message
    assert problem(SHOP, season="summer") == (
        "ProfileInvalid",
        'spec.seasons: there is no season "summer"; it has sale, easter',
    )
    assert problem(SHOP, season="easter")[0] == "ProfileInvalid"
    reason, message = problem(SHOP, scale=900)
    assert reason == "ProfileInvalid"
    assert "need 360000 threads, and 100000 are the most; set profile.scale or profile.stall lower" in message


def test_a_stale_profile_is_no_silent_default() -> None:
    old = document()
    old["spec"]["data"]["newest"] = (NOW - timedelta(days=40)).isoformat()
    reason, message = problem(old)
    assert reason == "ProfileDoubted"
    assert "stale: the newest traffic in it is 40 days old" in message
    assert message.endswith("or set profile.acceptDoubts")
    source = ProfileSource.from_json({"configMap": "shop", "acceptDoubts": True})
    assert isinstance(load_model(source, {"profile.yaml": yaml.safe_dump(old)}, 1, 1.0, NOW), LoadModelStatus)


def test_a_run_plays_what_the_profile_said_as_it_prepared() -> None:
    world, name = next(released(load=profiled(scale=1.5)))
    assert world.gate is not None
    files = {"scenario": {"scenario.jmx": SCENARIO}, "shop": {"profile.yaml": yaml.safe_dump(SHOP)}}
    assert config_maps(world.gate.spec) == files.keys()
    world.inputs = check_inputs(world.gate.spec, files, SERVICE, set(), NOW)
    world.until(name, Phase.STARTING)
    emptied = {**files, "shop": {"profile.yaml": ""}}
    world.inputs = check_inputs(played(world.gate, world.runs[name]).spec, emptied, SERVICE, set(), NOW)
    assert world.inputs.problem is None  # a profile that changes is for the next run
    world.until(name, Phase.RUNNING)
    status = world.runs[name].status
    assert status.load is not None
    assert (status.load.planned_rate, status.load.threads) == ("3600/m", 600)
    told = [entry.message for entry in status.timeline if "production's Fri 12:00" in entry.message]
    assert len(told) == 1


def test_without_its_profile_a_run_ends_before_its_load_and_the_gate_says_so() -> None:
    world, name = next(released(load=profiled()))
    assert world.gate is not None
    world.inputs = check_inputs(
        world.gate.spec, {"scenario": {"scenario.jmx": SCENARIO}, "shop": None}, SERVICE, set(), NOW
    )
    world.settle(name)
    status = world.runs[name].status
    assert (status.verdict, status.reason) == ("Error", "ProfileNotFound")
    assert name not in world.jobs
    assert seen_by_gate(status.reason, world.gate.spec)


def test_what_a_profile_gives_is_no_criterion() -> None:
    asked = gate(load=profiled()).spec
    given = gate(load={**profiled(), "jmeter": {**JMETER, "rate": "2400/m", "threads": 400}}).spec
    assert criteria_hash(asked) == criteria_hash(given)
    assert criteria_hash(gate(load=profiled(scale=2)).spec) != criteria_hash(asked)
