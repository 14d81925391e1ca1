"""Data are reset before the load: by a Job that is made once, and nothing is loaded unless it succeeds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from devperfops_operator.api.data import Data
from devperfops_operator.api.perfrun import Phase, Verdict
from devperfops_operator.domain.criteria import criteria_hash
from devperfops_operator.domain.manifests.data_job import data_job_manifest, data_job_name
from devperfops_operator.domain.manifests.job import read_job
from devperfops_operator.domain.manifests.mongodb_reset import SCRIPT as MONGODB_SCRIPT
from devperfops_operator.domain.manifests.mysql_reset import SCRIPT as MYSQL_SCRIPT
from devperfops_operator.domain.manifests.postgres_reset import SCRIPT
from devperfops_operator.domain.observed import RunSettings
from devperfops_operator.wire.call import Call, Poll
from tests.unit.domain.world import GOOD, LoadEnd, World, gate, released, template

SETTINGS = RunSettings(operator_image="operator:1", image_pull_policy="Always")
RESET: dict[str, Any] = {"job": {"image": "shop-data:7", "args": ["restore"]}}


@pytest.fixture
def release() -> tuple[World, str]:
    return next(released(data=RESET))


def end_reset(world: World, name: str, **how: Any) -> None:
    """The Job controller says that it has ended."""
    job = data_job_name(name)
    world.jobs[job] = replace(world.jobs[job], finished=True, **how)


def resetting(world: World, name: str) -> str:
    """Until the Job is there. Gives its name."""
    world.until(name, Phase.RESETTING_DATA)
    world.step_run(name)
    return data_job_name(name)


def outcome(world: World, name: str) -> tuple[Phase, Verdict | None, str | None]:
    status = world.runs[name].status
    return status.phase, status.verdict, status.reason


def test_the_load_comes_after_the_reset(release: tuple[World, str]) -> None:
    world, name = release
    job = resetting(world, name)
    for _ in range(5):
        world.wait(2)
        world.step_run(name)
    assert list(world.jobs) == [job]
    end_reset(world, name, succeeded=True)
    world.until(name, Phase.STARTING)
    world.step_run(name)
    assert list(world.jobs) == [job, name]
    assert "DataReset" in world.told(name)


def test_the_load_waits_for_a_target_that_lost_its_sessions(release: tuple[World, str]) -> None:
    world, name = release
    resetting(world, name)
    world.target_ready = False
    end_reset(world, name, succeeded=True)
    world.wait(700)
    world.settle(name)
    assert world.runs[name].status.phase is Phase.RESETTING_DATA
    world.target_ready = True
    world.until(name, Phase.STARTING)


def test_a_target_that_does_not_come_back_is_told(release: tuple[World, str]) -> None:
    world, name = release
    resetting(world, name)
    world.target_ready = False
    end_reset(world, name, succeeded=True)
    world.wait(600 + 301)
    world.settle(name)
    assert outcome(world, name) == (Phase.COMPLETED, Verdict.ERROR, "DataResetFailed")
    assert "does not get ready again" in (world.runs[name].status.message or "")


def test_a_failed_reset_is_told_in_its_own_words_and_its_logs_stay(release: tuple[World, str]) -> None:
    world, name = release
    job = resetting(world, name)
    end_reset(world, name, problem="container reset of pod p ended with code 3: no golden copy")
    world.settle(name)
    assert outcome(world, name) == (Phase.COMPLETED, Verdict.ERROR, "DataResetFailed")
    assert "ended with code 3: no golden copy" in (world.runs[name].status.message or "")
    assert "ask for another run" in (world.runs[name].status.message or "")
    assert list(world.jobs) == [job]
    assert world.template == template("2")


@pytest.mark.parametrize("crash", [False, True])
def test_a_reset_that_takes_too_long_is_stopped(release: tuple[World, str], *, crash: bool) -> None:
    world, name = release
    job = resetting(world, name)
    world.jobs[job] = replace(
        world.jobs[job], problem='container reset of pod p waits: secret "db" not found'
    )
    world.wait(599)
    world.step_run(name)
    assert job in world.jobs
    world.wait(2)
    world.step_run(name, crash=crash)
    world.settle(name)
    assert outcome(world, name) == (Phase.COMPLETED, Verdict.ERROR, "DataResetFailed")
    assert 'within 10m, so there was no load: container reset of pod p waits: secret "db"' in (
        world.runs[name].status.message or ""
    )
    assert world.jobs == {}


def test_a_refused_reset_is_told(release: tuple[World, str]) -> None:
    world, name = release
    world.refused["CreateJob"] = "exceeded quota"
    for _ in range(5):
        world.settle(name)
    assert outcome(world, name) == (Phase.COMPLETED, Verdict.ERROR, "JobRefused")
    assert "resets the data was refused: exceeded quota" in (world.runs[name].status.message or "")


def cancel(world: World, name: str) -> None:
    run = world.runs[name]
    world.runs[name] = run.model_copy(update={"spec": run.spec.model_copy(update={"cancel": True})})


def roll_out(world: World, _: str) -> None:
    world.roll_out(template("3"))


def change_reset(world: World, _: str) -> None:
    world.edit_gate(data={"job": {"image": "shop-data:8"}})


def leave_out_reset(world: World, _: str) -> None:
    world.edit_gate(data=None)


@pytest.mark.parametrize("crash", [False, True])
@pytest.mark.parametrize(
    ("happens", "ends"),
    [
        (cancel, Phase.CANCELLED),
        (roll_out, Phase.SUPERSEDED),
        (change_reset, Phase.SUPERSEDED),
        (leave_out_reset, Phase.SUPERSEDED),
    ],
)
def test_a_reset_nobody_wants_any_more_is_deleted(
    release: tuple[World, str], happens: Any, ends: Phase, *, crash: bool
) -> None:
    world, name = release
    resetting(world, name)
    happens(world, name)
    world.step_run(name, crash=crash)
    world.step_run(name)
    assert world.runs[name].status.phase is ends
    assert world.jobs == {}


def test_nobody_else_loads_while_data_are_reset(release: tuple[World, str]) -> None:
    world, name = release
    resetting(world, name)
    world.create_run("by-hand")
    for _ in range(4):
        world.step_run("by-hand")
    assert world.told("by-hand") == ["Accepted", "Queued"]


def test_the_reset_of_a_deleted_namesake_is_not_ours(release: tuple[World, str]) -> None:
    world, name = release
    job = resetting(world, name)
    world.jobs[job] = replace(world.jobs[job], run_uid="earlier", finished=True, succeeded=True)
    world.step_run(name)
    assert world.jobs == {}
    world.step_run(name)
    assert world.jobs[job].run_uid == f"u-{name}"
    assert world.runs[name].status.phase is Phase.RESETTING_DATA


def play(*, crash_at: int, succeeded: bool) -> tuple[World, str, int]:
    """A release, from its rollout to the end of its run; killed between one status and its effects."""
    world, name = next(released(data=RESET))
    writes = 0
    for _ in range(60):
        world.wait(0.5)
        status, job = world.runs[name].status, data_job_name(name)
        if job in world.jobs and not world.jobs[job].finished:
            end_reset(world, name, succeeded=succeeded, problem=None if succeeded else "code 1")
        if status.phase is Phase.STARTING and name in world.jobs:
            world.prepare(name)
        if status.phase is Phase.RUNNING and status.load is not None:
            world.wait(72)
            world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
        writes += world.step_run(name, crash=writes == crash_at)
    return world, name, writes


@pytest.mark.parametrize("succeeded", [True, False])
def test_killed_between_any_status_write_and_its_effects_the_outcome_is_the_same(*, succeeded: bool) -> None:
    undisturbed, name, writes = play(crash_at=-1, succeeded=succeeded)
    expected = (Verdict.PASS, "ObjectivesMet") if succeeded else (Verdict.ERROR, "DataResetFailed")
    assert outcome(undisturbed, name) == (Phase.COMPLETED, *expected)
    for crash_at in range(writes):
        disturbed, name, _ = play(crash_at=crash_at, succeeded=succeeded)
        assert outcome(disturbed, name) == outcome(undisturbed, name), f"killed after write {crash_at}"
        assert disturbed.created == undisturbed.created
        assert disturbed.told(name) == undisturbed.told(name)


# what the pod is


def pod_of(reset: dict[str, Any]) -> dict[str, Any]:
    world, name = next(released(data=RESET))
    data = Data.from_json({"job": {"image": "shop-data:7", **reset}})
    pod: dict[str, Any] = data_job_manifest(world.runs[name], data, SETTINGS)["spec"]["template"]["spec"]
    return pod


def test_a_reset_is_restricted_where_the_team_says_nothing() -> None:
    pod = pod_of({})
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "fsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in pod


def test_what_the_team_says_counts() -> None:
    pod = pod_of(
        {
            "command": ["sh", "-c"],
            "args": ["psql < /golden/shop.sql"],
            "env": [
                {"name": "PGHOST", "value": "db"},
                {"name": "PGPASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
            ],
            "envFrom": [{"secretRef": {"name": "more"}}],
            "volumes": [
                {"configMap": "golden", "mountPath": "/golden"},
                {"pvc": "dumps", "mountPath": "/dumps"},
            ],
            "serviceAccountName": "resetter",
            "resources": {"limits": {"memory": "1Gi"}},
            "securityContext": {"runAsUser": 0, "runAsNonRoot": False, "readOnlyRootFilesystem": False},
        }
    )
    (container,) = pod["containers"]
    assert (container["command"], container["args"]) == (["sh", "-c"], ["psql < /golden/shop.sql"])
    assert container["env"] == [
        {"name": "PGHOST", "value": "db"},
        {"name": "PGPASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
    ]
    assert container["envFrom"] == [{"secretRef": {"name": "more"}}]
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/golden", "/dumps", "/tmp"]
    assert all(mount["readOnly"] for mount in container["volumeMounts"][:2])
    assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == ("resetter", True)
    assert container["resources"] == {"limits": {"memory": "1Gi"}}
    assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsNonRoot"]) == (0, False)
    assert container["securityContext"]["readOnlyRootFilesystem"] is False
    assert container["securityContext"]["allowPrivilegeEscalation"] is False


def test_a_postgres_reset_gets_what_the_team_and_the_operator_say_and_no_secret() -> None:
    world, name = next(released(data=RESET))
    password = {"name": "PGPASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}
    data = Data.from_json(
        {
            "postgres": {
                "image": "postgres:15",
                "env": [password],
                "envFrom": [{"secretRef": {"name": "shop-db"}}],
                "database": "shop",
                "template": "shop_golden",
                "verify": {"query": "SELECT '$(PGPASSWORD)'", "expect": "$$"},
            }
        }
    )
    pod = data_job_manifest(world.runs[name], data, SETTINGS)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["env"] == [
        password,
        {"name": "RESET_DATABASE", "value": "shop"},
        {"name": "RESET_TEMPLATE", "value": "shop_golden"},
        {"name": "RESET_QUERY", "value": "SELECT '$$(PGPASSWORD)'"},
        {"name": "RESET_EXPECT", "value": "$$$$"},
    ]
    assert container["envFrom"] == [{"secretRef": {"name": "shop-db"}}]
    assert container["image"] == "postgres:15"
    assert container["command"][:2] == ["sh", "-c"]
    assert container["command"][2].replace("$$", "$") == SCRIPT
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_a_mysql_reset_gets_what_the_team_and_the_operator_say_and_no_secret() -> None:
    world, name = next(released(data=RESET))
    golden = {"pvc": "golden", "mountPath": "/golden"}
    mysql = {"image": "mariadb:10.11", "database": "shop", "dump": "/golden/$(X).sql", "volumes": [golden]}
    data = Data.from_json({"mysql": {**mysql, "env": [{"name": "MYSQL_HOST", "value": "db"}]}})
    (container,) = data_job_manifest(world.runs[name], data, SETTINGS)["spec"]["template"]["spec"][
        "containers"
    ]
    assert container["env"] == [
        {"name": "MYSQL_HOST", "value": "db"},
        {"name": "RESET_DATABASE", "value": "shop"},
        {"name": "RESET_DUMP", "value": "/golden/$$(X).sql"},
    ]
    assert container["command"][2].replace("$$", "$") == MYSQL_SCRIPT
    assert container["volumeMounts"][0] == {"name": "files-0", "mountPath": "/golden", "readOnly": True}


def test_a_mongodb_reset_gets_what_the_team_and_the_operator_say_and_no_secret() -> None:
    world, name = next(released(data=RESET))
    golden = {"pvc": "golden", "mountPath": "/golden"}
    mongodb = {"image": "mongo:7.0", "database": "shop", "dump": "/golden/$(X).gz", "volumes": [golden]}
    uri = {"name": "MONGODB_URI", "valueFrom": {"secretKeyRef": {"name": "shop-db", "key": "uri"}}}
    verify = {"collection": "orders", "pipeline": '[{"$count": "n"}]', "expect": '{"n": 5}'}
    data = Data.from_json({"mongodb": {**mongodb, "env": [uri], "verify": verify}})
    (container,) = data_job_manifest(world.runs[name], data, SETTINGS)["spec"]["template"]["spec"][
        "containers"
    ]
    assert container["env"] == [
        uri,
        {"name": "HOME", "value": "/tmp"},
        {"name": "RESET_DATABASE", "value": "shop"},
        {"name": "RESET_DUMP", "value": "/golden/$$(X).gz"},
        {"name": "RESET_COLLECTION", "value": "orders"},
        {"name": "RESET_PIPELINE", "value": '[{"$$count": "n"}]'},
        {"name": "RESET_EXPECT", "value": '{"n": 5}'},
    ]
    assert container["command"][:2] == ["mongosh", "--nodb"]
    assert container["command"][-1].replace("$$", "$") == MONGODB_SCRIPT
    assert container["volumeMounts"][0] == {"name": "files-0", "mountPath": "/golden", "readOnly": True}


def test_a_call_is_made_by_the_agent_and_its_secrets_stay_with_the_kubelet() -> None:
    world, name = next(released(data=RESET))
    secret = {"secretKeyRef": {"name": "db", "key": "token"}}
    headers = [{"name": "Authorization", "valueFrom": secret}, {"name": "X-Team", "value": "$(shop)"}]
    poll = {"url": "http://db/state", "every": "3s", "contains": "done"}
    data = Data.from_json(
        {"timeout": "3m", "http": {"url": "http://db/reset", "headers": headers, "poll": poll}}
    )
    pod = data_job_manifest(world.runs[name], data, SETTINGS)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert (container["image"], container["imagePullPolicy"]) == ("operator:1", "Always")
    assert container["command"] == ["devperfops-agent", "reset"]
    authorization, team, call = container["env"]
    assert authorization == {"name": "DEVPERFOPS_HEADER_0", "valueFrom": secret}
    assert team == {"name": "DEVPERFOPS_HEADER_1", "value": "$$(shop)"}
    assert Call.from_json(call["value"]) == Call(
        url="http://db/reset",
        method="POST",
        headers=("Authorization", "X-Team"),
        body=None,
        statuses=(),
        timeout_s=162,
        poll=Poll("http://db/state", "done", 3),
    )
    assert (pod["automountServiceAccountToken"], pod["securityContext"]["runAsUser"]) == (False, 10001)
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_a_gates_earlier_verdicts_hold_until_it_resets_data() -> None:
    plain, resets = gate().spec, gate(data=RESET).spec
    assert criteria_hash(plain) == criteria_hash(gate(data=None).spec)
    assert criteria_hash(plain) != criteria_hash(resets)


@pytest.mark.parametrize(("condition", "succeeded"), [("Complete", True), ("Failed", False)])
def test_a_job_is_read_as_its_controller_left_it(condition: str, *, succeeded: bool) -> None:
    world, name = next(released(data=RESET))
    job = data_job_manifest(world.runs[name], Data.from_json(RESET), SETTINGS)
    job["status"] = {"conditions": [{"type": condition, "status": "True"}]}
    read = read_job(job, ())
    assert (read.finished, read.succeeded) == (True, succeeded)
