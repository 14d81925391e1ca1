"""Two operators at once, and an API server that is away or slow: one Job, one patch, no evidence lost unseen."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from hack.cluster.settings import NODE_IP
from hack.kube import Object, wait_for
from tests.e2e.arena import SLOW, Arena, outcome
from tests.e2e.operator import Operator
from tests.integration.proxy import Proxy
from tests.integration.world import address

QUICK = {"leaseDuration": "10s", "renewDeadline": "6s", "retryPeriod": "1s"}


@pytest.fixture
def service(arena: Arena) -> Iterator[Proxy]:
    """Where load pods reach the operators: the test plays the Service, which leads to the one that is ready."""
    with Proxy((NODE_IP, arena.operator.port), host=NODE_IP) as service:
        yield service


@pytest.fixture
def second(arena: Arena, service: Proxy) -> Iterator[Operator]:
    arena.operator.settings["operatorUrl"] = f"http://{NODE_IP}:{service.port}"
    arena.operator.settings["leaderElection"] |= QUICK
    shared = {key: value for key, value in arena.operator.settings.items() if key != "port"}
    second = Operator(arena.kube, arena.namespace, arena.folder, shared, name="second")
    second.log.unlink(missing_ok=True)
    yield second
    second.stop()


@pytest.fixture
def api_server(arena: Arena) -> Iterator[Proxy]:
    """The operator's way to the API server."""
    with Proxy(address(arena.kube.kubeconfig), host=NODE_IP) as proxy:
        arena.operator.api_server = f"https://{NODE_IP}:{proxy.port}"
        yield proxy


def start_both(arena: Arena, second: Operator) -> None:
    arena.start()
    second.launch()
    wait_for("the second stands by", lambda: "not the leader" in second.readiness(), seconds=60)


def take_over(arena: Arena, second: Operator, service: Proxy) -> None:
    arena.operator.kill()
    second.wait_until_ready(seconds=30)
    service.target = (NODE_IP, second.port)


def assert_nothing_twice(arena: Arena, run: Object, made: Object) -> None:
    """`made`: its Job before the fault, which may be gone: one that had to be suspended is deleted."""
    assert len(arena.runs()) == 1
    assert {job["metadata"]["uid"] for job in arena.jobs()} <= {made["metadata"]["uid"]}
    told = Counter(entry["reason"] for entry in run["status"]["timeline"])
    wait_for("all of it is told", lambda: set(events(arena, run)) >= set(told), seconds=30)
    assert events(arena, run) == told


def events(arena: Arena, run: Object) -> Counter[str]:
    """What was told about it; the end is told after it is stored."""
    return Counter(
        event["reason"]
        for event in arena.kube.list("Event", arena.namespace)
        if event["involvedObject"]["uid"] == run["metadata"]["uid"]
    )


def assert_all_of_the_evidence(run: Object) -> None:
    (worker,) = run["status"]["workers"]
    assert worker["rows"] == run["status"]["load"]["samples"]
    assert run["status"]["load"]["judgedSamples"] == worker["judgedSamples"] > 500


def test_a_leader_lost_while_running_is_followed_and_all_of_the_load_judged(
    arena: Arena, second: Operator, service: Proxy
):
    start_both(arena, second)
    arena.release("2")
    arena.wait_for_load()
    (made,) = arena.jobs()
    take_over(arena, second, service)
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Pass", "ObjectivesMet")
    assert_all_of_the_evidence(run)
    assert_nothing_twice(arena, run, made)


def test_a_leader_lost_while_acting_is_followed_and_rolled_back_once(
    arena: Arena, second: Operator, service: Proxy
):
    start_both(arena, second)
    before, generation = arena.template(), arena.deployment()["metadata"]["generation"]
    arena.release("2", *SLOW)
    arena.wait_for_phase("Acting")
    (made,) = arena.jobs()
    take_over(arena, second, service)
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Fail", "ObjectiveFailed")
    assert arena.template() == before
    assert arena.deployment()["metadata"]["generation"] == generation + 2, "one release, one rollback"
    assert_nothing_twice(arena, run, made)


def test_an_api_server_away_for_half_a_minute_restarts_nothing(arena: Arena, api_server: Proxy):
    """The load ends while it is away."""
    arena.start()
    arena.release("2")
    arena.wait_for_load()
    (made,) = arena.jobs()
    api_server.close()
    time.sleep(30)  # it is the fault itself
    api_server.open()
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Pass", "ObjectivesMet")
    assert "leadership is lost" not in arena.operator.log.read_text()
    assert_all_of_the_evidence(run)
    assert_nothing_twice(arena, run, made)


def test_an_api_server_away_for_longer_than_the_lease_loses_no_evidence(arena: Arena, api_server: Proxy):
    """Minutes in small: the operator ends at its deadline and is started again, as Kubernetes would."""
    arena.operator.settings["leaderElection"] |= QUICK
    arena.start()
    arena.release("2")
    arena.wait_for_load()
    (made,) = arena.jobs()
    api_server.close()
    assert arena.operator.wait_until_ended(seconds=30) == 3
    arena.operator.launch()
    wait_for("it waits", lambda: "cannot be reached" in arena.operator.readiness(), seconds=60)
    api_server.open()
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Pass", "ObjectivesMet")
    assert_all_of_the_evidence(run)
    assert_nothing_twice(arena, run, made)


@pytest.mark.skipif("DEVPERFOPS_LONG_TESTS" not in os.environ, reason="takes seven minutes")
def test_an_api_server_away_for_five_minutes_never_makes_a_pass(arena: Arena, api_server: Proxy):
    """The load ends while it is away, and the agent offers its last measurements for 110 s."""
    arena.start()
    before = arena.template()
    arena.release("2")
    arena.wait_for_load()
    (made,) = arena.jobs()
    api_server.close()
    began = time.monotonic()
    assert arena.operator.wait_until_ended(seconds=60) == 3
    arena.operator.launch()
    time.sleep(300 - (time.monotonic() - began))
    api_server.open()
    run = arena.wait_for_end(seconds=60)
    assert outcome(run) == ("Completed", "Inconclusive", "EvidenceLost")
    assert run["status"]["action"]["type"] == "Hold"
    assert arena.template() != before
    assert_nothing_twice(arena, run, made)


def test_a_slow_api_server_changes_no_verdict(arena: Arena, api_server: Proxy):
    """Every answer of it comes two seconds late, from the release to the verdict."""
    arena.start()
    api_server.delay_s = 2.0
    arena.release("2")
    arena.wait_for_load()
    (made,) = arena.jobs()
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Pass", "ObjectivesMet")
    assert "leadership is lost" not in arena.operator.log.read_text()
    assert_all_of_the_evidence(run)
    assert_nothing_twice(arena, run, made)
