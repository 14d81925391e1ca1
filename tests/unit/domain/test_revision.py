"""What is judged, and which pods have it: template, ConfigMaps, and when containers started."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.api.perfgate import ConfigStatus, TargetStatus
from devperfops_operator.domain.manifests.config_map import ConfigMap, read_config_map
from devperfops_operator.domain.manifests.deployment import pods_started
from devperfops_operator.domain.manifests.template import RESTARTED_AT, config_uses, revision_of
from devperfops_operator.domain.revision import Revision, next_revision, recorded, settled
from tests.unit.domain.world import template

WRITTEN = datetime(2026, 11, 1, 12, tzinfo=UTC)
NOW = WRITTEN + timedelta(hours=1)
SYNC = timedelta(minutes=2)
ENV = {"envFrom": [{"configMapRef": {"name": "app"}}]}
MOUNT = {"volumeMounts": [{"name": "config", "mountPath": "/config"}]}
VOLUMES = [{"name": "config", "configMap": {"name": "app"}}]


def reading(
    container: dict[str, Any], volumes: list[dict[str, Any]] | None = None, **pod: Any
) -> dict[str, Any]:
    """A template whose pods read ConfigMap `app`."""
    found = template("1")
    found["spec"]["containers"][0] |= container
    found["spec"] |= {**({"volumes": volumes} if volumes else {}), **pod}
    return found


FIXED, LIVE = reading(ENV), reading(MOUNT, VOLUMES)


def deployment(pod: dict[str, Any], generation: int = 1, uid: str = "d") -> dict[str, Any]:
    return {
        "metadata": {"name": "front-end", "namespace": "shop", "uid": uid, "generation": generation},
        "spec": {"replicas": 2, "template": pod},
    }


def config(content: str = "1", *, immutable: bool = False) -> dict[str, ConfigMap | None]:
    return {"app": ConfigMap("app", content, WRITTEN, immutable)}


def seen(pod: dict[str, Any] = FIXED, content: str = "1", generation: int = 1) -> Revision:
    """As it is once all its pods are known to have what it says."""
    first = next_revision(None, deployment(pod, generation), config(content), NOW)
    return settled(first, NOW, NOW, SYNC)


# which uses running pods follow


@pytest.mark.parametrize(
    ("pod", "at_start"),
    [
        (LIVE, ()),
        (reading(MOUNT, [{"name": "config", "projected": {"sources": [{"configMap": {"name": "app"}}]}}]), ()),
        (FIXED, ("envFrom",)),
        (reading({"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "app", "key": "a"}}}]}), ("env",)),
        (reading({"volumeMounts": [{"name": "config", "mountPath": "/a", "subPath": "a"}]}, VOLUMES), ("a subPath mount",)),
        (reading({"volumeMounts": [{"name": "config", "mountPath": "/a", "subPathExpr": "$(A)"}]}, VOLUMES), ("a subPath mount",)),
        (reading({}, VOLUMES, initContainers=[{"name": "i", **MOUNT}]), ("an init container",)),
        (reading({}, VOLUMES, initContainers=[{"name": "i", "restartPolicy": "Always", **MOUNT}]), ()),
        (reading({**MOUNT, **ENV}, VOLUMES), ("envFrom",)),
    ],
)  # fmt: skip
def test_a_volume_mounted_whole_is_the_only_use_that_running_pods_follow(
    pod: dict[str, Any], at_start: tuple[str, ...]
) -> None:
    assert config_uses(pod) == {"app": at_start}


def test_an_immutable_or_absent_config_map_is_not_followed() -> None:
    immutable = next_revision(None, deployment(LIVE), config(immutable=True), NOW)
    absent = next_revision(None, deployment(LIVE), {"app": None}, NOW)

    assert immutable.configs[0].at_start == ("it is immutable",)
    assert absent.configs[0].at_start == ("it does not exist",)


# the revision


def test_it_is_the_same_from_content_and_from_digests() -> None:
    raw = {"metadata": {"name": "app", "creationTimestamp": "2026-11-01T12:00:00Z"}, "data": {"a": "1"}}
    found: dict[str, ConfigMap | None] = {"app": read_config_map(raw)}

    assert next_revision(None, deployment(LIVE), found, NOW).name == revision_of(LIVE, {"app": {"a": "1"}})
    assert next_revision(None, deployment(LIVE), {"app": None}, NOW).name == revision_of(LIVE, {})


def test_a_changed_config_map_makes_another_revision_and_its_return_the_first_one() -> None:
    first = seen()
    second = next_revision(first, deployment(FIXED), config("2"), NOW)
    third = next_revision(second, deployment(FIXED), config("1"), NOW)

    assert second.name != first.name
    assert third.name == first.name
    assert third.unloaded, "some pods may have been started in between"


def test_new_defaults_of_an_api_server_make_no_revision_also_when_a_config_map_changes() -> None:
    first = seen()
    defaulted = reading(ENV, newField="default")
    changed = next_revision(first, deployment(defaulted), config("2"), NOW)

    assert next_revision(first, deployment(defaulted), config(), NOW).name == first.name
    assert changed.name == next_revision(first, deployment(FIXED), config("2"), NOW).name
    assert next_revision(first, deployment(defaulted, generation=2), config(), NOW).name != first.name


def test_it_survives_a_restart_of_the_operator() -> None:
    waiting = next_revision(seen(), deployment(FIXED), config("2"), NOW)
    status = TargetStatus(
        uid=waiting.uid,
        generation=waiting.generation,
        revision=waiting.name,
        template_hash=waiting.template_hash,
        template_identity=waiting.template_identity,
        configs=tuple(ConfigStatus(name=c.name, digest=c.digest, changed_at=c.changed_at) for c in waiting.configs),
    )  # fmt: skip
    later = NOW + timedelta(days=1)

    again = next_revision(recorded(status), deployment(FIXED), config("2"), later)

    assert again == waiting
    assert recorded(status.model_copy(update={"template_identity": ""})) is None


# who has it


def test_a_touched_config_map_is_not_a_changed_one() -> None:
    touched: dict[str, ConfigMap | None] = {"app": ConfigMap("app", "1", NOW)}

    assert next_revision(seen(), deployment(FIXED), touched, NOW) == seen()


def test_running_pods_do_not_have_what_changed_after_they_were_seen() -> None:
    changed = next_revision(seen(), deployment(FIXED), config("2"), NOW)
    after = NOW + timedelta(seconds=1)

    assert settled(changed, NOW, NOW, SYNC).unloaded, "it may have read it a moment before it started"
    assert settled(changed, None, NOW + timedelta(days=1), SYNC).unloaded
    assert settled(changed, after, after, SYNC).unloaded == ()


def test_a_live_volume_has_it_once_the_kubelet_had_its_time() -> None:
    changed = next_revision(seen(LIVE), deployment(LIVE), config("2"), NOW)

    waiting = settled(changed, None, NOW, SYNC)
    fresh_at = waiting.configs[0].fresh_at
    assert fresh_at is not None
    assert timedelta(0) <= fresh_at - NOW - SYNC <= timedelta(seconds=1)
    assert settled(changed, None, fresh_at, SYNC).unloaded == ()


def test_pods_of_a_new_template_are_compared_with_when_the_content_was_written() -> None:
    """The second in which a pipeline applies a ConfigMap and then the Deployment counts as after it."""
    changed = next_revision(seen(), deployment(FIXED), config("2"), NOW)
    restarted = reading(ENV)
    restarted["metadata"]["annotations"] = {RESTARTED_AT: "now"}
    again = next_revision(changed, deployment(restarted, generation=2), config("2"), NOW)

    assert again.name == changed.name
    assert settled(again, WRITTEN, NOW, SYNC).unloaded == ()
    assert settled(again, WRITTEN - timedelta(seconds=1), NOW, SYNC).unloaded


def test_an_optional_config_map_that_comes_or_goes_is_a_change() -> None:
    without = settled(next_revision(None, deployment(FIXED), {"app": None}, NOW), NOW, NOW, SYNC)
    came = next_revision(without, deployment(FIXED), config(), NOW)
    gone = next_revision(seen(), deployment(FIXED), {"app": None}, NOW)

    assert without.unloaded == ()
    assert [each.changed_at for each in (*came.unloaded, *gone.unloaded)] == [NOW + timedelta(seconds=1)] * 2
    assert gone.name == without.name != came.name


_STEPS = st.lists(st.tuples(st.sampled_from("123"), st.booleans()), min_size=1, max_size=8)


@given(_STEPS)
def test_the_revision_depends_on_what_is_and_never_on_the_way_to_it(steps: list[tuple[str, bool]]) -> None:
    """Also, nothing counts as loaded that changed after the pods were last known to be older."""
    revision: Revision | None = None
    now = NOW
    for content, restart in steps:
        now += timedelta(minutes=1)
        revision = next_revision(revision, deployment(FIXED), config(content), now)
        if restart:
            now += timedelta(minutes=1)
            revision = settled(revision, now, now, SYNC)
        assert revision.name == seen(content=content).name
        assert not (restart and revision.unloaded)
        assert settled(revision, NOW - timedelta(days=1), now, SYNC).unloaded == revision.unloaded


# when pods started


def pod(owner: str, *starts: str, **metadata: Any) -> dict[str, Any]:
    containers = [{"name": f"c{n}", "state": {"running": {"startedAt": at}}} for n, at in enumerate(starts)]
    owners = [{"uid": owner}]
    return {
        "metadata": {"name": "p", "ownerReferences": owners, **metadata},
        "status": {"containerStatuses": containers},
    }


def test_the_first_start_of_all_containers_of_the_pods_that_serve_counts() -> None:
    sets = [{"metadata": {"uid": "new"}}, {"metadata": {"uid": "old", "annotations": {"deployment.kubernetes.io/revision": "1"}}}]  # fmt: skip
    pods = [
        pod("new", "2026-11-01T12:00:09Z", "2026-11-01T12:00:05Z"),
        pod("new", "2026-11-01T12:00:07Z"),
        pod("old", "2026-11-01T11:00:00Z"),
        pod("new", "2026-11-01T11:00:00Z", deletionTimestamp="2026-11-01T12:00:00Z"),
    ]
    of = deployment(FIXED)

    assert pods_started(of, sets, pods) == WRITTEN + timedelta(seconds=5)
    assert pods_started(of, sets, pods[:1]) is None, "one of two"
    assert pods_started(of, sets, [pods[0], pod("new")]) is None, "one has not told"


def test_an_init_container_that_has_ended_counts() -> None:
    ended = pod("new", "2026-11-01T12:00:09Z")
    ended["status"]["initContainerStatuses"] = [
        {"name": "i", "state": {"terminated": {"startedAt": "2026-11-01T12:00:01Z"}}}
    ]
    of = deployment(FIXED)
    of["spec"]["replicas"] = 1

    assert pods_started(of, [{"metadata": {"uid": "new"}}], [ended]) == WRITTEN + timedelta(seconds=1)


# when content was written


def test_content_is_as_old_as_the_last_who_changed_it() -> None:
    def entry(time: str, field: str) -> dict[str, Any]:
        return {"manager": time, "time": time, "fieldsV1": {field: {}}}

    metadata = {
        "name": "app",
        "creationTimestamp": "2026-11-01T10:00:00Z",
        "managedFields": [
            entry("2026-11-01T12:00:00Z", "f:data"),
            entry("2026-11-01T11:00:00Z", "f:binaryData"),
            entry("2026-11-01T13:00:00Z", "f:metadata"),
        ],
    }

    assert read_config_map({"metadata": metadata}).written_at == WRITTEN
    assert read_config_map(
        {"metadata": {**metadata, "managedFields": None}}
    ).written_at == WRITTEN - timedelta(hours=2)


def test_what_is_loaded_stays_loaded() -> None:
    loaded = seen()

    assert next_revision(loaded, deployment(FIXED), config(), NOW + timedelta(days=9)) == loaded
    assert replace(loaded, generation=2).name == loaded.name
