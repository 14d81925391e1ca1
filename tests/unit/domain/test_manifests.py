"""Objects the operator makes and reads."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun, Verdict
from devperfops_operator.domain.errors import SnapshotTooLarge
from devperfops_operator.domain.manifests.deployment import read_primary, read_target, trim
from devperfops_operator.domain.manifests.event import gate_events, run_events
from devperfops_operator.domain.manifests.job import job_manifest, read_job
from devperfops_operator.domain.manifests.snapshot import adopted_snapshot, read_snapshot
from devperfops_operator.domain.manifests.template import (
    RESTARTED_AT,
    referenced_config_maps,
    revision_of,
    template_hash,
)
from devperfops_operator.domain.observed import Problem, RunSettings
from devperfops_operator.domain.plan import jmeter_properties, resolve_plan, share_properties
from devperfops_operator.domain.revision import Revision
from devperfops_operator.domain.shares import divide
from devperfops_operator.domain.verdict import VERDICTS, Reason
from devperfops_operator.wire.brief import VARIABLE, Brief
from devperfops_operator.wire.refusal import Refusal, RefusalReason
from tests.unit.domain.test_run import pass_run
from tests.unit.domain.world import INPUTS, World, gate, released, template

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def deployment(**status: int) -> dict[str, Any]:
    return {
        "metadata": {"name": "app", "namespace": "shop", "uid": "d", "generation": 3, "labels": {"a": "b"},
                     "annotations": {"deployment.kubernetes.io/revision": "7", "note": "x" * 100}},
        "spec": {"replicas": 2, "selector": {}, "template": template("1"), "strategy": {}},
        "status": {"observedGeneration": 3, **status},
    }  # fmt: skip


DONE = {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2}
REVISION = Revision(uid="d", generation=3, template_hash="t", template_identity="i")


# templates


@given(spec=st.dictionaries(st.text(max_size=5), JSON, max_size=3))
def test_a_restart_makes_no_new_revision(spec: dict[str, Any]) -> None:
    plain = {"metadata": {"labels": {"a": "b"}}, "spec": spec}
    restarted = copy.deepcopy(plain)
    restarted["metadata"]["annotations"] = {RESTARTED_AT: "2026-11-01T00:00:00Z"}
    assert revision_of(plain, {}) == revision_of(restarted, {})
    assert template_hash(plain) != template_hash(restarted)


def test_the_content_of_referenced_config_maps_is_part_of_the_revision() -> None:
    one, other = ({"cfg": {"k": v}} for v in "12")
    assert revision_of(template("1"), one) != revision_of(template("1"), other)


def test_every_way_to_reference_a_config_map_is_found() -> None:
    pod = {
        "initContainers": [{"envFrom": [{"configMapRef": {"name": "a"}}, {"secretRef": {"name": "no"}}]}],
        "containers": [
            {"env": [{"valueFrom": {"configMapKeyRef": {"name": "b", "key": "k"}}}, {"value": "x"}]}
        ],
        "volumes": [
            {"configMap": {"name": "c"}},
            {"projected": {"sources": [{"configMap": {"name": "d"}}, {"secret": {"name": "no"}}]}},
        ],
    }
    assert referenced_config_maps({"spec": pod}) == {"a", "b", "c", "d"}


# deployments


@pytest.mark.parametrize(
    ("change", "complete"),
    [
        ({}, True),
        ({"replicas": 3}, False),
        ({"updatedReplicas": 1}, False),
        ({"readyReplicas": 1}, False),
        ({"observedGeneration": 2}, False),
    ],
)
def test_a_rollout_is_complete_when_only_new_ready_pods_are_left(
    change: dict[str, int], *, complete: bool
) -> None:
    target = read_target(deployment(**{**DONE, **change}), revision=REVISION)
    assert target.rollout.complete is complete


def test_a_target_scaled_to_zero_is_not_ready_for_load() -> None:
    raw = deployment()
    raw["spec"]["replicas"] = 0
    target = read_target(raw, revision=REVISION)
    assert not target.ready
    assert "scaled to zero" in target.rollout.message
    assert target.scaled_to_zero


def crashing_pod(owner: str, restarts: int) -> dict[str, Any]:
    state = {"waiting": {"reason": "CrashLoopBackOff"}}
    return {
        "metadata": {"name": "p", "ownerReferences": [{"uid": owner}]},
        "status": {"containerStatuses": [{"name": "c", "restartCount": restarts, "state": state}]},
    }


@pytest.mark.parametrize(
    ("owner", "restarts", "stalled"), [("new", 2, True), ("old", 9, False), ("new", 1, False)]
)
def test_only_crashes_of_the_new_pods_stall_the_rollout(owner: str, restarts: int, *, stalled: bool) -> None:
    sets = [
        {"metadata": {"uid": uid, "annotations": {"deployment.kubernetes.io/revision": number}}}
        for uid, number in (("old", "6"), ("new", "7"))
    ]
    raw = deployment(replicas=3, updatedReplicas=1, readyReplicas=2)
    target = read_target(raw, revision=REVISION, replica_sets=sets, pods=[crashing_pod(owner, restarts)])
    assert (target.rollout.problem is not None) is stalled


def test_the_old_pods_crashes_are_not_held_against_a_spec_the_controller_has_not_seen() -> None:
    sets = [{"metadata": {"uid": "old", "annotations": {"deployment.kubernetes.io/revision": "7"}}}]
    raw = deployment(replicas=2, updatedReplicas=2, readyReplicas=1, observedGeneration=2)
    target = read_target(raw, revision=REVISION, replica_sets=sets, pods=[crashing_pod("old", 9)])
    assert target.rollout.problem is None


def test_the_progress_deadline_counts_only_for_the_current_generation() -> None:
    raw = deployment(replicas=3, updatedReplicas=1, readyReplicas=2)
    raw["status"]["conditions"] = [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]
    assert read_target(raw, revision=REVISION).rollout.problem is not None
    raw["status"]["observedGeneration"] = 2
    assert read_target(raw, revision=REVISION).rollout.problem is None


def test_a_primary_of_no_pods_has_nothing_to_roll_out() -> None:
    raw = deployment()
    raw["spec"]["replicas"] = 0
    assert read_primary(raw).rollout.complete
    raw["status"]["observedGeneration"] = 2
    assert not read_primary(raw).rollout.complete


def test_a_paused_primary_would_be_awaited_for_ever() -> None:
    raw = deployment(replicas=2, updatedReplicas=0, readyReplicas=2)
    raw["spec"]["paused"] = True
    problem = read_primary(trim(raw)).rollout.problem
    assert problem is not None
    assert problem.message == "the Deployment is paused"
    assert read_primary({**raw, "status": {**raw["status"], **DONE}}).rollout.problem is None


def test_a_restart_of_the_primary_changes_nothing_of_what_it_runs() -> None:
    restarted = deployment(**DONE)
    restarted["spec"]["template"] = template("1", **{RESTARTED_AT: "2026-11-01T00:00:00Z"})
    assert read_primary(restarted).template_hash == read_primary(deployment(**DONE)).template_hash


def test_trimming_keeps_what_decisions_read() -> None:
    raw = deployment(**DONE)
    assert read_target(trim(raw), revision=REVISION) == read_target(raw, revision=REVISION)
    assert read_primary(trim(raw)) == read_primary(raw)
    assert "note" not in json.dumps(trim(raw))


# snapshots


def test_a_snapshot_gives_back_what_it_was_made_of() -> None:
    world = World()
    target = world.target()
    assert target is not None
    snapshot = read_snapshot(adopted_snapshot(gate(), target))
    assert (snapshot.template, snapshot.revision) == (target.template, target.revision)
    assert snapshot.known_good


def test_a_template_that_fits_no_snapshot_is_refused_with_a_remedy() -> None:
    world = World(template=template("x" * 1_100_000))
    target = world.target()
    assert target is not None
    with pytest.raises(SnapshotTooLarge, match="move large values into ConfigMaps"):
        adopted_snapshot(gate(), target)


# the Job


@pytest.fixture
def job() -> dict[str, Any]:
    return job_of(gate())


def job_of(gate: PerfGate) -> dict[str, Any]:
    run = PerfRun.from_json(
        {"metadata": {"name": "r-1", "namespace": "shop", "uid": "u"}, "spec": {"gate": "g"}}
    )
    settings = RunSettings(operator_url="http://op", operator_image="op:1", jmeter_image="jm:1")
    return job_manifest(run, gate, resolve_plan(gate.spec), INPUTS, settings)


def containers(job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    pod = job["spec"]["template"]["spec"]
    return {c["name"]: c for c in [*pod["initContainers"], *pod["containers"]]}


def test_the_pod_is_restricted(job: dict[str, Any]) -> None:
    pod = job["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers(job).values():
        context = container["securityContext"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert not context["allowPrivilegeEscalation"]
        assert context["readOnlyRootFilesystem"]


def test_jmeter_gets_no_token(job: dict[str, Any]) -> None:
    assert job["spec"]["template"]["spec"]["automountServiceAccountToken"] is False
    mounts = {name: {m["name"] for m in c["volumeMounts"]} for name, c in containers(job).items()}
    assert {name for name, mounted in mounts.items() if "token" in mounted} == {"agent", "prepare"}


def test_only_the_preparation_sees_secrets_and_only_jmeter_their_properties() -> None:
    spec = gate().to_json()["spec"]
    spec["load"]["jmeter"]["propertiesFrom"] = [{"secret": "login"}]
    pod = job_of(gate(**spec))["spec"]["template"]["spec"]
    seen = {
        c["name"]: {m["mountPath"] for m in c["volumeMounts"]}
        for c in [*pod["initContainers"], *pod["containers"]]
    }
    assert {name for name, paths in seen.items() if "/devperfops/secrets/login" in paths} == {"prepare"}
    assert {name for name, paths in seen.items() if "/devperfops/private" in paths} == {"prepare", "jmeter"}
    private = next(volume for volume in pod["volumes"] if volume["name"] == "private")
    assert private["emptyDir"]["medium"] == "Memory"
    assert "login" not in json.dumps(pod["containers"])


def test_a_claim_used_for_everything_is_one_volume() -> None:
    """The kubelet waits for ever with a pod that has two volumes of the same claim."""
    spec = gate().to_json()["spec"]
    files = {"pvc": "files"}
    spec["load"]["jmeter"] |= {
        "plan": files,
        "data": {**files, "shards": [{"file": "users.csv"}]},
        "plugins": files,
    }
    pod = job_of(gate(**spec))["spec"]["template"]["spec"]
    (volume,) = (each for each in pod["volumes"] if "persistentVolumeClaim" in each)
    assert volume["persistentVolumeClaim"] == {"claimName": "files", "readOnly": True}
    (jmeter,) = pod["containers"]
    mounted = {mount["mountPath"]: mount for mount in jmeter["volumeMounts"]}
    for folder in ("plan", "plugins", "source"):
        mount = mounted[f"/devperfops/{folder}"]
        assert (mount["name"], mount["readOnly"]) == (volume["name"], True)
    assert mounted["/devperfops/data"]["readOnly"]


def made_from(plan: dict[str, Any]) -> dict[str, Any]:
    spec = gate().to_json()["spec"]
    spec["load"]["jmeter"]["plan"] = plan
    return job_of(gate(**spec))


def test_a_plan_is_made_from_a_document_before_it_is_checked() -> None:
    servers = ["https://schemas.example.com", "http://types:8080"]
    files = {"document": "openapi.yaml", "overlay": "hand.yaml", "follow": servers}
    job = made_from({"configMap": "api", "openAPI": files})
    pod = job["spec"]["template"]["spec"]
    assert [each["name"] for each in pod["initContainers"]] == ["agent", "pull", "scenario", "prepare"]
    scenario = containers(job)["scenario"]
    assert scenario["command"] == [
        *("devperfops", "scenario", "--output=/devperfops/plan/scenario.jmx"),
        *("--overlay=/devperfops/scenario/hand.yaml", *(f"--follow={each}" for each in servers)),
        *("--", "/devperfops/scenario/openapi.yaml"),
    ]
    mounted = {
        name: {m["mountPath"]: m["readOnly"] for m in each["volumeMounts"]}
        for name, each in containers(job).items()
    }
    assert mounted["scenario"]["/devperfops/scenario"] is True
    assert mounted["scenario"]["/devperfops/plan"] is False
    assert mounted["prepare"]["/devperfops/plan"] is mounted["jmeter"]["/devperfops/plan"] is True
    assert "/devperfops/scenario" not in mounted["jmeter"]
    assert {"name": "plan", "emptyDir": {"sizeLimit": "64Mi"}} in pod["volumes"]


def test_the_target_is_asked_for_its_own_document() -> None:
    job = made_from({"openAPI": {"path": "/v3/api-docs?group=a"}})
    assert containers(job)["scenario"]["command"][-1] == "http://front-end.shop.svc:80/v3/api-docs?group=a"
    assert not [each for each in job["spec"]["template"]["spec"]["volumes"] if "configMap" in each]


def test_a_document_no_plan_can_be_made_from_is_told_in_the_makers_words() -> None:
    job = made_from({"openAPI": {"path": "/openapi.json"}})
    ended = {"exitCode": 2, "message": "error: http://shop/openapi.json: answered 404.\n"}
    status = {"initContainerStatuses": [{"name": "scenario", "state": {"terminated": ended}}]}
    load = read_job(job, [{"metadata": {"name": "p"}, "status": status}])
    assert load.refusal == Problem(
        "PlanInvalid", "no test plan can be made: error: http://shop/openapi.json: answered 404."
    )


def test_plugins_join_the_plans_own_search_paths() -> None:
    spec = gate().to_json()["spec"]
    spec["load"]["jmeter"] |= {"plugins": {"pvc": "jars"}, "properties": {"search_paths": "/opt/more"}}
    read = gate(**spec)
    properties = jmeter_properties(resolve_plan(read.spec), read.spec.load, INPUTS)
    assert properties["search_paths"] == "/opt/more;/devperfops/plugins"


def test_every_other_worker_plays_against_the_baseline() -> None:
    load = gate().to_json()["spec"]["load"]
    compared = gate(
        load={**load, "workers": 4, "baseline": {"host": "shop-stable", "scheme": "https"}},
        objectives=[{"expect": "p95 < baseline + 15%"}],
    )
    container = containers(job_of(compared))["agent"]
    text = next(e["value"] for e in container["env"] if e["name"] == VARIABLE)
    brief = Brief.from_json(text)
    played = [{**brief.properties, **share} for share in brief.shares]
    assert [each["ServerName"] for each in played] == 2 * ["front-end.shop.svc", "shop-stable"]
    assert [each["ServerPort"] for each in played] == 2 * ["80", "443"]
    assert [each["Scheme"] for each in played] == 2 * ["http", "https"]
    assert [each["TPM"] for each in played] == 4 * ["1500"]
    assert {"ServerPort", "Scheme"} & set(brief.inputs.reads) == {"Scheme"}


def test_the_brief_carries_the_plan(job: dict[str, Any]) -> None:
    text = next(e["value"] for e in containers(job)["agent"]["env"] if e["name"] == VARIABLE)
    brief = Brief.from_json(text)
    assert brief.properties == {
        "RampUp": "10", "Duration": "70",
        "ServerName": "front-end.shop.svc", "ServerPort": "80", "Scheme": "http",
    }  # fmt: skip
    assert brief.shares == ({"NumOfThreads": "50", "TPM": "3000"},)
    assert [(t.elapsed_ms, t.inclusive) for t in brief.thresholds] == [(2000, True)]


def test_properties_have_the_names_the_plan_gives_them() -> None:
    spec = gate().to_json()["spec"]
    spec["load"]["target"] = {"scheme": "https"}
    spec["load"]["jmeter"] |= {
        "propertyNames": {"threads": "users", "rate": "perMinute"},
        "properties": {"Locale": "ja"},
    }
    load = gate(**spec).spec.load
    plan = resolve_plan(gate(**spec).spec)
    assert jmeter_properties(plan, load, INPUTS) == {
        "RampUp": "10", "Duration": "70", "Locale": "ja",
        "ServerName": "front-end.shop.svc", "ServerPort": "80", "Scheme": "https",
    }  # fmt: skip
    assert [share_properties(share, load) for share in divide(plan)] == [{"users": "50", "perMinute": "3000"}]


def test_a_job_tells_why_its_pod_does_not_start(job: dict[str, Any]) -> None:
    pending = {
        "metadata": {"name": "p"},
        "status": {
            "conditions": [{"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}]
        },
    }
    assert "0/1 nodes are available" in (read_job(job, [pending]).problem or "")
    pulling = {"state": {"waiting": {"message": "not found: jm:1"}}, "name": "jmeter"}
    waiting = {"metadata": {"name": "p"}, "status": {"containerStatuses": [pulling]}}
    assert "not found: jm:1" in (read_job(job, [waiting]).problem or "")
    assert read_job(job, []).problem is None


def unscheduled(name: str) -> dict[str, Any]:
    waits = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes: 1 Insufficient cpu."}
    return {"metadata": {"name": name}, "status": {"conditions": [waits]}}


def test_of_many_pods_one_speaks_and_the_others_are_counted(job: dict[str, Any]) -> None:
    sound = {"metadata": {"name": "r-1-0-a"}, "status": {"phase": "Running"}}
    problem = read_job(job, [sound, *(unscheduled(f"r-1-{index}-a") for index in range(1, 16))]).problem
    assert problem is not None
    assert problem.startswith("pod r-1-1-a is not scheduled: 0/1 nodes: 1 Insufficient cpu.")
    assert problem.endswith("15 of 16 pods have a problem)")


def test_a_pod_says_more_than_the_job_that_failed_for_it(job: dict[str, Any]) -> None:
    failed = {"type": "Failed", "status": "True", "message": "Job has reached the specified backoff limit"}
    raw = {**job, "status": {"conditions": [failed]}}
    evicted = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}
    pod = {"metadata": {"name": "r-1-1-a"}, "status": evicted}
    assert (
        read_job(raw, [pod]).problem == "pod r-1-1-a failed: Evicted: The node was low on resource: memory."
    )
    assert "backoff limit" in (read_job(raw, []).problem or "")


def ended_badly(reason: str, code: int = 137) -> dict[str, Any]:
    ended = {"terminated": {"exitCode": code, "reason": reason}}
    return {
        "metadata": {"name": "r-1-0-a"},
        "status": {"containerStatuses": [{"name": "jmeter", "state": ended}]},
    }


def test_a_pod_tells_how_jmeter_ended(job: dict[str, Any]) -> None:
    assert read_job(job, [ended_badly("Completed", code=0)]).problem is None
    assert (
        read_job(job, [ended_badly("Error")]).problem == "container jmeter of pod r-1-0-a ended with code 137"
    )
    out_of_memory = read_job(job, [ended_badly("OOMKilled")]).problem or ""
    assert out_of_memory.startswith(
        "container jmeter of pod r-1-0-a ended with code 137: OOMKilled, out of memory"
    )


def test_what_a_container_says_at_its_end_is_one_line(job: dict[str, Any]) -> None:
    pod = ended_badly("Error", code=3)
    pod["status"]["containerStatuses"][0]["state"]["terminated"]["message"] = (
        "ERROR:  no mark\nHINT: mark it\n"
    )
    told = "container jmeter of pod r-1-0-a ended with code 3: ERROR: no mark HINT: mark it"
    assert read_job(job, [pod]).problem == told


def test_a_pod_tells_who_took_it_away(job: dict[str, Any]) -> None:
    evicted = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "DeletionByTaintManager",
        "message": "Taint manager: deleting due to NoExecute taint",
    }
    pod = {"metadata": {"name": "p"}, "status": {"conditions": [evicted]}}
    assert read_job(job, [pod]).problem == f"pod p was taken away: {evicted['message']}"


PREPARE_REFUSED = {
    "metadata": {"name": "p"},
    "status": {
        "initContainerStatuses": [
            {
                "name": "prepare",
                "state": {
                    "terminated": {
                        "exitCode": 2,
                        "message": Refusal(RefusalReason.PLAN_INVALID, "a.jmx is not XML").to_json(),
                    }
                },
            }
        ]
    },
}


def test_a_job_tells_what_its_pods_refuse(job: dict[str, Any]) -> None:
    assert read_job(job, [PREPARE_REFUSED]).refusal == Problem("PlanInvalid", "a.jmx is not XML")


def test_only_the_agent_can_refuse(job: dict[str, Any]) -> None:
    """JMeter's container runs what the plan says."""
    pod = copy.deepcopy(PREPARE_REFUSED)
    pod["status"]["initContainerStatuses"][0]["name"] = "pull"
    assert read_job(job, [pod]).refusal is None
    other = copy.deepcopy(PREPARE_REFUSED)
    other["status"]["initContainerStatuses"][0]["state"]["terminated"]["message"] = "no space left"
    found = read_job(job, [other])
    assert found.refusal is None
    assert found.problem == "container prepare of pod p ended with code 2: no space left"


def test_every_refusal_is_an_error() -> None:
    assert {VERDICTS[Reason(reason)] for reason in RefusalReason} == {Verdict.ERROR}


# events


def test_every_step_is_one_event_with_a_name_of_its_own() -> None:
    world, name = next(released())
    pass_run(world, name)
    run = world.runs[name]
    events = run_events(run)
    assert [e["reason"] for e in events] == [entry.reason for entry in run.status.timeline]
    assert len({e["metadata"]["name"] for e in events}) == len(events)
    assert run_events(run) == events
    assert all(e["type"] == "Normal" for e in events)


def test_a_gate_tells_how_it_stands_only_at_rest() -> None:
    world, name = next(released())
    assert world.gate is not None
    assert gate_events(world.gate, world.now) == []
    pass_run(world, name)
    (event,) = gate_events(world.gate, world.now)
    assert (event["type"], event["reason"]) == ("Normal", "ObjectivesMet")
    world.target_exists = False
    world.step_gate()
    (event,) = gate_events(world.gate, world.now)
    assert (event["type"], event["reason"]) == ("Warning", "TargetNotFound")
