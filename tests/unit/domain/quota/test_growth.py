"""What nodes may grow to."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from devperfops_operator.domain.errors import InvalidRecord
from devperfops_operator.domain.quota.entry import UNKNOWN, UNLIMITED, Entry
from devperfops_operator.domain.quota.growth import Group, autoscaler_groups, growth_entries
from devperfops_operator.domain.quota.namespace import Place
from tests.unit.domain.quota.limits import NOW

GI = 1024**3
PROD = Place("prod", "shop", NOW)
TEXT = """Cluster-autoscaler status at 2026-12-10 07:59:50.123456789 +0000 UTC:
Cluster-wide:
  Health:      Healthy (ready=4 unready=0 (resourceUnready=0) notStarted=0 longNotStarted=0 registered=4 longUnregistered=0)
               LastProbeTime:      2026-12-10 07:59:49.5 +0000 UTC m=+3600.1
  ScaleUp:     NoActivity (ready=4 registered=4)

NodeGroups:
  Name:        web
  Health:      Healthy (ready=3 unready=0 (resourceUnready=0) notStarted=0 longNotStarted=0 registered=3 longUnregistered=0 cloudProviderTarget=3 (minSize=1, maxSize=10))
               LastProbeTime:      2026-12-10 07:59:49.5 +0000 UTC m=+3600.1
  ScaleUp:     NoActivity (ready=3 cloudProviderTarget=3)

  Name:        old
  Health:      Healthy (ready=1 unready=0 (resourceUnready=0) notStarted=0 longNotStarted=0 registered=1 longUnregistered=0 cloudProviderTarget=1 (minSize=0, maxSize=1))
"""
YAML = """time: 2026-12-10 07:59:50.123456789 +0000 UTC
autoscalerStatus: Running
clusterWide:
  health: {status: Healthy, nodeCounts: {registered: {total: 4, ready: 4, notStarted: 0}}}
nodeGroups:
- name: web
  health:
    status: Healthy
    nodeCounts: {registered: {total: 3, ready: 3, notStarted: 0}}
    cloudProviderTarget: 3
    minSize: 1
    maxSize: 10
- name: old
  health: {status: Healthy, cloudProviderTarget: 1, minSize: 0, maxSize: 1}
"""
GROUPS = [Group(3, 10), Group(1, 1)]


def status(text: str, written: str = "2026-12-10 07:59:50.123456789 +0000 UTC") -> Any:
    annotations = {"cluster-autoscaler.kubernetes.io/last-updated": written}
    return {"metadata": {"annotations": annotations}, "data": {"status": text}}


@pytest.mark.parametrize("text", [TEXT, YAML], ids=["text", "YAML"])
def test_both_forms_of_the_status_are_read(text: str) -> None:
    assert autoscaler_groups(status(text), NOW) == GROUPS


def test_without_a_status_there_are_no_groups() -> None:
    assert autoscaler_groups(None, NOW) is None


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (status("Cluster-autoscaler status at ...:\nInitializing"), "tells of no group of nodes"),
        (status("autoscalerStatus: Initializing"), "tells of no group of nodes"),
        (status("autoscalerStatus: Running\nnodeGroups: 3"), "tells of no group of nodes"),
        (status("autoscalerStatus: Running\nnodeGroups: [{name: web}]"), "of a form not known here"),
        (status("{"), "tells of no group of nodes"),
        ({"metadata": {}}, "tells of no group of nodes"),
        (
            status(YAML, "2026-12-10 08:30:00.5 +0200 CEST"),
            "on 2026-12-10 06:30 UTC: its autoscaler does not run",
        ),
    ],
)
def test_a_status_that_says_nothing_is_not_taken_for_none(told: Any, said: str) -> None:
    with pytest.raises(InvalidRecord, match=said):
        autoscaler_groups(told, NOW)


def test_a_status_without_a_time_is_taken_as_it_is() -> None:
    assert autoscaler_groups(status(YAML, ""), NOW + timedelta(days=9)) == GROUPS


def node(cpu: str, pool: str | None = None, *, taint: str | None = None, cordoned: bool = False) -> Any:
    taints = [{"key": "only", "effect": taint}] if taint else []
    return {
        "metadata": {"labels": {"karpenter.sh/nodepool": pool} if pool else {}},
        "spec": {"taints": taints, "unschedulable": cordoned},
        "status": {"allocatable": {"cpu": cpu, "memory": "4Gi"}},
    }


def pool(name: str, **spec: Any) -> Any:
    return {"metadata": {"name": name}, "spec": spec}


def limits(entries: list[Entry]) -> dict[str, Any]:
    assert all(each.estimate for each in entries)
    return {each.metric: each.limit for each in entries}


def test_without_an_autoscaler_it_is_what_is_there() -> None:
    entries = growth_entries([node("2"), node("1500m"), node("64", cordoned=True)], None, [], PROD)
    assert limits(entries) == {"cpu": Fraction(7, 2), "memory": 8 * GI, "nodes": 2}
    assert entries[0].estimate == "2 nodes of prod, no autoscaler that can be seen"


def test_each_node_of_a_group_that_may_come_has_as_much_as_the_smallest_one() -> None:
    nodes = [node("8"), node("4"), node("1", taint="NoSchedule")]
    entries = growth_entries(nodes, GROUPS, [], PROD)
    assert limits(entries) == {"cpu": 13 + 7 * 4, "memory": (3 + 7) * 4 * GI, "nodes": 10}
    assert entries[0].estimate == "3 nodes of prod, cluster-autoscaler's 7 more"


def test_of_a_group_without_any_node_nobody_knows_the_size() -> None:
    assert limits(growth_entries([], [Group(0, 3)], [], PROD))["cpu"] is UNKNOWN
    assert limits(growth_entries([], [Group(0, 0)], [], PROD))["cpu"] == 0


def test_a_pool_of_karpenter_grows_to_its_limits_whatever_it_has_now() -> None:
    nodes = [node("4"), node("8", "web"), node("8", "web")]
    entries = growth_entries(nodes, None, [pool("web", limits={"cpu": "100", "memory": "400Gi"})], PROD)
    assert limits(entries) == {"cpu": 104, "memory": 404 * GI, "nodes": UNLIMITED}
    assert entries[0].estimate == "3 nodes of prod, Karpenter's NodePools web"


def test_a_pool_keeps_what_it_has_where_its_limit_was_lowered() -> None:
    entries = growth_entries([node("8", "web")], None, [pool("web", limits={"cpu": 0, "nodes": "5"})], PROD)
    assert limits(entries) == {"cpu": 8, "memory": UNLIMITED, "nodes": 5}


def test_a_pool_of_so_many_nodes_does_not_grow() -> None:
    static = pool("web", replicas=2, limits={"nodes": "5"})
    assert limits(growth_entries([node("8", "web"), node("8", "web")], None, [static], PROD)) == {
        "cpu": 16,
        "memory": 8 * GI,
        "nodes": 2,
    }
