"""Rollbacks that leave no trace, with kubectl, a real autoscaler and a real load."""

from __future__ import annotations

import json

import pytest

from hack.demo import sample
from hack.kube import Object, wait_for
from tests.e2e.arena import APP, SLOW, Arena, outcome
from tests.team import Team, template_bytes


@pytest.mark.parametrize("way", ["apply", "apply --server-side"])
def test_whatever_is_released_after_a_rollback_is_its_manifest_to_the_byte(arena: Arena, way: str):
    team = Team(arena.kube, arena.namespace, APP, way)
    first, second, third = (
        release(arena, "1", OLD="1"),
        release(arena, "2", *SLOW, NEW="1"),
        release(arena, "3"),
    )
    arena.apply("Service", "ConfigMap")
    arena.kube.apply([autoscaler(arena.namespace)])
    team.release(first)
    wait_for("it is scaled", lambda: team.stored()["spec"]["replicas"] == 2, seconds=90)
    arena.wait_for_rollout()
    arena.operator.start()
    arena.apply("PerfGate")
    arena.wait_for_gate("adopted", lambda gate: gate["status"].get("knownGood"))
    before = template_bytes(team.stored())

    team.release(second)
    failed = arena.wait_for_end()
    assert outcome(failed) == ("Completed", "Fail", "ObjectiveFailed")
    assert template_bytes(team.stored()) == before
    assert "TracesLeft" not in json.dumps(failed["status"]["timeline"])
    assert not team.differs(first)
    arena.wait_for_rollout()

    team.release(second)
    returned = arena.wait_for_end(number=2)
    assert outcome(returned) == ("Completed", "Fail", "RevisionRejected")
    assert template_bytes(team.stored()) == before
    assert [job["metadata"]["name"] for job in arena.jobs()] == [failed["metadata"]["name"]]
    arena.wait_for_rollout()

    team.release(second)
    assert "devperfops run" in arena.wait_for_stalled("RevisionRejected")
    assert template_bytes(team.stored()) == template_bytes(team.first(second))

    team.release(third)
    arena.wait_for_load(number=3)
    assert template_bytes(team.stored()) == template_bytes(team.first(third))
    assert team.stored()["spec"]["replicas"] == 2


def release(arena: Arena, name: str, *arguments: str, **environment: str) -> Object:
    """A version with variables of its own; how many replicas, it leaves to the autoscaler."""
    manifest = sample.version(sample.only(arena.app, "Deployment"), name, *arguments)
    manifest["spec"].pop("replicas", None)
    container = manifest["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": key, "value": value} for key, value in environment.items()]
    return manifest


def autoscaler(namespace: str) -> Object:
    """Without metrics it still sees to its minimum."""
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": APP, "namespace": namespace},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": APP},
            "minReplicas": 2,
            "maxReplicas": 3,
        },
    }
