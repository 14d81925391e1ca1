from __future__ import annotations

import pytest

from devperfops_operator.controller.keys import Key, Subject
from devperfops_operator.controller.store import Store
from tests.unit.controller.objects import NAMESPACE, deployment, gate, job, policy, queued_run, run, waiver

GATE = Key(Subject.GATE, NAMESPACE, "front-end")


def run_key(name: str) -> Key:
    return Key(Subject.RUN, NAMESPACE, name)


@pytest.fixture
def heard() -> list[Key]:
    return []


@pytest.fixture
def store(heard: list[Key]) -> Store:
    return Store(heard.append)


def image(store: Store) -> str | None:
    stored = store.deployments.get(NAMESPACE, "front-end")
    return None if stored is None else stored["spec"]["template"]["spec"]["containers"][0]["image"]


def test_an_older_event_changes_nothing(store: Store, heard: list[Key]) -> None:
    store.put(gate(1))
    store.put(deployment(20, "podinfo:2"))
    heard.clear()

    store.put(deployment(9, "podinfo:1"))

    assert image(store) == "podinfo:2"
    assert heard == []


def test_the_response_to_a_write_wins_over_the_events_before_it_and_is_not_told_twice(
    store: Store, heard: list[Key]
) -> None:
    store.put(gate(1))
    store.put(deployment(10, "podinfo:1"))
    store.put(deployment(12, "podinfo:mine"))
    heard.clear()

    store.put(deployment(11, "podinfo:late"))
    store.put(deployment(12, "podinfo:mine"))

    assert image(store) == "podinfo:mine"
    assert heard == []


def test_versions_are_compared_as_numbers(store: Store) -> None:
    store.put(deployment(99, "podinfo:1"))
    store.put(deployment(100, "podinfo:2"))

    assert image(store) == "podinfo:2"


def test_what_was_deleted_does_not_come_back_by_an_older_event(store: Store) -> None:
    store.put(deployment(10))
    store.remove(deployment(11))

    store.put(deployment(10))
    store.put(deployment(11))

    assert image(store) is None


def test_a_new_object_of_a_deleted_name_is_taken(store: Store) -> None:
    store.put(deployment(10))
    store.remove(deployment(11))

    store.put(deployment(12, "podinfo:2"))

    assert image(store) == "podinfo:2"


def test_a_late_deletion_does_not_remove_a_newer_object(store: Store) -> None:
    store.put(deployment(12, "podinfo:2"))

    store.remove(deployment(11))

    assert image(store) == "podinfo:2"


def test_a_complete_list_removes_what_it_does_not_name(store: Store, heard: list[Key]) -> None:
    store.put(gate(1))
    store.put(run(2, name="a"))
    store.put(run(3, name="b"))
    heard.clear()

    store.replace("PerfRun", [run(2, name="a")], "7", None)

    assert [each.metadata.name for each in store.runs] == ["a"]
    assert run_key("b") in heard
    assert GATE in heard


def test_a_list_removes_nothing_that_is_newer_than_it(store: Store) -> None:
    store.put(run(9, name="b"))

    store.replace("PerfRun", [], "7", None)

    assert [each.metadata.name for each in store.runs] == ["b"]


def test_a_list_of_one_namespace_leaves_the_others(store: Store) -> None:
    store.put(run(2, name="a"))
    store.put(run(3, name="b", namespace="elsewhere"))

    store.replace("PerfRun", [], "7", NAMESPACE)

    assert [each.metadata.name for each in store.runs] == ["b"]


