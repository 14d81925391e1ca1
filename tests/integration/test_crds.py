"""The CRDs at a real API server: what it accepts, what it refuses and in which words, what people see."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiException, CustomObjectsApi
from kubernetes.config import new_client_from_config

from devperfops_operator.api.base import Condition
from devperfops_operator.api.crd import GATE, RESOURCES, RUN
from devperfops_operator.api.perfgate import PerfGate, PerfGateStatus
from devperfops_operator.api.perfrun import PerfRun, PerfRunStatus
from hack.kube import Kube, kubectl
from tests.api_cases import REFUSED, VALID, Refused, gate, run

pytestmark = pytest.mark.integration

NOW = "2026-11-23T14:00:00.250Z"


class Perf:
    """PerfGates and PerfRuns of one namespace, fields checked strictly as kubectl does."""

    def __init__(self, api: CustomObjectsApi, namespace: str) -> None:
        self._api = api
        self._namespace = namespace

    def create(self, manifest: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        options = {"dry_run": "All"} if dry_run else {}
        return self._api.create_namespaced_custom_object(
            *self._kind(manifest), manifest, field_validation="Strict", **options
        )

    def replace(self, stored: dict[str, Any]) -> dict[str, Any]:
        name = stored["metadata"]["name"]
        return self._api.replace_namespaced_custom_object(*self._kind(stored), name, stored)

    def replace_status(self, stored: dict[str, Any]) -> dict[str, Any]:
        name = stored["metadata"]["name"]
        return self._api.replace_namespaced_custom_object_status(*self._kind(stored), name, stored)

    def _kind(self, manifest: dict[str, Any]) -> tuple[str, str, str, str]:
        group, version = manifest["apiVersion"].split("/")
        plural = next(each.plural for each in RESOURCES if each.kind == manifest["kind"])
        return group, version, self._namespace, plural


@pytest.fixture(scope="session")
def custom_objects(api_server: Path) -> CustomObjectsApi:
    return CustomObjectsApi(new_client_from_config(config_file=str(api_server)))


@pytest.fixture
def perf(custom_objects: CustomObjectsApi, namespace: str) -> Perf:
    return Perf(custom_objects, namespace)


def refusal(error: ApiException) -> list[tuple[str, str]]:
    """`(field, message)` of each cause, as kubectl shows them."""
    assert error.status == 422, error.body
    causes = json.loads(error.body)["details"]["causes"]
    return [(cause["field"].removeprefix("<nil>"), cause["message"]) for cause in causes]


@pytest.mark.parametrize("manifest", VALID.values(), ids=VALID.keys())
def test_sound_manifests_are_accepted(perf: Perf, manifest: dict[str, Any]) -> None:
    stored = perf.create(manifest)

    assert stored["metadata"]["uid"]


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_nonsense_is_refused_with_what_to_write_instead(perf: Perf, case: Refused) -> None:
    with pytest.raises(ApiException) as refused:
        perf.create(case.manifest, dry_run=True)
    assert [
        message for field, message in refusal(refused.value) if field == case.field and case.says in message
    ]


def test_every_bad_field_is_reported_at_once(perf: Perf) -> None:
    bad = gate(
        {
            "spec.load.jmeter.threads": 0,
            "spec.load.jmeter.duration": "-1s",
            "spec.objectives.0.expect": "p99 2s",
        }
    )

    with pytest.raises(ApiException) as refused:
        perf.create(bad)

    assert {field for field, _ in refusal(refused.value)} == {
        "spec.load.jmeter.threads",
        "spec.load.jmeter.duration",
        "spec.objectives[0].expect",
    }


def test_an_unknown_field_is_refused_by_name(perf: Perf) -> None:
    with pytest.raises(ApiException) as refused:
        perf.create(gate({"spec.load.jmeter.rampup": "1m"}))

    assert refused.value.status == 400
    assert 'unknown field \\"spec.load.jmeter.rampup\\"' in refused.value.body


def test_the_largest_gate_fits_the_cost_budget_of_the_rules(perf: Perf) -> None:
    counters = {"expect": "good >= 99.9999%", "good": "g" * 4096, "total": "t" * 4096}
    objectives = [{**counters, "name": f"{n:063}"} for n in range(32)]

    stored = perf.create(gate({"spec.objectives": objectives, "spec.prometheus": "monitoring"}))

    assert len(stored["spec"]["objectives"]) == 32


def test_a_stored_gate_shows_its_defaults_and_reads_back_as_the_model(perf: Perf) -> None:
    stored = perf.create(gate())

    assert stored["spec"]["targetRef"]["kind"] == "Deployment"
    assert stored["spec"]["load"]["jmeter"]["plan"]["key"] == "scenario.jmx"
    assert stored["spec"]["triggers"] == {"rollout": True}
    assert stored["spec"]["actions"] == {"onPass": "Promote", "onInconclusive": "Hold"}
    read = PerfGate.from_json(stored)
    assert read.spec == PerfGate.from_json({**gate(), "metadata": stored["metadata"]}).spec
    assert read.to_json()["spec"] == stored["spec"]


def gate_status() -> PerfGateStatus:
    return PerfGateStatus.from_json(
        {
            "observedGeneration": 1,
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "reason": "Guarding",
                    "message": "all is well",
                    "lastTransitionTime": NOW,
                },
                {
                    "type": "Passed",
                    "status": "True",
                    "reason": "AllObjectivesHeld",
                    "lastTransitionTime": NOW,
                },
            ],
            "target": {"generation": 3, "revision": "5f1d0c2ab9", "templateHash": "77aa"},
            "run": {"name": "front-end-5f1d0c2a-1", "revision": "5f1d0c2ab9", "criteriaHash": "77ab01c2d3"},
            "knownGood": "5f1d0c2ab9",
            "lastVerdict": "Pass",
            "lastRunAt": NOW,
            "primary": {
                "name": "front-end-primary",
                "templateHash": "77ab",
                "revision": "5f1d0c2ab9",
                "message": "2 of 2 pods serve the revision",
            },
        }
    )


def run_status() -> PerfRunStatus:
    return PerfRunStatus.from_json(
        {
            "observedGeneration": 1,
            "phase": "Completed",
            "verdict": "Fail",
            "reason": "ObjectiveMissed",
            "message": "p99 is 2.1 s, allowed are less than 2 s",
            "trigger": "Manual",
            "revision": "5f1d0c2ab9",
            "load": {
                "threads": 50,
                "plannedRate": "3000/m",
                "achievedRate": "2987/m",
                "samples": 30000,
                "startAt": NOW,
            },
            "objectives": [
                {"name": "p99 < 2s", "expect": "p99 < 2s", "verdict": "Fail", "samples": 12, "decidedAt": NOW}
            ],
            "workers": [
                {
                    "index": 0,
                    "rows": 12,
                    "errors": 0,
                    "judgedSamples": 12,
                    "judgedErrors": 0,
                    "blocks": 3,
                    "end": "Stopped",
                    "objectives": [
                        {"name": "p99 < 2s", "samples": 12, "exceedances": 9, "exceedanceSeconds": 6}
                    ],
                }
            ],
            "action": {
                "type": "Hold",
                "reason": "ManualRun",
                "decidedAt": NOW,
                "doneAt": NOW,
                "primary": {"name": "p", "uid": "u", "before": "77aa", "after": "77ab", "patchedAt": NOW},
            },
            "timeline": [{"at": NOW, "phase": "Acting", "reason": "ObjectiveMissed", "message": "m" * 3000}],
            "conditions": [
                {"type": "Ready", "status": "False", "reason": "Failed", "lastTransitionTime": NOW}
            ],
            "completedAt": NOW,
        }
    )


@pytest.mark.parametrize(
    ("manifest", "status"), [(gate(), gate_status()), (run(), run_status())], ids=["PerfGate", "PerfRun"]
)
def test_a_status_is_stored_as_the_operator_wrote_it(
    perf: Perf, manifest: dict[str, Any], status: PerfGateStatus | PerfRunStatus
) -> None:
    created = perf.create({**manifest, "status": status.to_json()})
    assert "status" not in created  # nobody but the operator says how a gate does

    stored = perf.replace_status({**created, "status": status.to_json()})

    assert stored["status"] == status.to_json()
    assert type(status).from_json(stored["status"]) == status


def test_conditions_are_a_map_by_type(perf: Perf) -> None:
    ready = Condition.from_json(
        {"type": "Ready", "status": "True", "reason": "Guarding", "lastTransitionTime": NOW}
    )
    created = perf.create(gate())

    with pytest.raises(ApiException) as refused:
        perf.replace_status({**created, "status": {"conditions": [ready.to_json(), ready.to_json()]}})

    assert "Duplicate value" in refused.value.body


@pytest.mark.parametrize("field", ["gate", "reason"])
def test_what_a_run_was_made_with_does_not_change(perf: Perf, field: str) -> None:
    stored = perf.create(run())
    stored["spec"][field] = "another"

    with pytest.raises(ApiException) as refused:
        perf.replace(stored)

    assert refusal(refused.value) == [
        (
            "spec",
            'Invalid value: "object": a run keeps what it was made with: write a new PerfRun (only cancel may change)',
        )
    ]


def test_a_run_is_cancelled_once_and_for_all(perf: Perf) -> None:
    stored = perf.create(run())
    assert stored["spec"]["cancel"] is False
    stored["spec"]["cancel"] = True
    cancelled = perf.replace(stored)
    assert PerfRun.from_json(cancelled).spec.cancel

    cancelled["spec"]["cancel"] = False
    with pytest.raises(ApiException) as refused:
        perf.replace(cancelled)

    assert "a cancelled run cannot be taken up again: write a new PerfRun" in refusal(refused.value)[0][1]


def table(api_server: Path, namespace: str, *arguments: str) -> list[list[str]]:
    """What `kubectl get` prints, by column; a column's name may have a space."""
    argv = [kubectl(), f"--kubeconfig={api_server}", "-n", namespace, "get", *arguments]
    lines = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()
    starts = [head.start() for head in re.finditer(r"\S+( \S+)*", lines[0])]
    return [
        [line[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
        for line in lines
    ]


def test_people_see_how_a_gate_and_its_runs_do(perf: Perf, api_server: Path, namespace: str) -> None:
    perf.replace_status({**perf.create(gate()), "status": gate_status().to_json()})
    perf.replace_status({**perf.create(run()), "status": run_status().to_json()})

    gates = table(api_server, namespace, "pgate")
    runs = table(api_server, namespace, "prun", "-o", "wide")

    assert gates[0] == ["NAME", "TARGET", "PASSED", "REASON", "KNOWN-GOOD", "LAST RUN", "AGE"]
    assert gates[1][:5] == ["front-end", "front-end", "True", "AllObjectivesHeld", "5f1d0c2ab9"]
    assert runs[0] == ["NAME", "GATE", "PHASE", "VERDICT", "REASON", "REVISION", "AGE", "ACTION", "MESSAGE"]
    assert runs[1][:6] == [
        "before-the-sale",
        "front-end",
        "Completed",
        "Fail",
        "ObjectiveMissed",
        "5f1d0c2ab9",
    ]
    assert runs[1][7:] == ["Hold", "p99 is 2.1 s, allowed are less than 2 s"]


def test_both_kinds_are_in_the_category_perf(perf: Perf, api_server: Path, namespace: str) -> None:
    perf.create(gate())
    perf.create(run())
    argv = [kubectl(), f"--kubeconfig={api_server}", "-n", namespace, "get", "perf", "-o", "name"]

    names = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()

    assert names == [
        f"perfgate.{GATE.name.partition('.')[2]}/front-end",
        f"perfrun.{RUN.name.partition('.')[2]}/before-the-sale",
    ]


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.kind)
def test_the_api_server_has_no_objection_to_the_schema(kube: Kube, resource: Any) -> None:
    conditions = kube.get("CustomResourceDefinition", resource.name)["status"]["conditions"]

    assert not [each for each in conditions if each["type"] == "NonStructuralSchema"]
    assert [each["status"] for each in conditions if each["type"] == "NamesAccepted"] == ["True"]
