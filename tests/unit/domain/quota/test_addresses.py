"""How many pods and Services have addresses."""

from __future__ import annotations

from typing import Any

import pytest

from devperfops_operator.domain.quota.addresses import pod_entries, service_entries
from devperfops_operator.domain.quota.namespace import Place
from tests.unit.domain.quota.limits import NOW

PROD = Place("prod", "shop", NOW)


def node(pods: str, *ranges: str, cordoned: bool = False) -> Any:
    spec = {"unschedulable": cordoned, **({"podCIDRs": list(ranges)} if ranges else {})}
    return {"metadata": {}, "spec": spec, "status": {"allocatable": {"pods": pods}}}


def ip_pool(cidr: str, **spec: Any) -> Any:
    return {"metadata": {"name": cidr}, "spec": {"cidr": cidr, **spec}}


NODES = [node("110", "10.244.0.0/24"), node("110", "10.244.1.0/26"), node("500", "10.244.2.0/24")]


@pytest.mark.parametrize(
    ("nodes", "pools", "pods"),
    [
        (NODES, [], 110 + 61 + 253),
        ([node("110")], [], 110),
        ([node("110", "10.244.0.0/24", "fd00::/122")], [], 61),
        ([node("110", "10.244.0.0/31")], [], 0),
        ([*NODES[:1], node("110", "10.244.9.0/24", cordoned=True)], [], 110),
        (NODES, [ip_pool("10.0.0.0/24")], 256),
        (NODES, [ip_pool("10.0.0.0/16")], 720),
        (NODES, [ip_pool("10.0.0.0/24"), ip_pool("10.0.0.0/25"), ip_pool("10.0.2.0/25")], 384),
        (NODES, [ip_pool("10.0.0.0/24"), ip_pool("fd00::/122")], 64),
        (NODES, [ip_pool("10.0.0.0/24"), ip_pool("10.0.1.0/24", disabled=True)], 256),
        (NODES, [ip_pool("10.0.0.0/24"), ip_pool("10.0.1.0/24", allowedUses=["LoadBalancer"])], 256),
        (NODES, [ip_pool("10.0.0.0/24"), ip_pool("10.0.1.0/24", allowedUses=["Workload"])], 512),
        (NODES, [ip_pool("10.0.0.0/24"), ip_pool("10.0.1.0/24", assignmentMode="Manual")], 256),
        (NODES, [ip_pool("10.0.0.0/24"), ip_pool("10.0.1.0/24", nodeSelector="!all()")], 256),
        (NODES, [ip_pool("10.0.1.0/24", disabled=True)], 110 + 61 + 253),
    ],
)
def test_pods_are_bounded_by_nodes_and_addresses(nodes: list[Any], pools: list[Any], pods: int) -> None:
    (entry,) = pod_entries(nodes, pools, PROD)
    assert (entry.metric, entry.limit) == ("pods", pods)
    assert entry.estimate


def service_range(*cidrs: str, ready: str | None = "True", **metadata: Any) -> Any:
    conditions = [{"type": "Ready", "status": ready}] if ready else []
    return {"metadata": metadata, "spec": {"cidrs": list(cidrs)}, "status": {"conditions": conditions}}


def taken(*addresses: str) -> list[Any]:
    return [{"metadata": {"name": each}} for each in addresses]


@pytest.mark.parametrize(
    ("ranges", "addresses"),
    [
        ([service_range("10.96.0.0/24")], {"IPv4": (254, 2)}),
        ([service_range("10.96.0.0/24", "fd00:10:96::/120")], {"IPv4": (254, 2), "IPv6": (255, 1)}),
        ([service_range("10.96.0.0/24"), service_range("10.96.0.0/25")], {"IPv4": (254, 2)}),
        ([service_range("10.96.0.0/24"), service_range("10.97.0.0/28")], {"IPv4": (268, 3)}),
        ([service_range("10.96.0.0/24"), service_range("10.97.0.0/28", ready="False")], {"IPv4": (254, 2)}),
        (
            [service_range("10.96.0.0/24"), service_range("10.97.0.0/28", deletionTimestamp="x")],
            {"IPv4": (254, 2)},
        ),
        ([service_range("10.96.0.0/24", ready=None)], {"IPv4": (254, 2)}),
        ([service_range("10.96.0.1/32")], {"IPv4": (0, 1)}),
    ],
)
def test_services_are_bounded_by_their_ranges(ranges: list[Any], addresses: dict[str, Any]) -> None:
    used = taken("10.96.0.1", "10.96.0.10", "10.97.0.1", "fd00:10:96::1")
    entries = service_entries(ranges, used, PROD)
    assert {dict(each.dimensions)["family"]: (each.limit, each.usage) for each in entries} == addresses
