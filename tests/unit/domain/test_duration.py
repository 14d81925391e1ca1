"""`duration: auto`: as long as the objectives need at the rate."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from devperfops_operator.analysis.exceedance import ShareTest, Tally
from devperfops_operator.api.perfrun import Phase
from devperfops_operator.domain.duration import samples_for_pass
from devperfops_operator.domain.plan import resolve_load
from tests.unit.domain.world import gate, released


def resolved(rate: str, longest: str, *expects: str, **others: Any) -> timedelta:
    jmeter = {
        "plan": {"configMap": "scenario"},
        "threads": 50,
        "rampUp": "1m",
        "duration": "auto",
        "maxDuration": longest,
        "rate": rate,
    }
    objectives = [{"expect": expect, **others} for expect in expects]
    plan = resolve_load(gate(load={"jmeter": jmeter}, objectives=objectives).spec)
    return plan.planned or plan.duration


@pytest.mark.parametrize(
    ("rate", "longest", "expects", "minutes"),
    [
        pytest.param("3000/m", "1h", ("p99 < 2s",), 6, id="never so short that a stall decides by chance"),
        pytest.param("300/m", "1h", ("p99 < 2s",), 28, id="as long as the percentile needs at this rate"),
        pytest.param("600/m", "1h", ("p99 < 2s",), 15, id="half of it at twice the rate"),
        pytest.param("600/m", "1h", ("p90 < 1s", "p99 < 2s"), 15, id="as long as the one that needs most"),
        pytest.param("300/m", "15m", ("p99 < 2s",), 15, id="no longer than it may"),
    ],
)
def test_the_load_lasts_as_long_as_its_objectives_need(
    rate: str, longest: str, expects: tuple[str, ...], minutes: int
) -> None:
    assert resolved(rate, longest, *expects) == pytest.approx(
        timedelta(minutes=minutes), abs=timedelta(minutes=1)
    )


def test_objectives_that_decide_nothing_do_not_make_it_longer() -> None:
    assert resolved("300/m", "2h", "p99 < 2s", critical=False) == timedelta(hours=2)


@pytest.mark.parametrize("allowed", [Fraction(1, 1000), Fraction(1, 100), Fraction(1, 20)])
def test_a_target_with_half_the_exceedances_allowed_passes(allowed: Fraction) -> None:
    test = ShareTest(allowed, alpha=0.001)
    samples = samples_for_pass(test)
    drawn = np.random.default_rng(3).binomial(samples, float(allowed) / 2, 2000)
    assert sum(test.passes(Tally(samples, int(count))) for count in drawn) / 2000 >= 0.94


def test_the_run_tells_how_long_it_loads_and_why() -> None:
    load = {
        "jmeter": {
            "plan": {"configMap": "scenario"},
            "threads": 50,
            "duration": "auto",
            "maxDuration": "30m",
            "rate": "600/m",
        }
    }
    world, name = next(released(load=load, objectives=[{"expect": "p99 < 2s"}]))
    world.until(name, Phase.RUNNING)
    status = world.runs[name].status
    said = next(entry.message for entry in status.timeline if entry.reason == "WorkersReady")
    needs = "with 600/m for 14m (as its objectives need at this rate), up to 30m if evidence is missing then"
    assert needs in said
    assert status.load is not None
    assert status.load.start_at is not None
    assert status.load.ends_at == status.load.start_at + timedelta(minutes=30)