def test_one_unreadable_object_stops_no_other(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    broken = {**gate(5, name="broken"), "spec": {"targetRef": {}}}

    store.replace("PerfGate", [broken, gate(6)], "7", None)

    assert [each.metadata.name for each in store.gates] == ["front-end"]
    assert "broken cannot be read" in caplog.text


def test_deployments_are_trimmed_on_arrival(store: Store) -> None:
    store.put(deployment(1))

    assert "managedFields" not in store.deployments.get(NAMESPACE, "front-end")["metadata"]


def test_a_deployment_concerns_its_gates_and_their_live_runs(store: Store, heard: list[Key]) -> None:
    store.put(gate(1))
    store.put(run(2, name="live"))
    store.put(run(3, "Completed", name="ended"))
    heard.clear()

    store.put(deployment(4))

    assert heard == [GATE, run_key("live")]


def test_a_job_concerns_its_run(store: Store, heard: list[Key]) -> None:
    store.put(job(1, "before-the-sale"))

    assert heard == [run_key("before-the-sale")]


@pytest.mark.parametrize("how", ["ends", "leaves the queue", "is deleted"])
def test_a_run_that_keeps_nobody_waiting_any_more_concerns_the_one_whose_turn_is_next(
    store: Store, heard: list[Key], how: str
) -> None:
    store.put(queued_run(1, name="first", creationTimestamp="2026-11-23T11:00:00Z"))
    store.put(queued_run(2, name="third", creationTimestamp="2026-11-23T13:00:00Z"))
    store.put(queued_run(3, name="second"))
    store.put(run(4, "Completed", name="earlier"))
    heard.clear()

    match how:
        case "ends":
            store.put(run(5, "Completed", name="first"))
        case "leaves the queue":
            store.put(run(5, "AwaitingRollout", name="first"))
        case _:
            store.remove(queued_run(5, name="first"))

    assert heard == [run_key("first"), GATE, run_key("second")]


def test_an_ended_run_that_is_seen_for_the_first_time_lets_nobody_begin(
    store: Store, heard: list[Key]
) -> None:
    store.put(queued_run(1, name="first"))
    heard.clear()

    store.put(run(2, "Completed", name="earlier"))

    assert heard == [run_key("earlier"), GATE]


def test_runs_wait_for_those_of_their_own_environment_only(store: Store, heard: list[Key]) -> None:
    store.put(gate(1, name="a", environment="blue"))
    store.put(gate(2, name="b", environment="green"))
    store.put(run(3, "Running", name="first", of="a"))
    store.put(queued_run(4, name="second", of="b"))
    store.put(queued_run(5, name="third", of="a"))
    heard.clear()

    store.put(run(6, "Completed", name="first", of="a"))

    assert run_key("third") in heard
    assert run_key("second") not in heard


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "of its namespace"])
def test_an_environment_is_one_in_all_namespaces_if_the_settings_say_so(
    heard: list[Key], *, shared: bool
) -> None:
    store = Store(heard.append, frozenset({"staging"} if shared else ()))
    store.put(gate(1, environment="staging"))
    store.put(gate(2, environment="staging", namespace="other"))
    store.put(run(3, "Running", name="first"))
    store.put(queued_run(4, name="second", namespace="other"))
    heard.clear()

    lane = store.lane("other", "front-end")
    assert [each.metadata.name for each in store.in_lane(lane)] == (["first"] if shared else []) + ["second"]
    store.put(run(5, "Completed", name="first"))

    assert (Key(Subject.RUN, "other", "second") in heard) is shared


def test_a_run_that_goes_on_does_not_concern_those_that_wait(store: Store, heard: list[Key]) -> None:
    store.put(run(1, name="first"))
    store.put(run(2, name="second"))
    heard.clear()

    store.put(run(3, "Running", name="first"))

    assert heard == [run_key("first"), GATE]


def test_a_gate_that_changes_its_target_no_longer_belongs_to_the_old_one(
    store: Store, heard: list[Key]
) -> None:
    store.put(gate(1))
    moved = gate(2)
    moved["spec"]["targetRef"] = {"name": "back-end"}
    store.put(moved)
    heard.clear()

    store.put(deployment(3))

    assert heard == []


def test_a_primary_concerns_the_gates_that_promote_to_it_and_no_longer_once_they_do_not(
    store: Store, heard: list[Key]
) -> None:
    promoting = gate(1)
    promoting["spec"]["promoteTo"] = "front-end-primary"
    store.put(promoting)
    store.put(run(2, name="live"))
    primary = deployment(3)
    primary["metadata"]["name"] = "front-end-primary"
    heard.clear()

    store.put(primary)
    assert heard == [GATE, run_key("live")]
    assert [each.metadata.name for each in store.gates.owned(NAMESPACE, "front-end-primary")] == ["front-end"]

    store.put(gate(4))
    heard.clear()
    store.put({**primary, "metadata": {**primary["metadata"], "resourceVersion": "5"}})
    assert heard == []


def test_a_quota_policy_is_looked_at_when_it_its_waivers_or_its_files_change(
    store: Store, heard: list[Key]
) -> None:
    january = Key(Subject.POLICY, NAMESPACE, "january")
    store.put(policy(1))
    store.put(waiver(2))
    assert heard == [january, january]
    heard.clear()

    assert store.config_map_changed(NAMESPACE, "january")
    assert not store.config_map_changed(NAMESPACE, "february")
    store.remove(waiver(3))
    store.remove(policy(4))

    assert heard == [january] * 3
    assert not store.config_map_changed(NAMESPACE, "january")
