"""An estimate is told and blocks nothing, by whatever rule."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from devperfops_operator.domain.quota.check import Observed, check
from devperfops_operator.domain.quota.entry import UNKNOWN, Fault, Need, Reading
from devperfops_operator.domain.quota.finding import Finding, Rule, Verdict
from devperfops_operator.domain.quota.namespace import NODE_GROWTH, POD_ADDRESSES, estimated_needs
from devperfops_operator.domain.quota.snapshot import Snapshot, read, write
from devperfops_operator.domain.quota.terms import Terms
from devperfops_operator.domain.quota.units import parse_unit
from tests.unit.domain.quota.limits import NOW, entry, findings, observed, peak, reading

CORES = parse_unit("cores")
HOW = "3 nodes of prod"


def guess(limit: Any, **more: Any) -> Any:
    return entry(limit, estimate=HOW, **more)


def worst(seen: Observed) -> Finding:
    report = check(Terms(), seen, NOW)
    return max(report.findings, key=lambda each: list(Verdict).index(each.verdict))


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (observed([guess(100)], [guess(50)]), "load-test has 100/min, production has 50/min"),
        (observed([entry(100)], [guess(50)]), "production has 50/min"),
        (observed([guess(100)], [entry(50)]), "production has 50/min"),
        (observed([guess(100)], []), "production has no such limit"),
        (observed([guess(100)], [guess(UNKNOWN)]), "production does not tell the limit"),
        (observed([guess(100)], [guess(100)], peaks=[peak(200)]), "the load test used 200/min"),
        (
            observed([guess(100)], [guess(100)], approved=reading("production", guess(200))),
            "production had 200/min when the snapshot was taken and has 100/min now",
        ),
        (
            observed([guess(100)], [], approved=reading("production", guess(200))),
            "and has no such limit now",
        ),
    ],
)
def test_what_would_be_a_regression_or_an_error_is_a_warning(seen: Observed, said: str) -> None:
    report = check(Terms(), seen, NOW)
    assert report.verdict is Verdict.WARN
    assert any(said in each.cause for each in report.findings if each.verdict is Verdict.WARN)
    assert all(f"estimated from {HOW}, so it blocks nothing" in each.cause for each in report.findings)


def test_a_need_that_an_estimate_does_not_meet_is_a_warning() -> None:
    need = Need("ledger", "calls", parse_unit("1/min"), Fraction(80), "autoscalers")
    seen = Observed(reading("load-test", guess(10)), reading("production", guess(50), needs=[need]))
    (found,) = [each for each in check(Terms(), seen, NOW).findings if each.rule is Rule.NEED]
    assert (found.verdict, found.wanted) == (Verdict.WARN, 80)


def test_beside_an_estimate_what_is_told_still_blocks() -> None:
    seen = observed([guess(100), entry(100, metric="writes")], [guess(50), entry(50, metric="writes")])
    assert worst(seen).metric == "writes"
    assert worst(seen).verdict is Verdict.REGRESSION


def test_an_estimate_that_is_enough_passes() -> None:
    (found,) = findings([guess(10)], [guess(50)], Rule.BASELINE)
    assert found.verdict is Verdict.PASS


def test_what_could_not_be_estimated_is_told_and_compared_with_nothing() -> None:
    fault = Fault("ledger", "may not list nodes", "let it", estimated=True)
    serving = Reading("production", [], [fault])
    (found,) = check(
        Terms(services={"ledger": frozenset()}), Observed(reading("load-test", guess(10)), serving), NOW
    ).findings
    assert (found.verdict, found.cause, found.remedy) == (
        Verdict.WARN,
        "production: may not list nodes",
        "let it",
    )


def test_a_snapshot_keeps_how_it_was_estimated() -> None:
    serving = reading("production", guess(10), entry(5, metric="writes"))
    stored = read(write(Snapshot("shop", NOW, serving, serving))).serving
    assert {each.metric: each.estimate for each in stored.entries} == {"calls": HOW, "writes": ""}


def test_what_autoscalers_need_of_nodes_they_need_of_growth_and_addresses_where_these_are_read() -> None:
    cpu = Need("nodes", "allocatable.cpu", CORES, Fraction(20), "20 x web")
    pods = replace(cpu, metric="allocatable.pods", unit=parse_unit("1"))
    quota = replace(cpu, service="resourcequota", metric="requests.cpu")
    needs = [cpu, pods, quota]
    assert estimated_needs(needs, frozenset({"nodes"})) == []
    both = estimated_needs(needs, frozenset({NODE_GROWTH, POD_ADDRESSES}))
    assert {(each.service, each.metric) for each in both} == {("nodegrowth", "cpu"), ("podaddresses", "pods")}
