"""Faults under a load: each is named, none passes, none blames the release, and evidence that is whole counts."""

from __future__ import annotations

import signal
import time

import pytest

from hack.kube import wait_for
from tests.e2e import node
from tests.e2e.arena import Arena, outcome
from tests.e2e.clock import set_clock, with_clock
from tests.e2e.processes import AGENT, JMETER, kill

_CUT_SECONDS = 60
_INDEX = "batch.kubernetes.io/job-completion-index"
_END = "Notifying test listeners of end of test"


def test_a_full_disk_is_no_fault_of_the_release(arena: Arena):
    arena.load["jmeter"]["nodeSelector"] = node.selector(arena.namespace)
    arena.start()
    arena.release("2")
    pod = arena.wait_for_load_pods(1)[0]
    template = arena.template()
    with node.small_disk(pod, kibibytes=96), node.offered(arena.kube, arena.namespace):
        run = arena.wait_for_end()
        arena.wait_for_load_over()
    assert outcome(run) == ("Completed", "Inconclusive", "DiskFull")
    assert "No space left on device" in run["status"]["message"]
    assert run["status"]["action"]["type"] == "Hold"
    assert run["status"]["workers"][0]["fault"] == "DiskFull"
    assert run["status"]["load"]["stopRequestedAt"] < run["status"]["load"]["endsAt"], "it does not go on"
    assert arena.template() == template


def test_an_agent_out_of_memory_costs_nothing_and_a_jmeter_is_named(arena: Arena):
    arena.start()
    arena.release("2")
    run = arena.wait_for_load()
    pod, template = arena.load_pod(run["metadata"]["name"]), arena.template()
    node.take_memory(pod, AGENT)
    seen = run["status"]["load"]["samples"]
    arena.wait_for_load(samples=seen + 150)
    node.take_memory(pod, JMETER)
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Inconclusive", "JMeterDied")
    name = pod["metadata"]["name"]
    assert f"container jmeter of pod {name} ended with code 137: OOMKilled" in run["status"]["message"]
    assert run["status"]["workers"][0]["rows"] > seen + 150, "what had been written was still delivered"
    assert arena.template() == template
    arena.wait_for_load_over()


def test_an_agent_killed_at_jmeters_end_takes_the_evidence_along(arena: Arena):
    """The kubelet starts no sidecar again once JMeter's container has ended."""
    arena.start()
    arena.release("2")
    run = arena.wait_for_load()
    pod = arena.load_pod(run["metadata"]["name"])
    log = node.results(pod) / "jmeter.log"
    wait_for("JMeter's test ends", lambda: _END in log.read_text(), seconds=60, interval=0.05)
    kill(pod, AGENT, signal.SIGSTOP)
    node.wait_until_gone(pod, JMETER, seconds=30)
    kill(pod, AGENT)
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Inconclusive", "EvidenceLost")
    name = pod["metadata"]["name"]
    assert f"container agent of pod {name} ended with code 137" in run["status"]["message"]
    assert run["status"]["action"]["type"] == "Hold"
    arena.wait_for_load_over()


def test_a_network_that_is_cut_for_a_minute_costs_nothing(arena: Arena):
    """JMeter ends in the middle of it."""
    arena.start()
    arena.release("2")
    run = arena.wait_for_load()
    pod = arena.load_pod(run["metadata"]["name"])
    with node.network_cut(pod, arena.operator.port):
        begun = time.monotonic()
        node.wait_until_gone(pod, JMETER, seconds=_CUT_SECONDS)
        rows = (node.results(pod) / "run.jtl").read_text().count("\n") - 1
        time.sleep(begun + _CUT_SECONDS - time.monotonic())  # so long is this fault
        (during,) = arena.runs()
        assert during["status"]["phase"] in {"Running", "Judging"}
        assert during["status"]["load"]["samples"] < rows
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Pass", "ObjectivesMet")
    assert run["status"]["workers"][0]["rows"] == rows


def test_an_operator_killed_when_one_of_two_workers_is_through_judges_both(arena: Arena):
    arena.load["workers"] = 2
    arena.start()
    arena.release("2")
    run = arena.wait_for_load()
    late = next(pod for pod in arena.wait_for_load_pods(2) if pod["metadata"]["labels"][_INDEX] == "1")
    kill(late, AGENT, signal.SIGSTOP)
    run = arena.wait_for_run("half delivered", lambda run: len(run["status"].get("workers", [])) == 1)
    (stored,) = run["status"]["workers"]
    assert stored["index"] == 0
    arena.operator.kill()
    arena.operator.start()
    kill(late, AGENT, signal.SIGCONT)
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Pass", "ObjectivesMet")
    workers, load = run["status"]["workers"], run["status"]["load"]
    assert workers[0] == stored
    assert all(worker["firstStart"] for worker in workers)
    assert sum(worker["rows"] for worker in workers) == load["samples"]
    judged = sum(worker["judgedSamples"] for worker in workers)
    assert judged == run["status"]["objectives"][0]["samples"] > 500
    assert len(arena.jobs()) == 1


@pytest.mark.parametrize("seconds", [600, -600], ids=["ahead", "back"])
def test_a_clock_that_is_set_under_load_proves_nothing(arena: Arena, seconds: int):
    with with_clock(arena.images["operator"]) as operator, with_clock(arena.images["jmeter"]) as jmeter:
        arena.operator.settings["images"] = {"operator": operator, "jmeter": jmeter}
        arena.start()
        arena.release("2")
        run, template = arena.wait_for_load(), arena.template()
        set_clock(arena.load_pod(run["metadata"]["name"]), seconds)
        run = arena.wait_for_end()
        arena.wait_for_load_over()
    assert outcome(run) == ("Completed", "Inconclusive", "ClockStepped")
    assert "the clock of the node of worker 0 jumped" in run["status"]["message"]
    assert run["status"]["action"]["type"] == "Hold"
    assert arena.template() == template
