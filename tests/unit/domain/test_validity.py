"""What was measured must be the target: else even a Fail has no ground."""

from __future__ import annotations

from typing import Any

import pytest

from devperfops_operator.api.perfrun import Phase, Verdict
from devperfops_operator.domain.run import stop_wanted
from devperfops_operator.wire.measurement import LoadEnd
from tests.unit.domain.test_workers import ended, loaded, message, outcome
from tests.unit.domain.world import BAD, GOOD, INPUTS, World

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
