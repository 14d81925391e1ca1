"""A rollback leaves no trace: whatever is applied after it, and however, gives exactly the manifest.

The teams' side is kubectl. Releases fail by a rollout that stalls, which needs no load.
"""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from devperfops_operator.domain.manifests.ownership import LAST_APPLIED
from hack.kube import Kube, kubectl
from tests.integration.operating import operating, ready
from tests.integration.world import GATE, World, eventually, sockets_closed
from tests.team import Manifest, Team, template_bytes

pytestmark = pytest.mark.integration

APPLIES = ("apply", "apply --server-side")
WAYS = (*APPLIES, "replace")


@pytest.fixture(autouse=True)
async def tidy() -> AsyncIterator[None]:
    yield
    await sockets_closed()


@pytest.fixture(params=WAYS)
def team(request: pytest.FixtureRequest, kube: Kube, namespace: str) -> Team:
    return Team(kube, namespace, GATE, request.param)


@pytest.fixture(params=APPLIES)
def applying(request: pytest.FixtureRequest, kube: Kube, namespace: str) -> Team:
    return Team(kube, namespace, GATE, request.param)


def manifest(version: int, **spec: Any) -> Manifest:
    """Versions 1 and 2 each have what the other lacks, and 3 has neither's."""
    app = {"name": "app", "image": f"app:{version}", "env": [{"name": "VERSION", "value": f"<{version}>"}]}
    pod: Manifest = {"containers": [app]}
    annotations = {"version": str(version)}
    if version == 1:
        app |= {"args": ["--old"], "resources": {"requests": {"cpu": "10m"}}}
        app["env"].append({"name": "OLD", "value": "&"})
        pod |= {"terminationGracePeriodSeconds": 5, "volumes": [{"name": "old", "emptyDir": {}}]}
        annotations["old"] = "true"
    if version == 2:
        app |= {"command": ["/new"], "resources": {"limits": {"memory": "1Gi"}}}
        app["env"].insert(0, {"name": "NEW", "value": "1"})
        pod["containers"].append({"name": "new", "image": "new:1", "ports": [{"containerPort": 81}]})
        pod["securityContext"] = {"runAsNonRoot": True}
        annotations["new"] = "true"
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": GATE},
        "spec": {
            "selector": {"matchLabels": {"app": GATE}},
            "template": {"metadata": {"labels": {"app": GATE}, "annotations": annotations}, "spec": pod},
            **spec,
        },
    }


async def adopted(world: World, team: Team, first: Manifest) -> None:
    """The first release runs and is known-good."""
    world.config_map()
    world.service()
    team.release(first)
    await world.roll_out()
    world.gate()
    await eventually("the gate is ready", lambda: ready(world, "KnownGood"))


async def fail(world: World) -> str:
    """What stands now never gets ready; until the run is over. Gives its name."""
    name = await eventually("a run waits", lambda: waiting(world))
    await world.stall()
    await eventually("it is over", lambda: world.phase(name) == "Completed")
    return name


def waiting(world: World) -> str | None:
    return next((run for run in world.runs() if world.phase(run) == "AwaitingRollout"), None)


def traces(world: World, run: str) -> list[str]:
    """What the run says of traces."""
    timeline = world.status("PerfRun", run)["timeline"]
    return [entry["message"] for entry in timeline if entry["reason"] == "TracesLeft"]


async def test_after_a_rollback_it_is_as_if_the_failed_release_had_never_been(
    world: World, team: Team
) -> None:
    async with operating(world):
        await adopted(world, team, manifest(1))
        before = team.stored()
        team.release(manifest(2))
        run = await fail(world)

        after = team.stored()
    assert traces(world, run) == []
    assert template_bytes(after) == template_bytes(before)
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 2
    assert owners(after) == owners(before)
    assert last_applied(after) == last_applied(before)


def owners(stored: Manifest) -> dict[str, Any]:
    """Who owns what, the status apart."""
    entries = stored["metadata"]["managedFields"]
    return {entry["manager"]: entry["fieldsV1"] for entry in entries if "subresource" not in entry}


def last_applied(stored: Manifest) -> str | None:
    annotation: str | None = stored["metadata"].get("annotations", {}).get(LAST_APPLIED)
    return annotation


async def test_the_known_good_applied_after_a_rollback_changes_nothing(world: World, applying: Team) -> None:
    async with operating(world):
        await adopted(world, applying, manifest(1))
        applying.release(manifest(2))
        await fail(world)

        before = applying.stored()
        assert not applying.differs(manifest(1))
        applying.release(manifest(1))
        assert applying.stored() == before


