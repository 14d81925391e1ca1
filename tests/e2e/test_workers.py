"""Several workers play one load."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from hack.kube import Object
from tests.e2e.arena import Arena, outcome
from tests.e2e.registry import slow_registry


@pytest.fixture
def by_hand(arena: Arena) -> Arena:
    """Nothing runs unless somebody asks for it."""
    arena.gate_manifest["spec"]["triggers"] = {"rollout": False}
    arena.load["jmeter"] |= {"duration": "15s", "rate": "3000/m"}
    return arena


def test_one_plan_gives_the_same_rate_and_verdict_on_1_2_and_4_workers(by_hand: Arena):
    by_hand.load["jmeter"]["duration"] = "45s"  # four JMeters that start at once lose a second of it or two
    by_hand.play_per(60)
    by_hand.start()
    for number, workers in enumerate((1, 2, 4), start=1):
        by_hand.load["workers"] = workers
        by_hand.apply("PerfGate")
        by_hand.manual_run(f"on-{workers}")
        run = by_hand.wait_for_end(number=number)

        assert outcome(run) == ("Completed", "Pass", "ObjectivesMet")
        load, stored = run["status"]["load"], run["status"]["workers"]
        assert len(stored) == load["workers"] == workers
        assert abs(int(load["achievedRate"].removesuffix("/m")) - 3000) < 0.05 * 3000
        assert sum(each["rows"] for each in stored) == load["samples"]
        assert sum(each["judgedSamples"] for each in stored) == load["judgedSamples"] > 500
        assert load["judgedSamples"] == run["status"]["objectives"][0]["samples"]
        assert shares(by_hand, run) == (80, 3000)
        rows = [each["rows"] for each in stored]
        assert max(rows) < 1.2 * min(rows), "every worker has played its part"


def test_workers_that_cannot_be_scheduled_end_in_the_schedulers_words(by_hand: Arena):
    by_hand.operator.settings["timeouts"] = {"start": "15s"}
    by_hand.load["workers"] = 16
    by_hand.load["jmeter"]["resources"] = {"requests": {"cpu": "1"}}
    by_hand.start()
    by_hand.manual_run("too-large")
    run = by_hand.wait_for_end()
    assert outcome(run) == ("Completed", "Error", "StartTimeout")
    assert "did not start within 15s: pod too-large-" in run["status"]["message"]
    assert "Insufficient cpu" in run["status"]["message"]
    assert run["status"]["action"]["type"] == "Hold"
    by_hand.wait_for_no_load()
    assert by_hand.jobs() == []


def test_all_wait_for_an_image_that_is_pulled_slowly(by_hand: Arena):
    by_hand.load["workers"] = 2
    with slow_registry(by_hand.images["jmeter"], seconds=15) as registry:
        by_hand.load["jmeter"]["image"] = registry.image
        by_hand.start()
        by_hand.manual_run("slow-pull")
        run = by_hand.wait_for_end()
    assert outcome(run) == ("Completed", "Pass", "ObjectivesMet")
    starts = [datetime.fromisoformat(each["firstStart"]).timestamp() for each in run["status"]["workers"]]
    assert registry.ended, "the layer was never pulled"
    assert min(starts) > registry.ended[0] > registry.begun[0] + 14
    assert max(starts) - min(starts) < 5


def test_an_image_that_cannot_be_pulled_ends_in_the_kubelets_words(by_hand: Arena):
    by_hand.operator.settings["timeouts"] = {"start": "15s"}
    by_hand.load["workers"] = 2
    with slow_registry(by_hand.images["jmeter"], seconds=0) as registry:
        missing = f"{registry.image}-missing"
        by_hand.load["jmeter"]["image"] = missing
        by_hand.start()
        by_hand.manual_run("no-image")
        run = by_hand.wait_for_end()
    assert outcome(run) == ("Completed", "Error", "StartTimeout")
    assert "container pull of pod no-image-" in run["status"]["message"]
    assert missing in run["status"]["message"]
    by_hand.wait_for_no_load()
    assert by_hand.jobs() == []


def shares(arena: Arena, run: Object) -> tuple[int, int]:
    """Threads and samples a minute of all workers together, as their pods were told."""
    pods = arena.kube.list("Pod", arena.namespace, f"devperfops.io/run={run['metadata']['name']}")
    orders: list[Any] = json.loads(pods[0]["spec"]["initContainers"][0]["env"][0]["value"])["shares"]
    return sum(int(each["NumOfThreads"]) for each in orders), sum(int(each["TPM"]) for each in orders)
