"""Resources as the operator writes them, for rendering."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.cli.render.words import Clock

BEGAN = datetime(2026, 11, 23, 14, 3, 0, tzinfo=UTC)
FAILURE = "p99 < 2s does not hold: 31 of 412 judged samples were slower or failed (7.5243%; allowed 1%)"
ROLLED_BACK = "Deployment podinfo has the template of revision 9ab31c2e11 again"


def at(seconds: float) -> str:
    return (BEGAN + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def clock(seconds: float) -> Clock:
    return Clock(BEGAN + timedelta(seconds=seconds), UTC)


def run(name: str = "podinfo-5f2c1a9b3d-1", **status: Any) -> PerfRun:
    return PerfRun.from_json(
        {
            "metadata": {
                "name": name,
                "namespace": "demo",
                "uid": f"uid-{name}",
                "creationTimestamp": at(0),
            },
            "spec": {"gate": "podinfo", "reason": ""},
            "status": status,
        }
    )


def timeline(*steps: tuple[float, str, str, str]) -> list[dict[str, str]]:
    return [
        {"at": at(seconds), "phase": phase, "reason": reason, "message": message}
        for seconds, phase, reason, message in steps
    ]


LATENCY = {
    "name": "p99 < 2s",
    "expect": "p99 < 2s",
    "observed": "p99 = 2.31 s",
    "exceedance": "7.5243%",
    "bound": "11.4%",
    "allowed": "1%",
    "samples": 412,
    "exceedances": 31,
}
ERRORS = {
    "name": "availability",
    "expect": "errors < 0.5%",
    "observed": "0% errors",
    "exceedance": "0%",
    "bound": "1.1116%",
    "allowed": "0.5%",
    "samples": 412,
}
LOAD = {
    "threads": 100,
    "plannedRate": "3000/m",
    "achievedRate": "2987/m",
    "samples": 1201,
    "judgedSamples": 412,
    "errors": 0,
    "startAt": at(20),
    "judgedFrom": at(30),
    "endsAt": at(110),
}


def running(**load: Any) -> PerfRun:
    return run(
        phase="Running",
        trigger="Rollout",
        revision="5f2c1a9b3d",
        load={**LOAD, **load},
        objectives=[LATENCY, ERRORS],
        timeline=timeline(
            (1, "AwaitingRollout", "Accepted", "the rollout of podinfo is under way"),
            (20, "Running", "LoadRunning", "100 threads send 3000/m to podinfo.demo.svc"),
        ),
    )


def failed() -> PerfRun:
    return run(
        phase="Completed",
        verdict="Fail",
        reason="ObjectiveFailed",
        message=FAILURE,
        trigger="Rollout",
        revision="5f2c1a9b3d",
        load={**LOAD, "endedAt": at(41)},
        objectives=[
            {
                **LATENCY,
                "verdict": "Fail",
                "reason": "ObjectiveFailed",
                "message": FAILURE,
                "decidedAt": at(39),
            },
            ERRORS,
        ],
        workers=[
            {
                "index": 0,
                "rows": 1201,
                "errors": 0,
                "judgedSamples": 412,
                "judgedErrors": 0,
                "blocks": 21,
                "end": "Stopped",
            }
        ],
        action={
            "type": "Rollback",
            "reason": "ObjectiveFailed",
            "message": ROLLED_BACK,
            "toRevision": "9ab31c2e11",
            "decidedAt": at(39),
            "doneAt": at(40),
        },
        timeline=timeline(
            (1, "AwaitingRollout", "Accepted", "the rollout of podinfo is under way"),
            (20, "Running", "LoadRunning", "100 threads send 3000/m to podinfo.demo.svc"),
            (39, "Acting", "ObjectiveFailed", FAILURE),
            (40, "Acting", "RolledBack", ROLLED_BACK),
            (44, "Completed", "Completed", "the load has ended and all evidence is stored"),
        ),
        completedAt=at(44),
    )


def gate(*, stalled: bool = False, **status: Any) -> PerfGate:
    conditions = [
        {
            "type": "Stalled",
            "status": "True" if stalled else "False",
            "reason": "PlanNotFound" if stalled else "Ready",
            "message": "ConfigMap scenario does not exist; create it with the test plan" if stalled else "",
            "lastTransitionTime": at(0),
        },
        {
            "type": "Passed",
            "status": "False",
            "reason": "ObjectiveFailed",
            "message": FAILURE,
            "lastTransitionTime": at(39),
        },
    ]
    return PerfGate.from_json(
        {
            "metadata": {
                "name": "podinfo",
                "namespace": "demo",
                "uid": "uid-gate",
                "creationTimestamp": at(-600),
            },
            "spec": {
                "targetRef": {"name": "podinfo"},
                "load": {
                    "jmeter": {
                        "plan": {"configMap": "scenario"},
                        "threads": 100,
                        "rampUp": "10s",
                        "duration": "90s",
                        "rate": "3000/m",
                    }
                },
                "objectives": [{"expect": "p99 < 2s"}, {"name": "availability", "expect": "errors < 0.5%"}],
            },
            "status": {
                "conditions": conditions,
                "target": {"generation": 3, "revision": "5f2c1a9b3d", "templateHash": "aa"},
                "knownGood": "9ab31c2e11",
                "lastVerdict": "Fail",
                "lastRunAt": at(44),
                **status,
            },
        }
    )


def promoting(primary: dict[str, str] | None) -> PerfGate:
    """A gate with a primary, which stands so."""
    made = gate(**({"primary": primary} if primary else {}))
    return made.model_copy(update={"spec": made.spec.model_copy(update={"promote_to": "podinfo-primary"})})
