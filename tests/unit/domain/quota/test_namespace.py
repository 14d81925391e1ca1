"""From Kubernetes' objects to limits."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.utils.quantity import parse_quantity

from devperfops_operator.api.quantity import QuantityError, parse_any_quantity
from devperfops_operator.domain.quota.check import check
from devperfops_operator.domain.quota.entry import UNKNOWN, UNLIMITED, Entry, Reading
from devperfops_operator.domain.quota.finding import Verdict
from devperfops_operator.domain.quota.namespace import (
    UNLIMITED_SERVICES,
    Place,
    autoscaler_entries,
    autoscaler_needs,
    node_entries,
    quota_entries,
    range_entries,
)
from devperfops_operator.domain.quota.terms import Terms
from tests.unit.domain.quota.limits import NOW, observed

PLACE = Place("prod", "shop", NOW)
GI = 1024**3


def quota(
    hard: dict[str, str], name: str = "shop", enforced: dict[str, str] | None = None, **more: Any
) -> Any:
    status = {"hard": hard if enforced is None else enforced, "used": more.pop("used", {})}
    return {"metadata": {"name": name}, "spec": {"hard": hard, **more}, "status": status}


def limits(entries: list[Entry]) -> dict[str, Any]:
    return {" ".join([each.metric, *dict(each.dimensions).values()]): each.limit for each in entries}


def test_what_is_enforced_counts_and_what_is_desired_is_a_change() -> None:
    (entry,) = quota_entries([quota({"requests.cpu": "4"}, enforced={"requests.cpu": "2"})], PLACE)
    assert (entry.limit, entry.pending, entry.effective) == (2, 4, 2)


def test_a_quota_that_no_controller_has_seen_is_not_told() -> None:
    (entry,) = quota_entries([quota({"pods": "4"}, enforced={})], PLACE)
    assert entry.effective is UNKNOWN


def test_the_lowest_of_several_quotas_holds_and_amounts_have_their_units() -> None:
    quotas = [
        quota({"requests.cpu": "2500m", "limits.memory": "8Gi", "pods": "20"}, "one", used={"pods": "7"}),
        quota({"pods": "10", "requests.storage": "1Ti", "count/deployments.apps": "5"}, "two"),
    ]
    entries = quota_entries(quotas, PLACE)
    assert {each.metric: (each.limit, str(each.unit)) for each in entries} == {
        "requests.cpu": (Fraction(5, 2), "cores"),
        "limits.memory": (8 * GI, "By"),
        "pods": (10, "1"),
        "requests.storage": (1024 * GI, "By"),
        "count/deployments.apps": (5, "1"),
    }
    (pods,) = [each for each in entries if each.metric == "pods"]
    assert pods.raised_by.replace("{limit}", "12") == (
        """kubectl --context prod -n shop patch resourcequota two --type=merge -p '{"spec": {"hard": {"pods": "12"}}}'"""
    )


def test_two_names_of_the_same_are_compared_with_each_other() -> None:
    entries = quota_entries(
        [quota({"cpu": "4", "memory": "1Gi", "count/secrets": "5", "count/pods": "9"})], PLACE
    )
    assert limits(entries) == {"requests.cpu": 4, "requests.memory": GI, "secrets": 5, "count/pods": 9}
    assert {str(each.unit) for each in entries} == {"cores", "By", "1"}
    assert '{"hard": {"cpu": "{limit}"}}' in entries[0].raised_by


def test_what_is_taken_out_of_a_quota_is_enforced_until_its_controller_has_seen_it() -> None:
    (entry,) = quota_entries([quota({}, enforced={"pods": "5"})], PLACE)
    assert (entry.pending, entry.effective) == (UNLIMITED, 5)


def test_a_quota_of_everything_holds_in_every_scope() -> None:
    selector = {
        "matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["low", "high"]}]
    }
    quotas = [
        quota({"pods": "10"}),
        quota({"pods": "20"}, "best", scopes=["BestEffort"]),
        quota({"pods": "5"}, "classes", scopeSelector=selector),
    ]
    assert limits(quota_entries(quotas, PLACE)) == {
        "pods": 10,
        "pods BestEffort": 10,
        "pods PriorityClass In high,low": 5,
    }


def test_of_limit_ranges_what_narrows_is_told() -> None:
    items = [
        {
            "type": "Container",
            "max": {"cpu": "2"},
            "min": {"cpu": "100m"},
            "default": {"memory": "1Gi"},
            "maxLimitRequestRatio": {"cpu": "4"},
        }
    ]
    other = [{"type": "Container", "max": {"cpu": "1500m"}}, {"type": "Pod", "max": {"cpu": "8"}}]
    ranges = [{"metadata": {"name": "r"}, "spec": {"limits": each}} for each in (items, other)]
    assert limits(range_entries(ranges, PLACE)) == {
        "max.cpu Container": Fraction(3, 2),
        "default.memory Container": GI,
        "maxLimitRequestRatio.cpu Container": 4,
        "max.cpu Pod": 8,
    }


def node(cpu: str, *, unschedulable: bool = False, ready: str = "True") -> Any:
    conditions = [{"type": "Ready", "status": ready}, {"type": "DiskPressure", "status": "False"}]
    status = {"allocatable": {"cpu": cpu, "memory": "4Gi"}, "conditions": conditions}
    return {"spec": {"unschedulable": unschedulable}, "status": status}


def test_nodes_that_take_no_pods_add_nothing() -> None:
    entries = node_entries(
        [node("1900m"), node("2"), node("64", unschedulable=True), node("8", ready="Unknown")], PLACE
    )
    assert limits(entries) == {"allocatable.cpu": Fraction(39, 10), "allocatable.memory": 8 * GI}


def autoscaler(name: str, most: int, kind: str = "Deployment") -> Any:
    return {
        "metadata": {"name": name},
        "spec": {"maxReplicas": most, "scaleTargetRef": {"kind": kind, "name": name}},
    }


def workload(name: str, *cpu: str) -> Any:
    containers = [{"resources": {"requests": {"cpu": each}}} for each in cpu]
    template = {"spec": {"containers": [*containers, {"name": "without"}]}}
    return {"kind": "Deployment", "metadata": {"name": name}, "spec": {"template": template}}


def test_autoscalers_may_ask_for_more_than_the_quota_has() -> None:
    autoscalers = [autoscaler("web", 20), autoscaler("api", 10), autoscaler("gone", 100)]
    needs = autoscaler_needs(autoscalers, [workload("web", "500m", "100m"), workload("api", "1")])
    assert {(each.service, each.metric): each.amount for each in needs} == {
        ("resourcequota", "requests.cpu"): 22,
        ("nodes", "allocatable.cpu"): 22,
        ("resourcequota", "pods"): 30,
        ("nodes", "allocatable.pods"): 30,
    }
    entries = quota_entries([quota({"requests.cpu": "16"})], PLACE)
    seen = Reading("production", entries, unlimited=UNLIMITED_SERVICES, needs=needs)
    services = {"resourcequota": frozenset[str]()}
    both = replace(observed([], []), baseline=replace(seen, name="load-test"), serving=seen)
    report = check(Terms(services=services), both, NOW)
    (found,) = [each for each in report.findings if each.verdict is Verdict.REGRESSION]
    assert found.cause == (
        "22 cores are needed (autoscalers may grow to 20 x Deployment/web, 10 x Deployment/api); "
        "production has 16 cores: ask for 6 cores more at once: it is needed now (lead time 2 days, assumed)"
    )
    assert '{"spec": {"hard": {"requests.cpu": "22"}}}' in found.remedy


def test_most_replicas_are_a_limit_of_their_own() -> None:
    (entry,) = autoscaler_entries([autoscaler("web", 20)], PLACE)
    assert (entry.metric, entry.limit, entry.dimensions) == (
        "maxReplicas",
        20,
        (("workload", "Deployment/web"),),
    )
    assert entry.raised_by.endswith("""patch hpa web --type=merge -p '{"spec": {"maxReplicas": {limit}}}'""")


SUFFIXES = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]


@given(st.decimals(0, 10**6, places=3), st.sampled_from(SUFFIXES))
def test_quantities_are_read_as_the_kubernetes_client_reads_them(number, suffix: str) -> None:
    text = f"{number:f}{suffix}"
    assert parse_any_quantity(text) == Fraction(parse_quantity(text))


@pytest.mark.parametrize(
    ("text", "amount"), [("1e3", 1000), ("1E3", 1000), ("12e-1", Fraction(6, 5)), (".5", Fraction(1, 2))]
)
def test_exponents_are_read(text: str, amount: Fraction) -> None:
    assert parse_any_quantity(text) == amount


@pytest.mark.parametrize("text", ["", "-1", "1 Gi", "1K", "1gi", "Gi", "1e", "1.2.3"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(QuantityError, match="is not a quantity"):
        parse_any_quantity(text)
