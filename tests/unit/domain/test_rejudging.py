"""A past run under other objectives: what was wrong with its load then still is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.domain.objectives import RunPlan
from devperfops_operator.domain.observed import ObjectiveEvidence
from devperfops_operator.domain.plan import resolve_load
from devperfops_operator.domain.rejudging import rejudge
from tests.unit.domain.world import gate

ENDED = datetime(2026, 11, 25, tzinfo=UTC).isoformat()
SOUND, POOR, TORN = Tally(4000, 2, 2), Tally(1000, 900, 60), Tally(100, 1, 1)
LATENCY, ERRORS = "p99 < 2s", "errors < 0.5%"


def a_run(reason: str = "ObjectivesMet", verdict: str = "Pass", **status: Any) -> PerfRun:
    status = {"verdict": verdict, "reason": reason, "message": "as then", "completedAt": ENDED, **status}
    metadata = {"name": "front-end-1", "namespace": "shop", "uid": "u-1"}
    return PerfRun.from_json({"metadata": metadata, "spec": {"gate": "front-end"}, "status": status})


def plan(**spec: Any) -> RunPlan:
    return resolve_load(gate(**spec).spec)


def found(latency: Tally, errors: Tally = SOUND, *, failed: bool = False) -> dict[str, ObjectiveEvidence]:
    return {
        LATENCY: ObjectiveEvidence(latency, failed=failed, quantile_ms=120.0),
        ERRORS: ObjectiveEvidence(errors),
    }


@pytest.mark.parametrize(
    ("run", "evidence", "verdict"),
    [
        (a_run(), found(SOUND), "Pass"),
        (a_run(), found(POOR, failed=True), "Fail"),
        (a_run(), found(TORN), "Inconclusive"),
        (a_run("ObjectiveFailed", "Fail"), found(SOUND), "Pass"),
        (a_run("RateNotReached", "Inconclusive"), found(SOUND), "Inconclusive"),
        (a_run("RateNotReached", "Inconclusive"), found(POOR, failed=True), "Fail"),
        (a_run("Unresponsive", "Fail"), found(SOUND), "Fail"),
        (a_run("NotEnoughEvidence", "Inconclusive"), found(SOUND), "Pass"),
    ],
)
def test_verdicts(run: PerfRun, evidence: dict[str, ObjectiveEvidence], verdict: str) -> None:
    assert rejudge(run, plan(), evidence).verdict == verdict


def test_a_finding_about_the_load_is_told_as_it_was() -> None:
    assert rejudge(a_run("RateNotReached", "Inconclusive"), plan(), found(SOUND)).message == "as then"


def test_a_load_that_was_stopped_early_proves_nothing_it_did_not_see() -> None:
    load = {"threads": 1, "stopRequestedAt": ENDED}
    again = rejudge(a_run("ObjectiveFailed", "Fail", load=load), plan(), found(SOUND))
    assert again.verdict is None
    assert "was stopped when it failed" in again.message


@pytest.mark.parametrize(
    ("then", "now"), [("Pass", "Pass"), ("Fail", "Fail"), ("Inconclusive", "Inconclusive")]
)
def test_an_objective_that_is_not_replayed_stands_as_it_was(then: str, now: str) -> None:
    reason = {"Pass": "ObjectivesMet", "Fail": "ObjectiveFailed", "Inconclusive": "PrometheusUnavailable"}[
        then
    ]
    cpu = {"name": "cpu", "expect": "value < 0.8 for 95%"}
    run = a_run(objectives=[{**cpu, "verdict": then, "reason": reason, "message": "cpu"}])
    objectives = [{"expect": LATENCY}, {"expect": ERRORS}, {**cpu, "query": "max(cpu)"}]
    again = rejudge(run, plan(objectives=objectives, prometheus="monitoring"), found(SOUND))
    assert again.verdict == now


def test_a_new_objective_about_which_nothing_is_kept_leaves_it_open() -> None:
    objectives = [{"expect": LATENCY}, {"expect": ERRORS}, {"expect": "p95 < 1s", "transaction": "pay"}]
    again = rejudge(a_run(), plan(objectives=objectives), found(SOUND))
    assert (again.verdict, again.message) == (None, "nothing is kept about p95 < 1s of pay")
