"""How many pods and Services a cluster has addresses for: estimates.

podaddresses      `pods`: by each node's `podCIDRs` and most pods, or by Calico's IPPools
serviceaddresses  `addresses`, by `family`: by ServiceCIDRs, and what of them is taken by IPAddresses

Shapes and what is left out: kubernetes/kubernetes, pkg/registry/core/service/ipallocator/ipallocator.go
(hostsPerNetwork); containernetworking/plugins, plugins/ipam/host-local/backend/allocator/range.go
(network, gateway and broadcast address); projectcalico/calico, api/pkg/apis/projectcalico/v3/ippool.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
)
from typing import Any, Final

from devperfops_operator.api.quantity import parse_any_quantity
from devperfops_operator.domain.quota.entry import Entry
from devperfops_operator.domain.quota.namespace import (
    COUNT,
    POD_ADDRESSES,
    SERVICE_ADDRESSES,
    Place,
    takes_pods,
)

Raw = Mapping[str, Any]
_Network = IPv4Network | IPv6Network

_RESERVED_OF_A_NODE: Final = 3
_V4, _V6 = 4, 6
_NO_NODE: Final = "!all()"
"""As a pool's node selector: by name only."""


def pod_entries(nodes: Iterable[Raw], pools: Sequence[Raw], place: Place) -> list[Entry]:
    """By nodes that are there and take pods; `pools` of Calico, by which their `podCIDRs` do not count."""
    taking = [node for node in nodes if takes_pods(node)]
    usable = [each["spec"] for each in pools if _for_pods(each["spec"])]
    if usable:
        by_nodes = sum(map(_most_pods, taking), Fraction(0))
        limit = min(by_nodes, _fewest(ip_network(each["cidr"], strict=False) for each in usable))
        how = f"{len(usable)} IPPools of Calico"
    else:
        limit = sum((min(_most_pods(node), _room(node)) for node in taking), Fraction(0))
        how = "their podCIDRs"
    estimate = f"{len(taking)} nodes of {place.context}, how many pods they take, and {how}"
    source = f"the nodes of {place.context}, or its pools of addresses"
    return [place.entry(POD_ADDRESSES, "pods", COUNT, limit, source=source, estimate=estimate)]


def _for_pods(pool: Raw) -> bool:
    """Whether pods get addresses of it by themselves. Selectors of nodes and namespaces are not read."""
    uses = pool.get("allowedUses") or ["Workload"]
    manual = pool.get("assignmentMode") == "Manual" or pool.get("nodeSelector") == _NO_NODE
    return "Workload" in uses and not pool.get("disabled") and not manual


def _most_pods(node: Raw) -> Fraction:
    return parse_any_quantity((node["status"].get("allocatable") or {}).get("pods", "0"))


def _room(node: Raw) -> Fraction:
    """For pods, by the addresses that the node was given; a pod has one of each family."""
    ranges = (node.get("spec") or {}).get("podCIDRs") or []
    sizes = [ip_network(each, strict=False).num_addresses - _RESERVED_OF_A_NODE for each in ranges]
    return Fraction(max(0, min(sizes))) if sizes else _most_pods(node)


def _fewest(networks: Iterable[_Network]) -> Fraction:
    """Of the families that pods get addresses of."""
    return min(Fraction(sum(each.num_addresses for each in group)) for group in _families(networks).values())


def service_entries(ranges: Iterable[Raw], taken: Iterable[Raw], place: Place) -> list[Entry]:
    """By ServiceCIDRs that are in use; `taken`: IPAddresses."""
    told = (cidr for each in ranges if _in_use(each) for cidr in each["spec"].get("cidrs") or ())
    families = _families(map(ip_network, told))
    used = [ip_address(each["metadata"]["name"]) for each in taken]
    return [
        place.entry(
            SERVICE_ADDRESSES,
            "addresses",
            COUNT,
            Fraction(sum(map(_usable, networks))),
            dimensions=(("family", f"IPv{version}"),),
            usage=Fraction(_within(used, networks)),
            source=f"ServiceCIDRs of {place.context}",
            estimate=f"{', '.join(map(str, networks))} for all Services of {place.context}",
        )
        for version, networks in families.items()
    ]


def _in_use(service_range: Raw) -> bool:
    conditions = (service_range.get("status") or {}).get("conditions") or []
    ready = all(each["status"] == "True" for each in conditions if each["type"] == "Ready")
    return ready and not service_range["metadata"].get("deletionTimestamp")


def _usable(network: _Network) -> int:
    """Neither the network's own address nor, of IPv4, the one for all."""
    return max(0, network.num_addresses - (2 if network.version == _V4 else 1))


def _within(addresses: Iterable[IPv4Address | IPv6Address], networks: Sequence[_Network]) -> int:
    return sum(any(each in network for network in networks) for each in addresses)


def _families(networks: Iterable[_Network]) -> dict[int, list[_Network]]:
    """Without what is told twice."""
    four: list[IPv4Network] = []
    six: list[IPv6Network] = []
    for each in networks:
        if isinstance(each, IPv4Network):
            four.append(each)
        else:
            six.append(each)
    found: dict[int, list[_Network]] = {
        _V4: list(collapse_addresses(four)),
        _V6: list(collapse_addresses(six)),
    }
    return {version: each for version, each in found.items() if each}
