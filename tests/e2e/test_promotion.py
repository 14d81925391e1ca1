"""What passes goes on to a second Deployment, which is what users get."""

from __future__ import annotations

import copy

import httpx

from hack.demo import sample
from hack.kube import Object, rolled_out, wait_for
from tests.e2e.arena import APP, SLOW, Arena, outcome

PRIMARY = "podinfo-primary"
CONFIG = "release-notes"


def configure(arena: Arena, version: str) -> None:
    """The ConfigMap the app reads, by env and by volume."""
    metadata = {"name": CONFIG, "namespace": arena.namespace}
    data = {"NOTES": f"of version {version}"}
    arena.kube.apply([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}])


def one_pod(deployment: Object) -> None:
    """At any time."""
    spec = deployment["spec"]
    spec["replicas"], spec["strategy"] = 1, {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}


def read_it(deployment: Object) -> None:
    """And let no two pods of one kind on one node: taken for one kind, the two would not fit on the only one."""
    pod = deployment["spec"]["template"]["spec"]
    own = {"labelSelector": {"matchLabels": {"app": APP}}, "topologyKey": "kubernetes.io/hostname"}
    pod["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [own]}}
    pod["topologySpreadConstraints"] = [{**own, "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}]
    pod["volumes"] = [{"name": "notes", "configMap": {"name": CONFIG}}]
    (container,) = pod["containers"]
    container["envFrom"] = [{"configMapRef": {"name": CONFIG}}]
    container["volumeMounts"] = [{"name": "notes", "mountPath": "/notes"}]
    container["args"].append("--config-path=/notes")


def start_primary(arena: Arena) -> None:
    """It runs a release of its own, without configuration."""
    deployment = copy.deepcopy(sample.only(arena.app, "Deployment"))
    service = copy.deepcopy(sample.only(arena.app, "Service"))
    deployment = sample.version(deployment, "0")
    labels = {"app": PRIMARY}
    for each in (deployment, service):
        each["metadata"]["name"] = PRIMARY
    deployment["spec"]["selector"]["matchLabels"] = labels
    deployment["spec"]["template"]["metadata"]["labels"] = labels
    service["spec"]["selector"] = labels
    arena.kube.apply([deployment, service])
    wait_for("the primary runs", lambda: rolled_out(primary(arena)), seconds=120)


def primary(arena: Arena) -> Object:
    return arena.kube.get("Deployment", PRIMARY, arena.namespace)


def served(arena: Arena) -> tuple[str, str | None, str | None]:
    """What users get: the version, and its notes by env and by volume."""
    address = arena.kube.get("Service", PRIMARY, arena.namespace)["spec"]["clusterIP"]
    with httpx.Client(base_url=f"http://{address}", timeout=10) as users:
        env = [each for each in users.get("/env").json() if each.startswith("NOTES=")]
        files = users.get("/configs").json()
        return (
            users.get("/api/info").json()["message"],
            env[0].removeprefix("NOTES=") if env else None,
            files.get("NOTES"),
        )


def test_what_passes_goes_on_to_the_primary_with_its_config_and_what_fails_does_not(arena: Arena):
    one_pod(sample.only(arena.app, "Deployment"))
    start_primary(arena)
    assert served(arena) == ("version 0", None, None)
    configure(arena, "1")
    read_it(sample.only(arena.app, "Deployment"))
    arena.gate_manifest["spec"]["promoteTo"] = PRIMARY
    arena.start()

    configure(arena, "2")
    arena.release("2")
    arena.wait_for_load()
    assert served(arena) == ("version 0", None, None), "nothing is promoted before its test is over"
    first = arena.wait_for_end()
    assert outcome(first) == ("Completed", "Pass", "ObjectivesMet")
    revision = first["status"]["revision"]
    assert first["status"]["action"]["message"] == f"Deployment {PRIMARY} runs revision {revision}"
    assert served(arena) == ("version 2", "of version 2", "of version 2")
    promoted = primary(arena)
    gate = arena.wait_for_gate("told", lambda gate: gate["status"].get("knownGood") == revision)
    assert gate["status"]["primary"]["revision"] == revision
    assert len(arena.runs()) == 1, "our own patch of the primary started nothing"

    configure(arena, "3")
    arena.release("3", *SLOW)
    second = arena.wait_for_end(number=2)
    assert outcome(second) == ("Completed", "Fail", "ObjectiveFailed")
    assert served(arena) == ("version 2", "of version 2", "of version 2")
    assert primary(arena)["spec"] == promoted["spec"]
