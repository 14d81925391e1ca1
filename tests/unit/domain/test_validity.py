"""What was measured must be the target: else even a Fail has no ground."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.api.perfrun import LoadStatus, PerfRunStatus, Phase, Verdict
from devperfops_operator.domain.observed import Evidence, WorkerEvidence
from devperfops_operator.domain.plan import resolve_load
from devperfops_operator.domain.run import stop_wanted
from devperfops_operator.domain.validity import overruling
from devperfops_operator.evidence.worker import Worker
from devperfops_operator.wire.measurement import LoadEnd
from devperfops_operator.wire.threads import Held
from devperfops_operator.wire.wakes import Wakes
from tests.unit.domain.test_workers import ended, load_of, loaded, message, outcome
from tests.unit.domain.world import BAD, GOOD, INPUTS, World, gate

TARGET = INPUTS.host


def sent_to(world: World, name: str, *hosts: dict[str, int]) -> None:
    """Where each worker's judged samples went."""
    for index, counts in enumerate(hosts):
        world.change_worker(name, index, hosts=counts)


def test_samples_of_another_host_prove_nothing_about_the_target() -> None:
    world, name = ended(2)
    sent_to(world, name, {TARGET: 700, "api.example.com": 800}, {TARGET: 0, "api.example.com": 1500})
    world.settle(name)
    assert outcome(world, name) == (Verdict.INCONCLUSIVE, "WrongHost")
    assert message(world, name).startswith(
        f"23.3% of 3000 judged samples went to {TARGET}, which the gate tests, and 2300 to api.example.com; "
    )
    assert "${__P(ServerName)}" in message(world, name)
    assert "load.target.host" in message(world, name)


@pytest.mark.parametrize(
    "hosts",
    [
        {TARGET: 1500},
        {TARGET: 750, "login.example.com": 750},  # a login on the way
        {TARGET: 0},  # samplers without a URL
        {},  # an agent of an older version
    ],
)
def test_samples_that_go_to_the_target_for_the_greater_part_are_judged(hosts: dict[str, Any]) -> None:
    world, name = ended(2)
    sent_to(world, name, hosts, hosts)
    world.settle(name)
    assert outcome(world, name) == (Verdict.PASS, "ObjectivesMet")


def test_a_fail_of_another_host_is_none_of_the_target() -> None:
    world, name = loaded(2)
    world.load(name, BAD, BAD, failed=True)
    sent_to(world, name, {TARGET: 0, "api.example.com": 5}, {TARGET: 0, "api.example.com": 5})
    world.step_run(name)
    assert world.runs[name].status.phase is Phase.ACTING
    assert outcome(world, name) == (Verdict.INCONCLUSIVE, "WrongHost")
    assert stop_wanted(world.runs[name])
    world.load(name, BAD, BAD, failed=True, final=LoadEnd.STOPPED)
    world.settle(name)
    assert world.patches == []


def test_where_samples_went_is_still_known_after_a_restart() -> None:
    world, name = ended(2)
    sent_to(world, name, {TARGET: 0, "api.example.com": 1500}, {TARGET: 1500})
    world.step_run(name)
    status = world.runs[name].status
    assert status.load is not None
    assert status.load.host == TARGET
    assert [{each.host: each.samples for each in worker.hosts} for worker in status.workers] == [
        {TARGET: 0, "api.example.com": 1500},
        {TARGET: 1500},
    ]


def test_a_load_before_its_end_is_not_judged_by_its_first_samples() -> None:
    world, name = loaded(2)
    sent_to(world, name, {TARGET: 0, "login.example.com": 5}, {TARGET: 0, "login.example.com": 5})
    world.step_run(name)
    assert world.runs[name].status.phase is Phase.RUNNING
    world.wait(51)
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    world.settle(name)
    assert outcome(world, name) == (Verdict.PASS, "ObjectivesMet")


def test_what_goes_to_the_baseline_is_no_wrong_host() -> None:
    plan = replace(resolve_load(gate(load=load_of(2)).spec), against_baseline=True)
    both = (
        WorkerEvidence(index=0, hosts={TARGET: 1500}),
        WorkerEvidence(index=1, hosts={TARGET: 0, "baseline.shop.svc": 1600}),
    )
    status = PerfRunStatus(load=LoadStatus(threads=50, host=TARGET))
    assert list(overruling(plan, Evidence(workers=both), status)) == []


