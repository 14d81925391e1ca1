"""A volume made anew from a snapshot, by a CSI driver and the controllers that other clusters have, too."""

from __future__ import annotations

import pytest

from devperfops_operator.domain.manifests.common import RESET_LABEL
from hack import volumes
from hack.cluster import settings
from hack.cluster.locks import exclusive
from hack.demo import sample
from hack.kube import Object, wait_for
from tests.e2e import database as databases
from tests.e2e.arena import APP, Arena, outcome
from tests.e2e.conftest import World
from tests.e2e.database import Database
from tests.e2e.operator import component_rights
from tests.e2e.volume import Volume, paused

MARK = {"metadata": {"labels": {RESET_LABEL: "true"}}}


@pytest.fixture
def volume(world: World, arena: Arena) -> Volume:
    """A claim's name in a cluster that has storage, for an operator that may replace it."""
    cache = settings.cache()
    with exclusive(cache.root / "e2e.lock", "another test process sets the cluster up"):
        volumes.provide(world.kube, cache)
    for component in ("quiesce", "volume-snapshots"):
        arena.kube.apply(component_rights(component, arena.namespace))
    return Volume(arena.kube, arena.namespace)


def at_most_one_claim(arena: Arena) -> Object:
    """A quota, which counts a claim until some time after it is gone."""
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "one", "namespace": arena.namespace},
        "spec": {"hard": {"persistentvolumeclaims": "1"}},
    }


def scale_database(arena: Arena, replicas: int) -> None:
    arena.kube.patch("Deployment", databases.NAME, arena.namespace, {"spec": {"replicas": replicas}})


def database_pods(arena: Arena) -> list[Object]:
    return arena.kube.list("Pod", arena.namespace, f"app={databases.NAME}")


def test_each_load_begins_from_the_snapshot_though_the_operator_is_killed_and_the_storage_is_slow(
    arena: Arena, volume: Volume
):
    arena.kube.create(at_most_one_claim(arena))
    volume.claim(volumes.LATE)
    database = Database.started(arena.kube, arena.namespace, claim=volume.name)
    arena.kube.patch("Deployment", databases.NAME, arena.namespace, MARK)
    golden = database.state()
    scale_database(arena, 0)
    wait_for("the database is stopped", lambda: not database_pods(arena), seconds=60)
    volume.snapshot("golden")
    size = volume.wait_for_snapshot("golden")["restoreSize"]
    scale_database(arena, 1)
    arena.gate_manifest["spec"]["data"] = {
        "timeout": "2m",
        "volumeSnapshot": {"snapshot": "golden", "claim": volume.name},
        "quiesce": [{"name": databases.NAME}],
    }
    arena.start()
    wait_for("the database answers", lambda: database.state() == golden, seconds=60)
    database.dirty()
    before, (first,) = volume.uid, volume.persistent()

    arena.release("2")
    arena.wait_for_load()
    assert database.state() == golden
    made = volume.uid
    assert made != before
    claim = volume.stored()
    assert claim is not None
    assert claim["spec"]["dataSource"]["name"] == "golden"
    assert claim["spec"]["resources"]["requests"]["storage"] == size, "more than the first one asked for"
    database.dirty()
    assert outcome(arena.wait_for_end()) == ("Completed", "Pass", "ObjectivesMet")
    wait_for("the first volume is gone", lambda: first not in volume.persistent(), seconds=60)

    with paused("csi-provisioner"):
        arena.release("3")
        arena.wait_for_run("sure what to replace", remembers_the_claim, number=2, interval=0.05)
        arena.operator.kill()
        arena.operator.start()
        wait_for("the new claim waits for its volume", lambda: waits(arena, volume, made), seconds=120)
        arena.operator.kill()
        assert volume.usable("golden")
        arena.operator.start()
        assert arena.runs()[1]["status"]["phase"] == "ResettingData"
    arena.wait_for_load(number=2)
    assert database.state() == golden
    assert len(arena.runs()) == 2
    assert volume.usable("golden")
    wait_for("there is one volume", lambda: len(volume.persistent()) == 1, seconds=60)


def remembers_the_claim(run: Object) -> bool:
    return "claim" in (run["status"].get("reset") or {})


def waits(arena: Arena, volume: Volume, old: str) -> bool:
    """The pods are back, and want what is not there yet."""
    claim = volume.stored()
    pending = claim is not None and claim["metadata"]["uid"] != old and claim["status"]["phase"] == "Pending"
    return pending and [pod["status"]["phase"] for pod in database_pods(arena)] == ["Pending"]


def test_a_volume_that_cannot_be_made_anew_is_kept(arena: Arena, volume: Volume):
    arena.gate_manifest["spec"]["data"] = {
        "timeout": "45s",
        "volumeSnapshot": {"snapshot": "golden", "claim": volume.name},
        "quiesce": [{"name": APP}],
    }
    sample.only(arena.app, "Deployment")["metadata"].setdefault("labels", {})[RESET_LABEL] = "true"
    volume.claim(volumes.IMMEDIATE)
    volume.snapshot("golden")
    volume.wait_for_snapshot("golden")
    volume.run("fill", "echo golden > /data/file")
    before = volume.uid
    arena.start()
    replicas = arena.deployment()["spec"]["replicas"]

    arena.release("2")
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Error", "DataResetFailed")
    assert f"pod fill uses claim {volume.name}" in run["status"]["message"], "it has ended and is there still"
    assert volume.uid == before
    assert arena.deployment()["spec"]["replicas"] == replicas
    arena.kube.delete("Pod", "fill", arena.namespace)
    volume.drop_snapshot("golden")
    wait_for("the snapshot is gone", lambda: not volume.has_snapshot("golden"), seconds=60)

    with paused("csi-snapshotter"):
        volume.snapshot("golden")
        arena.release("3")
        arena.wait_for_run("quiet", lambda run: run["status"].get("reset"), number=2)
        wait_for("its pods are gone", lambda: not app_pods(arena), seconds=60)
        assert volume.uid == before
    run = arena.wait_for_load(number=2)
    made = volume.uid
    assert made != before
    assert volume.run("look", "cat /data/file") == "golden"
    arena.kube.delete("Pod", "look", arena.namespace)
    arena.kube.patch("PerfRun", run["metadata"]["name"], arena.namespace, {"spec": {"cancel": True}})
    arena.wait_for_end(number=2)

    with paused("csi-snapshotter"):
        volume.drop_snapshot("golden")
        assert volume.usable("golden"), "it says so until it is gone"
        arena.release("4")
        run = arena.wait_for_end(number=3)
    assert outcome(run) == ("Completed", "Error", "DataResetFailed")
    assert "VolumeSnapshot golden is being deleted" in run["status"]["message"]
    assert volume.uid == made


def app_pods(arena: Arena) -> list[Object]:
    return arena.kube.list("Pod", arena.namespace, f"app={APP}")
