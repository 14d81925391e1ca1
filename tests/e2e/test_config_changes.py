"""Configuration that changes without the template: a file that pods follow, and an environment that they do not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx

from hack.demo import sample
from hack.kube import wait_for
from tests.e2e.arena import APP, Arena, outcome

_SYNC = "20s"
"""The local kubelet looks at a pod's volumes every 10 s, or 15 at most."""
_SLOW = {
    "PODINFO_RANDOM_DELAY": "true",
    "PODINFO_RANDOM_DELAY_MIN": "2",
    "PODINFO_RANDOM_DELAY_MAX": "3",
}


def test_configuration_is_judged_once_pods_have_it_and_a_fail_is_held(arena: Arena):
    arena.operator.settings["timeouts"] = {"configSync": _SYNC}
    _reads_configuration(arena)
    arena.start()

    _configure(arena, "files", greeting="hello again")
    run = arena.wait_for_phase("Running")
    assert _greetings(arena) == {"hello again"}
    assert run["status"]["revision"] == arena.gate()["status"]["target"]["revision"]
    first = arena.wait_for_end()
    assert outcome(first) == ("Completed", "Pass", "ObjectivesMet")

    _configure(arena, "environment", **_SLOW)
    assert "environment: envFrom" in arena.wait_for_stalled("ConfigNotLoaded")
    assert len(arena.runs()) == 1
    _restart(arena)
    second = arena.wait_for_end(number=2)
    assert outcome(second) == ("Completed", "Fail", "ObjectiveFailed")
    action = second["status"]["action"]
    assert (action["type"], action["reason"]) == ("Hold", "ConfigNotReversible")
    assert "ConfigMap environment" in action["message"]
    gate = arena.wait_for_gate("told", lambda gate: gate["status"]["lastVerdict"] == "Fail")
    assert gate["status"]["knownGood"] == first["status"]["revision"]


def _reads_configuration(arena: Arena) -> None:
    pod = sample.only(arena.app, "Deployment")["spec"]["template"]["spec"]
    pod["volumes"] = [{"name": "files", "configMap": {"name": "files"}}]
    container = pod["containers"][0]
    container["args"].append("--config-path=/files")
    container["volumeMounts"] = [{"name": "files", "mountPath": "/files", "readOnly": True}]
    container["envFrom"] = [{"configMapRef": {"name": "environment"}}]
    _configure(arena, "files", greeting="hello")
    _configure(arena, "environment", PODINFO_RANDOM_DELAY="false")


def _configure(arena: Arena, name: str, **data: str) -> None:
    metadata = {"name": name, "namespace": arena.namespace}
    manifest: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    arena.kube.apply([manifest])


def _greetings(arena: Arena) -> set[str]:
    """What the pods say their configuration is."""
    pods = arena.kube.list("Pod", arena.namespace, f"app={APP}")
    urls = [f"http://{pod['status']['podIP']}:9898/configs" for pod in pods]
    return {httpx.get(url, timeout=10).raise_for_status().json()["greeting"] for url in urls}


def _restart(arena: Arena) -> None:
    now = datetime.now(UTC).isoformat()
    restarted = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": now}}}
    arena.kube.patch("Deployment", APP, arena.namespace, {"spec": {"template": restarted}})
    wait_for("its run begins", lambda: len(arena.runs()) == 2, seconds=60)
