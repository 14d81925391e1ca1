"""Priorities of pods: places in an order, by the decision table."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import pytest

from devperfops_operator.domain.quota.check import Observed, check
from devperfops_operator.domain.quota.entry import UNKNOWN, Entry, Reading
from devperfops_operator.domain.quota.finding import Finding, Verdict
from devperfops_operator.domain.quota.namespace import PRIORITY, Place, quota_entries
from devperfops_operator.domain.quota.priorities import class_entries, workload_entries
from devperfops_operator.domain.quota.snapshot import Snapshot, read, write
from devperfops_operator.domain.quota.terms import Terms
from tests.unit.domain.quota.limits import NOW

PASS, WARN, REGRESSION, ERROR = Verdict
PROD = Place("prod", "shop", NOW)
WEB = "Deployment/web"


def named(name: str, value: int, **more: Any) -> Any:
    return {"metadata": {"name": name}, "value": value, **more}


def workload(name: str = "web", priority_class: str | None = None, kind: str = "Deployment") -> Any:
    pod = {"containers": [], **({"priorityClassName": priority_class} if priority_class else {})}
    return {"kind": kind, "metadata": {"name": name}, "spec": {"template": {"spec": pod}}}


class Side(NamedTuple):
    """A cluster with a namespace."""

    classes: list[Any]
    workloads: list[Any]

    def entries(self) -> list[Entry]:
        return workload_entries(self.workloads, self.classes, PROD)


def found(baseline: list[Entry], serving: list[Entry], terms: Terms | None = None) -> list[Finding]:
    observed = Observed(Reading("load-test", baseline), Reading("production", serving))
    return list(check(terms or Terms(), observed, NOW).findings)


def answer(baseline: list[Entry], serving: list[Entry], terms: Terms | None = None) -> Finding:
    """Of what matters most."""
    return max(found(baseline, serving, terms), key=lambda each: list(Verdict).index(each.verdict))


HIGH = Side([named("high", 1000)], [workload(priority_class="high")])
PLAIN = Side([], [workload()])
TWICE = Terms(scale=Fraction(2))
TABLE = {
    "the same class": (HIGH, HIGH, PASS, "load-test has 1,000, production has 1,000"),
    "a class of another name that is as high": (
        HIGH,
        Side([named("gold", 1000)], [workload(priority_class="gold")]),
        PASS,
        "production has 1,000",
    ),
    "a higher one in serving": (PLAIN, HIGH, PASS, "load-test has 0, production has 1,000"),
    "a lower one in serving": (
        HIGH,
        Side([named("low", 10)], [workload(priority_class="low")]),
        REGRESSION,
        "load-test has 1,000, production has 10: what was tested has to give way there",
    ),
    "none in serving": (HIGH, Side([named("high", 1000)], [workload()]), REGRESSION, "production has 0"),
    "none in either is no zero of a quota": (PLAIN, PLAIN, PASS, "load-test has 0, production has 0"),
    "below those without a class in both": (
        Side([named("batch", -10)], [workload(priority_class="batch")]),
        Side([named("batch", -10)], [workload(priority_class="batch")]),
        PASS,
        "load-test has -10, production has -10",
    ),
    "below those without a class in serving": (
        PLAIN,
        Side([named("batch", -10)], [workload(priority_class="batch")]),
        REGRESSION,
        "load-test has 0, production has -10",
    ),
    "the cluster's default in serving": (
        HIGH,
        Side([named("usual", 2000, globalDefault=True)], [workload()]),
        PASS,
        "production has 2,000",
    ),
    "of two defaults the lowest": (
        HIGH,
        Side([named("a", 2000, globalDefault=True), named("b", 5, globalDefault=True)], [workload()]),
        REGRESSION,
        "production has 5",
    ),
    "it waits in serving": (
        HIGH,
        Side([named("high", 1000, preemptionPolicy="Never")], [workload(priority_class="high")]),
        REGRESSION,
        "load-test has 1, production has 0: what was tested has to give way there",
    ),
    "it waits in the load test only": (
        Side([named("high", 1000, preemptionPolicy="Never")], [workload(priority_class="high")]),
        HIGH,
        PASS,
        "load-test has 0, production has 1",
    ),
    "missing in serving": (HIGH, Side([], []), REGRESSION, "production has no such limit"),
    "missing in the baseline": (Side([], []), HIGH, WARN, "load-test has no such limit"),
    "a class that is not there": (HIGH, Side([], HIGH.workloads), ERROR, "production does not tell"),
}


@pytest.mark.parametrize(("baseline", "serving", "verdict", "said"), TABLE.values(), ids=TABLE.keys())
def test_a_row_of_the_decision_table(baseline: Side, serving: Side, verdict: Verdict, said: str) -> None:
    told = found(baseline.entries(), serving.entries())
    assert max((each.verdict for each in told), key=list(Verdict).index) is verdict
    assert any(said in each.cause and each.verdict is verdict for each in told)


def test_an_environment_twice_as_large_has_no_priority_twice_as_high() -> None:
    low = Side([named("low", 500)], [workload(priority_class="low")])
    assert answer(HIGH.entries(), low.entries(), TWICE).verdict is REGRESSION
    same = answer(HIGH.entries(), HIGH.entries(), TWICE)
    assert (same.verdict, same.cause) == (PASS, "load-test has 1,000, production has 1,000")


def test_a_workload_says_where_its_class_is_missing_and_what_mends_a_lower_one() -> None:
    gone = Side([], HIGH.workloads).entries()
    assert {each.limit for each in gone} == {UNKNOWN}
    missing = answer(HIGH.entries(), gone)
    assert "whose PriorityClass high is not there, of prod/shop" in missing.remedy
    lower = answer(HIGH.entries(), PLAIN.entries())
    assert lower.remedy == (
        "have Deployment/web of prod/shop name a PriorityClass with 1000 or more (priorityClassName of its pods)"
    )


def test_classes_are_compared_by_name_without_those_of_kubernetes() -> None:
    ours = class_entries([named("system-node-critical", 2_000_001_000), named("high", 1000)], PROD)
    assert {each.metric for each in ours} == {"high"}
    lower = answer(ours, class_entries([named("high", 10)], PROD))
    assert (lower.verdict, lower.remedy) == (
        REGRESSION,
        "delete PriorityClass high of prod and create it anew with 1000: it cannot be changed",
    )
    missing = found(ours, [])
    assert {each.verdict for each in missing} == {REGRESSION}
    assert missing[0].remedy == "create high in production, at 1,000 or more"


def test_a_policy_may_ask_for_one_workload_alone() -> None:
    both = Side(HIGH.classes, [*HIGH.workloads, workload("stub", "high", "StatefulSet")])
    terms = Terms(services={PRIORITY: frozenset({WEB})})
    assert {each.metric for each in found(both.entries(), HIGH.entries(), terms)} == {WEB}


def test_a_snapshot_keeps_that_it_is_an_order() -> None:
    reading = Reading("production", HIGH.entries())
    stored = read(write(Snapshot("shop", NOW, reading, reading))).serving
    assert [each.ordinal for each in stored.entries] == [True, True]


def test_a_quota_of_a_class_counts_beside_that_of_everything() -> None:
    def quota(name: str, pods: str, **more: Any) -> Any:
        hard = {"pods": pods}
        return {"metadata": {"name": name}, "spec": {"hard": hard, **more}, "status": {"hard": hard}}

    class_in = {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}
    scoped = quota("high", "5", scopeSelector={"matchExpressions": [class_in]})
    lacking = answer(
        quota_entries([quota("all", "10")], PROD), quota_entries([quota("all", "10"), scoped], PROD)
    )
    assert (lacking.verdict, dict(lacking.dimensions)) == (REGRESSION, {"scope": "PriorityClass In high"})
    assert lacking.cause.startswith("load-test has 10, production has 5")
