"""A file that declares quota, with more in it and else as it was."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import yaml

from devperfops_operator.domain.errors import InvalidRecord
from devperfops_operator.domain.quota.check import check
from devperfops_operator.domain.quota.entry import UNLIMITED
from devperfops_operator.domain.quota.finding import Waiver
from devperfops_operator.domain.quota.raising import Wanted, by_hand, raised, wanted, words
from devperfops_operator.domain.quota.terms import Terms
from devperfops_operator.domain.quota.units import parse_unit
from tests.unit.domain.quota.limits import NOW, entry, observed, peak

LIMITS = """# What production was granted. Ask the platform team.
apiVersion: devperfops.io/v1alpha1
kind: QuotaLimits
metadata: {name: production}
spec:
  limits:
  - {service: ledger, metric: calls, unit: 1/min, limit: 1000}   # since March
  - service: ledger
    metric: calls
    unit: 1/s
    dimensions: {region: eu}
    limit: '5'
  - {service: ledger, metric: storage, unit: GiBy, limit: 10}
  - {service: ledger, metric: free, limit: unlimited}
"""
QUOTA = """apiVersion: v1
kind: ResourceQuota
metadata: {name: all, namespace: shop}
spec:
  hard:
    cpu: "12500m"  # requests
    limits.memory: 64Gi
    pods: 10
---
apiVersion: v1
kind: ResourceQuota
metadata:
  name: critical
  namespace: shop
spec:
  hard: {pods: "5"}
  scopeSelector:
    matchExpressions:
    - {scopeName: PriorityClass, operator: In, values: [high]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other}
