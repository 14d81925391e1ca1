"""Verdicts whose ground is more than one count: a longer load, another release beside, a target that does not stay."""

from __future__ import annotations

import copy

from hack.demo import sample
from hack.kube import Object
from tests.e2e.arena import APP, SLOW, Arena, outcome
from tests.e2e.processes import kill


def test_a_load_goes_on_until_its_evidence_suffices(arena: Arena):
    """20/s for 20 s are 400 samples, and p99 takes 528 good ones, seen twice."""
    arena.load["jmeter"] |= {"rate": "1200/m", "duration": "22s", "maxDuration": "52s"}
    arena.gate_manifest["spec"]["objectives"] = [{"expect": "p99 < 2s"}, {"expect": "errors < 1%"}]
    arena.start()
    arena.release("2")
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Pass", "ObjectivesMet")
    told = {entry["reason"]: entry["message"] for entry in run["status"]["timeline"]}
    assert "the load goes on, up to 52s in all: p99 < 2s is not shown to hold: 0 of " in told["Extended"]
    assert run["status"]["load"]["judgedSamples"] > 800
    assert [worker["end"] for worker in run["status"]["workers"]] == ["Completed"]


def test_a_slower_release_than_the_one_beside_it_is_rolled_back(arena: Arena):
    arena.load["workers"] = 2
    arena.load["baseline"] = {"host": f"{APP}-stable"}
    arena.load["jmeter"] |= {"duration": "320s", "threads": 200}
    arena.gate_manifest["spec"]["objectives"] = [{"expect": "p95 < baseline + 300%"}]
    arena.kube.apply(_stable(arena))
    arena.start()
    before = arena.template()
    arena.release("2", *SLOW)
    run = arena.wait_for_end(seconds=400)
    assert outcome(run) == ("Completed", "Fail", "ObjectiveFailed")
    assert "p95 < baseline + 300% does not hold: p95 = 2." in run["status"]["message"]
    assert run["status"]["load"]["judgedSamples"] > 2_000
    assert run["status"]["action"]["type"] == "Rollback"
    arena.wait_for_rollout()
    assert arena.template() == before


def test_a_load_that_goes_elsewhere_tells_nothing_even_when_it_fails(arena: Arena):
    """The plan reads its host, and then asks another Service, which is slow."""
    scenario = sample.only(arena.app, "ConfigMap")
    (key, plan), *_ = scenario["data"].items()
    host = '<stringProp name="HTTPSampler.domain">${__P(ServerName)}</stringProp>'
    assert host in plan
    scenario["data"][key] = plan.replace(
        host, f'<stringProp name="HTTPSampler.domain">{APP}-stable</stringProp>'
    ).replace("All figures come from the gate.", "The host is not ${__P(ServerName)}.")
    arena.kube.apply(_stable(arena, *SLOW))
    arena.start()
    arena.release("2")
    template = arena.template()
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Inconclusive", "WrongHost")
    assert f"judged samples went to {APP}" in run["status"]["message"]
    assert f"to {APP}-stable" in run["status"]["message"]
    assert arena.template() == template


def test_a_target_whose_container_dies_under_load_does_not_pass(arena: Arena):
    arena.gate_manifest["spec"]["objectives"] = [{"expect": "errors < 60%"}]
    arena.start()
    arena.release("2")
    arena.wait_for_load(samples=200)
    pod = arena.kube.list("Pod", arena.namespace, f"app={APP}")[0]
    kill(pod, "--port=9898")
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Inconclusive", "TargetRestarted")
    assert pod["metadata"]["name"] in run["status"]["message"]
    assert "exit code 137" in run["status"]["message"]


def _stable(arena: Arena, *arguments: str) -> list[Object]:
    """Another release of the app beside it, behind a Service of its own."""
    name = f"{APP}-stable"
    deployment = sample.version(sample.only(arena.app, "Deployment"), "stable", *arguments)
    service = copy.deepcopy(sample.only(arena.app, "Service"))
    for each in (deployment, service):
        each["metadata"]["name"] = name
    deployment["spec"]["selector"] = {"matchLabels": {"app": name}}
    deployment["spec"]["template"]["metadata"]["labels"] = {"app": name}
    service["spec"]["selector"] = {"app": name}
    return [deployment, service]
