"""What a cluster's nodes may grow to, as far as its autoscaler says: an estimate.

nodegrowth  `cpu`, `memory`, `nodes`: what is there, and what cluster-autoscaler or Karpenter may add

Shapes: the status ConfigMap as text and as YAML (kubernetes/autoscaler,
cluster-autoscaler/clusterstate/clusterstate.go before 1.30, clusterstate/api/types.go and
utils/status_test.yaml since); NodePools (kubernetes-sigs/karpenter, pkg/apis/v1/nodepool.go).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, Final

import yaml

from devperfops_operator.api.quantity import parse_any_quantity
from devperfops_operator.domain.errors import InvalidRecord
from devperfops_operator.domain.quota.entry import UNKNOWN, UNLIMITED, Entry, Limit
from devperfops_operator.domain.quota.namespace import NODE_GROWTH, Place, takes_pods, unit_of

Raw = Mapping[str, Any]

STATUS_NAMESPACE: Final = "kube-system"
STATUS_NAME: Final = "cluster-autoscaler-status"

_CPU, _MEMORY, _NODES = "cpu", "memory", "nodes"
_COUNTED: Final = (_CPU, _MEMORY, _NODES)
_GROUP: Final = re.compile(r"cloudProviderTarget=([0-9]+) \(minSize=[0-9]+, maxSize=([0-9]+)\)")
_WRITTEN: Final = "cluster-autoscaler.kubernetes.io/last-updated"
_TIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.][0-9]+)? ([+-][0-9]{4})"
)
_OLDEST: Final = timedelta(hours=1)
"""Of a status that is written every few seconds: of an older one the autoscaler is gone."""
_POOL: Final = "karpenter.sh/nodepool"
_KEEP_OUT: Final = frozenset({"NoSchedule", "NoExecute"})


@dataclass(frozen=True, slots=True)
class Group:
    """Of cluster-autoscaler: how many nodes it wants now, and may want at most."""

    target: int
    most: int


def autoscaler_groups(status: Raw | None, now: datetime) -> list[Group] | None:
    """By the ConfigMap of cluster-autoscaler; None: there is none.

    Raises InvalidRecord for one that says nothing about groups, or that nobody has written for long.
    """
    if status is None:
        return None
    _expect_fresh(status, now)
    text = (status.get("data") or {}).get("status") or ""
    told = _as_yaml(text)
    groups = [Group(int(target), int(most)) for target, most in _GROUP.findall(text)]
    if told is not None:
        groups = [_group(each) for each in told]
    if not groups:
        raise InvalidRecord(f"ConfigMap {STATUS_NAMESPACE}/{STATUS_NAME} tells of no group of nodes")
    return groups


def _expect_fresh(status: Raw, now: datetime) -> None:
    written = _TIME.match((status["metadata"].get("annotations") or {}).get(_WRITTEN, ""))
    if written is None:
        return
    at = datetime.strptime(f"{written[1]} {written[2]}", "%Y-%m-%d %H:%M:%S %z")
    if now - at > _OLDEST:
        raise InvalidRecord(
            f"ConfigMap {STATUS_NAMESPACE}/{STATUS_NAME} was last written on "
            f"{at.astimezone(UTC):%Y-%m-%d %H:%M %Z}: its autoscaler does not run any more"
        )


def _as_yaml(text: str) -> Sequence[Raw] | None:
    """The groups, if it is of the newer form."""
    try:
        told = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError):
        return None
    groups = told.get("nodeGroups") or () if isinstance(told, dict) and "autoscalerStatus" in told else None
    return groups if groups is None or isinstance(groups, list) else ()


def _group(told: Raw) -> Group:
    try:
        health = told["health"]
        return Group(int(health.get("cloudProviderTarget", 0)), int(health.get("maxSize", 0)))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidRecord(
            f"ConfigMap {STATUS_NAMESPACE}/{STATUS_NAME} is of a form not known here ({error!r})"
        ) from error


def growth_entries(
    nodes: Iterable[Raw], groups: Sequence[Group] | None, pools: Sequence[Raw], place: Place
) -> list[Entry]:
    """What is there and may come. Without any autoscaler: what is there."""
    grown = _Growth([node for node in nodes if takes_pods(node)], groups, pools)
    return [
        place.entry(
            NODE_GROWTH,
            resource,
            unit_of(resource),
            grown.most(resource),
            source=f"the nodes of {place.context} and their autoscaler",
            estimate=f"{len(grown.nodes)} nodes of {place.context}{grown.how}",
        )
        for resource in _COUNTED
    ]


class _Growth:
    def __init__(self, nodes: Sequence[Raw], groups: Sequence[Group] | None, pools: Sequence[Raw]) -> None:
        self.nodes = nodes
        self._more = sum(max(0, group.most - group.target) for group in groups or ())
        self._pools = {each["metadata"]["name"]: each["spec"] for each in pools if _grows(each)}
        self._by_pool: dict[str, list[Raw]] = defaultdict(list)
        for node in nodes:
            pool = (node["metadata"].get("labels") or {}).get(_POOL, "")
            self._by_pool[pool if pool in self._pools else ""].append(node)
        parts = [f", cluster-autoscaler's {self._more} more"] if groups is not None else []
        parts += [f", Karpenter's NodePools {', '.join(sorted(self._pools))}"] if self._pools else []
        self.how = "".join(parts) or ", no autoscaler that can be seen"

    def most(self, resource: str) -> Limit:
        own = self._by_pool[""]
        most = _sum(resource, own)
        if self._more:
            size = min(_sizes(resource, own), default=None)
            if size is None:
                return UNKNOWN
            most += self._more * size
        for name, spec in self._pools.items():
            limits = spec.get("limits") or {}
            if resource not in limits:
                return UNLIMITED
            most += max(parse_any_quantity(str(limits[resource])), _sum(resource, self._by_pool[name]))
        return most


def _grows(pool: Raw) -> bool:
    """A pool of a fixed number of nodes does not."""
    return "replicas" not in pool["spec"]


def _sum(resource: str, nodes: Iterable[Raw]) -> Fraction:
    return sum((_size(resource, node) for node in nodes), Fraction(0))


def _sizes(resource: str, nodes: Iterable[Raw]) -> Iterator[Fraction]:
    """Of the nodes that any pod may come to: a new one has as much as the smallest of them at least."""
    for node in nodes:
        taints = (node.get("spec") or {}).get("taints") or ()
        if not any(taint.get("effect") in _KEEP_OUT for taint in taints):
            yield _size(resource, node)


def _size(resource: str, node: Raw) -> Fraction:
    if resource == _NODES:
        return Fraction(1)
    return parse_any_quantity((node["status"].get("allocatable") or {}).get(resource, "0"))