# threads that all wait


def held_back(tally: Tally, *held: Held | None) -> tuple[World, str]:
    """An ended load with this tally, each of whose workers held back so much."""
    world, name = ended(len(held))
    world.load(name, tally, GOOD, final=LoadEnd.COMPLETED)
    for index, each in enumerate(held):
        final = world.evidence[name].workers[index].final
        assert final is not None
        world.change_worker(name, index, final=replace(final, held=each))
    world.settle(name)
    return world, name


def test_requests_held_back_that_could_turn_a_pass_prove_nothing() -> None:
    world, name = held_back(GOOD, Held(60, 2_500, 2_500), Held(30, 1_500, 1_000))
    assert outcome(world, name) == (Verdict.INCONCLUSIVE, "ThreadsBusy")
    assert message(world, name) == (
        "for 4.0 s all threads of a worker waited for answers, up to 2.5 s at a stretch: about 90 requests were "
        "held back, and their waiting is in no latency; had they been too slow, p99 < 2s would not be shown to "
        "hold; set load.jmeter.threads to 175 or more (now 50)"
    )


@pytest.mark.parametrize("held", [Held(), Held(5, 500, 500), None])
def test_requests_held_back_that_could_turn_nothing_are_no_matter(held: Held | None) -> None:
    world, name = held_back(GOOD, held, held)
    assert outcome(world, name) == (Verdict.PASS, "ObjectivesMet")


def test_what_was_held_back_is_still_known_after_a_restart() -> None:
    world, name = held_back(GOOD, Held(60, 2_500, 2_500))
    [worker] = world.runs[name].status.workers
    assert Worker.from_totals(worker, ()).seen.final == world.evidence[name].workers[0].final


def test_a_fail_stands_whatever_was_held_back() -> None:
    """Waiting can only make latencies longer."""
    world, name = loaded(1)
    world.load(name, BAD, BAD, failed=True)
    world.until(name, Phase.ACTING)
    assert outcome(world, name) == (Verdict.FAIL, "ObjectiveFailed")


# a load that lacks processors

STARVED = Wakes(count=60, late=5, latest_ms=900)


@pytest.mark.parametrize(
    ("wakes", "reason"),
    [
        (STARVED, "GeneratorStarved"),
        (Wakes(count=60, late=4, latest_ms=900), "ObjectivesMet"),  # one bad moment
        (Wakes(count=600, late=29, latest_ms=900), "ObjectivesMet"),  # not 5 %
        (None, "ObjectivesMet"),
    ],
)
def test_latencies_of_a_starved_load_prove_nothing(wakes: Wakes | None, reason: str) -> None:
    world, name = ended(2)
    world.change_worker(name, 1, wakes=wakes)
    world.settle(name)
    assert outcome(world, name)[1] == reason
    if wakes is STARVED:
        assert message(world, name).startswith(
            "worker 1 was woken more than 200 ms late 5 of 60 times, 900 ms at worst: its node lacked processors"
        )


@pytest.mark.parametrize(
    ("failing", "expected"),
    [
        ({"p99 < 2s"}, (Verdict.INCONCLUSIVE, "GeneratorStarved")),
        ({"errors < 0.5%"}, (Verdict.FAIL, "ObjectiveFailed")),
        ({"p99 < 2s", "errors < 0.5%"}, (Verdict.FAIL, "ObjectiveFailed")),
    ],
)
def test_a_fail_of_latencies_is_none_of_a_starved_load_and_errors_are_errors(
    failing: set[str], expected: tuple[Verdict, str]
) -> None:
    world, name = loaded(2)
    world.load(name, BAD, BAD)
    seen = world.evidence[name]
    objectives = {each: replace(found, failed=each in failing) for each, found in seen.objectives.items()}
    world.evidence[name] = replace(seen, objectives=objectives)
    world.change_worker(name, 0, wakes=STARVED)
    world.until(name, Phase.ACTING)
    assert outcome(world, name) == expected


def test_how_late_a_node_woke_is_still_known_after_a_restart() -> None:
    world, name = ended(1)
    world.change_worker(name, 0, wakes=STARVED)
    world.settle(name)
    [worker] = world.runs[name].status.workers
    assert Worker.from_totals(worker, ()).seen.wakes == STARVED