async def test_every_release_after_a_rollback_is_its_manifest_to_the_byte(world: World, team: Team) -> None:
    """The failed one, too: when it comes back it is turned away once, and then left alone."""
    async with operating(world):
        await adopted(world, team, manifest(1))
        first = template_bytes(team.stored())
        team.release(manifest(2))
        await fail(world)

        team.release(manifest(2))
        run = await eventually("it is turned away", lambda: turned_away(world))
        assert template_bytes(team.stored()) == first
        assert traces(world, run) == []
        assert world.kube.list("Job", world.namespace) == []

        team.release(manifest(2))
        await eventually("it is left", lambda: world.condition("Stalled") == ("True", "RevisionRejected"))
        assert template_bytes(team.stored()) == template_bytes(team.first(manifest(2)))

        team.release(manifest(3))
        await eventually("the next is judged", lambda: waiting(world))
    assert template_bytes(team.stored()) == template_bytes(team.first(manifest(3)))
    assert len(world.runs()) == 3


def turned_away(world: World) -> str | None:
    """The run that rolled a revision back without a test, once it is over."""
    for run in world.runs():
        status = world.status("PerfRun", run)
        if (status.get("phase"), status.get("reason")) == ("Completed", "RevisionRejected"):
            return run
    return None


async def test_what_a_failed_release_changed_outside_its_template_stays_and_goes_with_the_next(
    world: World, applying: Team
) -> None:
    first = manifest(1, strategy={"type": "Recreate"}, minReadySeconds=3)
    second = manifest(2, revisionHistoryLimit=4, strategy={"rollingUpdate": {"maxSurge": 2}})
    third = manifest(3, strategy={"type": "Recreate"})
    for each, labels in ((first, {"team": "a"}), (second, {"team": "b", "tier": "web"}), (third, {})):
        each["metadata"]["labels"] = labels
    async with operating(world):
        await adopted(world, applying, first)
        applying.release(second)
        await fail(world)
        assert outside(applying.stored()) == outside(applying.first(second))
        applying.release(third)

    assert outside(applying.stored()) == outside(applying.first(third))
    assert template_bytes(applying.stored()) == template_bytes(applying.first(third))


def outside(stored: Manifest) -> Manifest:
    """What a manifest says besides the template."""
    spec = {key: value for key, value in stored["spec"].items() if key != "template"}
    return {"labels": stored["metadata"].get("labels", {}), "spec": spec}


async def test_an_autoscaler_keeps_its_replicas_through_a_rollback_and_after_it(
    world: World, applying: Team
) -> None:
    async with operating(world):
        await adopted(world, applying, manifest(1))
        world.kube.create(autoscaler(world.namespace))
        await scale(world, 3)
        await world.roll_out()
        applying.release(manifest(2))
        await scale(world, 4)
        before = scaler(applying.stored())
        await fail(world)
        assert applying.stored()["spec"]["replicas"] == 4
        assert scaler(applying.stored()) == before
        applying.release(manifest(3))

    assert applying.stored()["spec"]["replicas"] == 4
    assert template_bytes(applying.stored()) == template_bytes(applying.first(manifest(3)))


def autoscaler(namespace: str) -> Manifest:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": GATE}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": GATE, "namespace": namespace},
        "spec": {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 5},
    }


async def scale(world: World, replicas: int) -> None:
    """What the autoscaler's controller does: through the subresource, under its name."""
    path = f"/apis/apps/v1/namespaces/{world.namespace}/deployments/{GATE}/scale"
    await world.connection.request(
        "PATCH",
        path,
        body={"spec": {"replicas": replicas}},
        query={"fieldManager": "kube-controller-manager"},
        content_type="application/merge-patch+json",
    )


def scaler(stored: Manifest) -> list[Manifest]:
    """What the API server remembers of who scales, which is nothing after some server-side applies."""
    entries = stored["metadata"]["managedFields"]
    return [entry["fieldsV1"] for entry in entries if entry.get("subresource") == "scale"]


async def test_back_to_a_revision_that_an_override_let_in_there_is_no_trace_either(
    world: World, applying: Team
) -> None:
    async with operating(world):
        await adopted(world, applying, manifest(1))
        world.edit_gate({"actions": {"onFail": "Hold"}})
        applying.release(manifest(2))
        await fail(world)
        before = applying.stored()
        let_in = {
            "revision": world.status("PerfGate", GATE)["target"]["revision"],
            "reason": "it is known to be slow",
            "expires": "2100-01-01T00:00:00Z",
        }
        world.edit_gate({"actions": None, "override": let_in})
        await eventually("it is let in", lambda: ready(world, "Overridden"))
        applying.release(manifest(3))
        run = await fail(world)

    after = applying.stored()
    assert traces(world, run) == []
    assert template_bytes(after) == template_bytes(before)
    assert owners(after) == owners(before)
    assert last_applied(after) == last_applied(before)


# Where the records cannot be written, or not yet


@asynccontextmanager
async def records_refused(world: World) -> AsyncIterator[None]:
    """An admission policy forbids us every change of the Deployment that leaves its spec alone."""
    name = f"records-{world.namespace}"
    for each in policy(name, world.namespace):
        world.kube.create(each)
    await eventually("the policy is in force", lambda: refuses(world))
    try:
        yield
    finally:
        for kind in ("ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy"):
            world.kube.delete(kind, name, api_version="admissionregistration.k8s.io/v1")
        await eventually("the policy is gone", lambda: not refuses(world))


