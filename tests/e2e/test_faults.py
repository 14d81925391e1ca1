"""Parts that break under load: what is left of the evidence never makes a Pass by itself."""

from __future__ import annotations

from hack.kube import Object
from tests.e2e.arena import APP, Arena, outcome
from tests.e2e.processes import kill


def test_without_prometheus_nothing_passes(arena: Arena):
    arena.start_with_prometheus()
    arena.release("2")
    arena.wait_for_load()
    arena.kube.patch("Deployment", "prometheus", arena.namespace, {"spec": {"replicas": 0}})
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Inconclusive", "PrometheusUnavailable")
    assert run["status"]["action"]["type"] == "Hold"
    assert arena.gate()["status"]["knownGood"] != run["status"]["revision"]


def test_a_killed_jmeter_is_inconclusive(arena: Arena):
    arena.start()
    arena.release("2")
    run = arena.wait_for_load()
    template = arena.template()
    kill(arena.load_pod(run["metadata"]["name"]), "ApacheJMeter.jar")
    run = arena.wait_for_end()
    assert outcome(run)[:2] == ("Completed", "Inconclusive")
    assert outcome(run)[2] in {"JMeterDied", "JTLTruncated"}
    assert run["status"]["workers"][0]["rows"] > 0, "what had been written was still delivered"
    assert arena.template() == template


def test_a_killed_agent_comes_back_and_loses_nothing(arena: Arena):
    arena.start()
    arena.release("2")
    run = arena.wait_for_load()
    pod = arena.load_pod(run["metadata"]["name"])
    kill(pod, "devperfops-agent")
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Pass", "ObjectivesMet")
    assert run["status"]["workers"][0]["rows"] == run["status"]["load"]["samples"]


def test_a_deleted_load_pod_is_inconclusive(arena: Arena):
    arena.start()
    arena.release("2")
    run = arena.wait_for_load()
    pod = arena.load_pod(run["metadata"]["name"])
    arena.kube.delete("Pod", pod["metadata"]["name"], arena.namespace)
    run = arena.wait_for_end()
    assert outcome(run)[:2] == ("Completed", "Inconclusive")
    assert run["status"]["action"]["type"] == "Hold"


def test_a_target_that_hangs_fails(arena: Arena):
    """It is Ready, takes every connection and answers none: JMeter writes no row at all."""
    scenario = next(each for each in arena.app if each["kind"] == "ConfigMap")
    scenario["data"] = {key: text.replace(">10000<", ">300000<") for key, text in scenario["data"].items()}
    arena.gate_manifest["spec"]["load"]["jmeter"]["duration"] = "90s"
    arena.start()
    before = arena.template()
    hang = (
        "--random-delay",
        "--random-delay-min=200",
        "--random-delay-max=201",
        "--http-server-timeout=300s",
    )
    arena.release("2", *hang, change=_ready_when_connected)
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Fail", "Unresponsive")
    assert run["status"]["action"]["type"] == "Rollback"
    assert arena.template() == before


def _ready_when_connected(deployment: Object) -> None:
    """A readiness probe that a hanging process still satisfies."""
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["readinessProbe"] = {"tcpSocket": {"port": "http"}, "periodSeconds": 2}
    del container["livenessProbe"]
    assert container["name"] == APP
