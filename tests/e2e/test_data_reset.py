"""The data of a gate's environment: whatever a load leaves behind, the next one begins from the golden copy."""

from __future__ import annotations

import copy

from devperfops_operator.domain.manifests.common import FINALIZER, RESET_LABEL
from hack.demo import sample
from hack.kube import Object, condition, wait_for
from tests.e2e.arena import APP, Arena, outcome
from tests.e2e.database import Database
from tests.e2e.operator import component_rights


def test_every_load_begins_from_the_golden_copy_of_a_marked_database(arena: Arena):
    database = Database.started(arena.kube, arena.namespace)
    arena.gate_manifest["spec"]["data"] = {"timeout": "1m", "postgres": database.reset}
    arena.start()
    golden = database.state()

    arena.release("2")
    arena.wait_for_load()
    assert database.state() == golden
    database.dirty()
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Pass", "ObjectivesMet"), run["status"].get("message")
    assert database.state() != golden

    arena.release("3")
    name = arena.wait_for_load(number=2)["metadata"]["name"]
    assert database.state() == golden
    assert database.sql("SELECT to_regclass('left_behind') IS NULL") == "t"
    arena.kube.patch("PerfRun", name, arena.namespace, {"spec": {"cancel": True}})
    arena.wait_for_end(number=2)

    database.sql("COMMENT ON DATABASE shop IS 'production'")
    database.dirty()
    rows = database.sql("SELECT count(*) FROM orders")
    arena.release("4")
    run = arena.wait_for_end(number=3)
    assert outcome(run) == ("Completed", "Error", "DataResetFailed")
    assert ': ERROR: database "shop" is not marked as one that may be reset' in run["status"]["message"]
    assert "COMMENT ON DATABASE shop IS 'devperfops.io/may-be-reset'" in run["status"]["message"]
    assert database.sql("SELECT count(*) FROM orders") == rows
    assert run["metadata"]["name"] not in {job["metadata"]["name"] for job in arena.jobs()}, "no load"


def resetter(arena: Arena) -> list[Object]:
    """A service that resets data when it is called, and the Secret it wants: the app itself, under another name."""
    deployment = copy.deepcopy(sample.only(arena.app, "Deployment"))
    labels = {"app": "test-data"}
    metadata = {"name": "test-data", "namespace": arena.namespace}
    spec = {**deployment["spec"], "replicas": 1, "selector": {"matchLabels": labels}}
    spec["template"]["metadata"]["labels"] = labels
    service = {"selector": labels, "ports": [{"port": 9898}]}
    return [
        {**deployment, "metadata": metadata, "spec": spec},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "stringData": {"authorization": "Bearer it"},
        },
    ]


def test_what_is_quiet_while_a_service_resets_comes_back_though_the_operator_is_killed(arena: Arena):
    arena.kube.apply([*component_rights("quiesce", arena.namespace), *resetter(arena), autoscaler(arena)])
    sample.only(arena.app, "Deployment")["metadata"].setdefault("labels", {})[RESET_LABEL] = "true"
    secret = {"secretKeyRef": {"name": "test-data", "key": "authorization"}}
    call = {
        "url": "http://test-data:9898/echo",
        "headers": [{"name": "Authorization", "valueFrom": secret}],
        "body": "golden",
        "statuses": [202],
        "poll": {"url": "http://test-data:9898/readyz", "contains": "OK"},
    }
    arena.gate_manifest["spec"]["data"] = {"timeout": "2m", "http": call, "quiesce": [{"name": APP}]}
    arena.start()
    wanted = arena.deployment()["spec"]["replicas"]

    arena.release("2")
    wait_for(
        "it is scaled to zero",
        lambda: arena.deployment()["spec"]["replicas"] == 0,
        seconds=120,
        interval=0.05,
    )
    arena.operator.kill()
    (run,) = arena.runs()
    assert run["metadata"]["finalizers"] == [FINALIZER]
    assert run["status"]["reset"]["workloads"] == [{"kind": "Deployment", "name": APP, "replicas": wanted}]
    wait_for("its pods are gone", lambda: not pods(arena), seconds=120)
    wait_for("the autoscaler rests", lambda: rests(arena), seconds=60)
    assert arena.deployment()["spec"]["replicas"] == 0

    arena.operator.start()
    run = arena.wait_for_load()
    assert "DataReset" in [entry["reason"] for entry in run["status"]["timeline"]]
    assert "finalizers" not in run["metadata"]
    assert arena.deployment()["spec"]["replicas"] == wanted
    assert len(pods(arena)) == wanted
    assert len(arena.runs()) == 1, "no new revision was seen in it"


def autoscaler(arena: Arena) -> Object:
    metadata = {"name": APP, "namespace": arena.namespace}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": APP}
    spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 3}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata,
        "spec": spec,
    }


def rests(arena: Arena) -> bool:
    """Nobody wants pods, so it does not either, though its minimum is above 0."""
    found = arena.kube.find("HorizontalPodAutoscaler", APP, arena.namespace, "autoscaling/v2")
    return condition(found or {}, "ScalingActive").get("reason") == "ScalingDisabled"


def pods(arena: Arena) -> list[Object]:
    return arena.kube.list("Pod", arena.namespace, f"app={APP}")