def policy(name: str, namespace: str) -> list[Manifest]:
    rule = {
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "operations": ["UPDATE"],
        "resources": ["deployments"],
    }
    where = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    ours = {
        "name": "ours",
        "expression": "request.options.?fieldManager.orValue('') == 'devperfops-operator'",
    }
    version = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    spec = {
        "matchConstraints": {"resourceRules": [rule], **where},
        "matchConditions": [ours],
        "validations": [{"expression": "object.spec != oldObject.spec", "message": "records are ours"}],
    }
    binding = {"policyName": name, "validationActions": ["Deny"]}
    return [
        {**version, "kind": "ValidatingAdmissionPolicy", "spec": spec},
        {**version, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding},
    ]


def refuses(world: World) -> bool:
    argv = [kubectl(), "--kubeconfig", str(world.kube.kubeconfig), "-n", world.namespace, "label"]
    options = ["--dry-run=server", "--field-manager=devperfops-operator", "--overwrite"]
    tried = [*argv, "deployment", GATE, f"try={secrets.token_hex(4)}", *options]
    return b"records are ours" in subprocess.run(tried, capture_output=True, check=False).stderr


async def template_is_back(world: World) -> str:
    """The second release stalls and is rolled back up to its records. Gives the run's name."""
    name = await eventually("a run waits", lambda: waiting(world))
    await world.stall()
    await eventually("its template is back", lambda: "RolledBack" in told(world, name))
    return name


def told(world: World, run: str) -> list[str]:
    return [entry["reason"] for entry in world.status("PerfRun", run)["timeline"]]


async def test_killed_between_template_and_records_it_restores_them_once(
    world: World, applying: Team
) -> None:
    async with operating(world):
        await adopted(world, applying, manifest(1))
    before = applying.stored()
    async with records_refused(world):
        async with operating(world):
            applying.release(manifest(2))
            run = await template_is_back(world)
        assert owners(applying.stored()) != owners(before)
        assert world.phase(run) == "Acting"
    async with operating(world):
        await eventually("it is over", lambda: world.phase(run) == "Completed")

    after = applying.stored()
    assert owners(after) == owners(before)
    assert last_applied(after) == last_applied(before)
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 2
    assert traces(world, run) == []


async def test_records_that_may_not_be_written_are_told_and_the_rollback_stands(
    world: World, applying: Team
) -> None:
    async with operating(world):
        await adopted(world, applying, manifest(1))
        before = applying.stored()
        async with records_refused(world):
            applying.release(manifest(2))
            run = await template_is_back(world)
            await eventually("it is over", lambda: world.phase(run) == "Completed", seconds=60)

    action = world.status("PerfRun", run)["action"]
    assert action["type"] == "Rollback"
    assert template_bytes(applying.stored()) == template_bytes(before)
    (trace,) = traces(world, run)
    assert "may keep fields" in trace
    assert "records are ours" in trace
    assert trace in action["message"]


async def test_whoever_releases_between_template_and_records_is_left_alone(
    world: World, applying: Team
) -> None:
    async with operating(world):
        await adopted(world, applying, manifest(1))
        async with records_refused(world):
            applying.release(manifest(2))
            run = await template_is_back(world)
            applying.release(manifest(3), by_force=True)
            await eventually("it is over", lambda: world.phase(run) == "Completed")
            released = applying.stored()
        await eventually("the release is judged", lambda: len(world.runs()) == 2)

    assert world.status("PerfRun", run)["action"]["type"] == "Rollback"
    assert owners(applying.stored()) == owners(released)
    assert last_applied(applying.stored()) == last_applied(released)
    assert applying.stored()["spec"] == released["spec"]


async def test_what_flux_would_put_back_is_held_unless_the_gate_asks(world: World, kube: Kube) -> None:
    team = Team(kube, world.namespace, GATE, "apply --server-side")
    marks = {f"kustomize.toolkit.fluxcd.io/{key}": "apps" for key in ("name", "namespace")}

    def synced(version: int) -> Manifest:
        return manifest(version) | {"metadata": {"name": GATE, "labels": marks}}

    async with operating(world):
        await adopted(world, team, synced(1))
        first = team.stored()
        team.release(synced(2))
        held = await fail(world)
        assert team.stored()["spec"] != first["spec"]
        await eventually("it is told", lambda: world.condition("Passed") == ("False", "RolloutStalled"))

        world.edit_gate({"actions": {"onFail": "Rollback"}})
        team.release(synced(3))
        rolled_back = await fail(world)

    action = world.status("PerfRun", held)["action"]
    assert (action["type"], action["reason"]) == ("Hold", "GitOwned")
    assert "Flux Kustomization apps/apps" in action["message"]
    assert world.status("PerfGate", GATE)["target"]["gitOwner"] == "Flux Kustomization apps/apps"
    action = world.status("PerfRun", rolled_back)["action"]
    assert action["type"] == "Rollback"
    assert "may undo that" in action["message"]
    assert template_bytes(team.stored()) == template_bytes(first)