"""


def want(metric: str, amount: Any, unit: str = "1/min", service: str = "ledger", **at: str) -> Wanted:
    return Wanted(service, metric, tuple(sorted(at.items())), parse_unit(unit), Fraction(amount))


def of_kubernetes(metric: str, amount: Any, unit: str = "1", **at: str) -> Wanted:
    return want(metric, amount, unit, "resourcequota", **at)


@pytest.mark.parametrize(
    ("text", "wants", "old", "new"),
    [
        (LIMITS, want("calls", 2400), "limit: 1000}   # since", "limit: 2400}   # since"),
        (LIMITS, want("calls", 40, "1/s"), "limit: 1000}", "limit: 2400}"),
        (LIMITS, want("calls", 7, "1/s", region="eu"), "limit: '5'", "limit: '7'"),
        (LIMITS, want("calls", 2400, region="us"), "limit: 1000}", "limit: 2400}"),
        (LIMITS, want("storage", Fraction(25, 2), "GiBy"), "limit: 10}", 'limit: "12.5"}'),
        (QUOTA, of_kubernetes("requests.cpu", Fraction(41, 2), "cores"), '"12500m"', '"20500m"'),
        (QUOTA, of_kubernetes("requests.cpu", 20, "cores"), '"12500m"', '"20"'),
        (QUOTA, of_kubernetes("limits.memory", 128 * 1024**3, "By"), "64Gi", "128Gi"),
        (QUOTA, of_kubernetes("limits.memory", 64 * 1024**3 + 1, "By"), "64Gi", str(64 * 1024**3 + 1)),
        (QUOTA, of_kubernetes("pods", 20), "pods: 10", "pods: 20"),
        (QUOTA, of_kubernetes("pods", 8, scope="PriorityClass In high"), '{pods: "5"}', '{pods: "8"}'),
    ],
)
def test_a_value_is_raised_and_nothing_else_changes(text: str, wants: Wanted, old: str, new: str) -> None:
    declared = raised("quota.yaml", text, [wants])
    assert text.count(old) == 1
    assert declared.text == text.replace(old, new)
    assert (declared.enough, declared.missing) == ([], [])
    assert raised("quota.yaml", declared.text, [wants]).edits == []


def test_in_a_scope_the_quota_of_everything_has_to_be_raised_too() -> None:
    declared = raised("quota.yaml", QUOTA, [of_kubernetes("pods", 30, scope="PriorityClass In high")])
    hard = [each["spec"]["hard"]["pods"] for each in yaml.safe_load_all(declared.text) if "spec" in each]
    assert hard == [30, "30"]


def test_of_two_wants_of_one_value_the_higher_counts() -> None:
    wants = [want("calls", 2400, region="us"), want("calls", 1800), want("calls", 2000, region="asia")]
    declared = raised("quota.yaml", LIMITS, wants)
    assert [(each.before, each.after) for each in declared.edits] == [("1000", "2400")]


@pytest.mark.parametrize(
    ("text", "wants"),
    [
        (LIMITS, want("calls", 1000)),
        (LIMITS, want("free", 7, "1")),
        (QUOTA, of_kubernetes("limits.memory", 1024, "By")),
    ],
)
def test_what_is_declared_already_is_said(text: str, wants: Wanted) -> None:
    declared = raised("quota.yaml", text, [wants])
    assert (declared.text, declared.edits, declared.enough) == (text, [], [wants])


@pytest.mark.parametrize(
    ("text", "wants"),
    [
        (LIMITS, want("writes", 7)),
        (LIMITS, want("calls", 7, "By")),
        (LIMITS, of_kubernetes("pods", 20)),
        (QUOTA, of_kubernetes("requests.memory", 20, "By")),
    ],
)
def test_what_is_not_declared_is_said(text: str, wants: Wanted) -> None:
    declared = raised("quota.yaml", text, [wants])
    assert (declared.text, declared.edits, declared.missing) == (text, [], [wants])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "quota.yaml is not YAML"),
        ("a: 1", "has neither QuotaLimits nor ResourceQuotas"),
        ("- 1", "has neither QuotaLimits nor ResourceQuotas"),
        (f"{LIMITS}---\n{LIMITS}", "declares environments production, production"),
        (QUOTA.replace("namespace: shop}", "namespace: bank}"), "declares namespaces bank, shop"),
        (LIMITS.replace("unit: GiBy", "unit: //"), '"//" is not a unit'),
    ],
)
def test_a_file_that_cannot_be_used_says_why(text: str, said: str) -> None:
    with pytest.raises(InvalidRecord, match=said):
        raised("quota.yaml", text, [want("calls", 7)])


def test_a_value_that_is_no_number_becomes_one() -> None:
    text = LIMITS.replace("limit: 1000", "limit: unknown")
    assert raised("quota.yaml", text, [want("calls", 7)]).edits[0].after == "7"


def test_wanted_is_what_blocks_and_an_amount_mends() -> None:
    waiver = Waiver("w", "ledger", "waived", (), "asked for", "Ada", NOW.replace(year=2027))
    baseline = [
        entry(100),
        entry(100, metric="waived"),
        entry(UNLIMITED, metric="open"),
        entry(9, metric="met"),
    ]
    serving = [
        entry(50, usage=Fraction(10)),
        entry(1, metric="waived"),
        entry(1, metric="open"),
        entry(9, metric="met"),
    ]
    seen = observed(baseline, serving, peaks=[peak(95)], waivers=[waiver])
    report = check(Terms(), seen, NOW)
    (one,) = wanted(report)
    assert (one.title, one.amount) == ("ledger/calls", 105)  # the peak beside what others use
    assert [each.metric for each in by_hand(report)] == ["open"]


def test_the_same_edits_have_the_same_branch_and_others_another() -> None:
    report = check(Terms(), observed([entry(2400)], [entry(1000)]), NOW)
    declared = raised("q.yaml", LIMITS, wanted(report))
    told = words("january", "q.yaml", declared, report)
    assert told == words("january", "q.yaml", raised("q.yaml", LIMITS, wanted(report)), report)
    assert told.branch.startswith("devperfops-quota/january-")
    assert told.title == "Raise quota: ledger/calls to 2400"
    assert "- ledger/calls: load-test has 2,400/min, production has 1,000/min" in told.body
    assert "- ledger/calls: 1000 -> 2400" in told.body
    more = raised("q.yaml", LIMITS, [want("calls", 2500)])
    assert words("january", "q.yaml", more, report).branch != told.branch
