"""What a Kubernetes namespace may use, from its raw objects.

resourcequota  `status.hard`, the lowest of all quotas of the same scope; what none limits is unlimited
limitrange     what one container, pod or claim may have; what none limits is unlimited
autoscaling    the most replicas of each autoscaled workload
nodes          what all nodes that take pods have together

Others, which are read where a policy names them: `priorities`, `growth`, `addresses`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

from devperfops_operator.api.quantity import parse_any_quantity
from devperfops_operator.domain.quota.entry import UNKNOWN, UNLIMITED, Entry, Limit, Need, lower
from devperfops_operator.domain.quota.units import Unit

Raw = Mapping[str, Any]

RESOURCE_QUOTA: Final = "resourcequota"
LIMIT_RANGE: Final = "limitrange"
AUTOSCALING: Final = "autoscaling"
NODES: Final = "nodes"
PRIORITY_CLASS: Final = "priorityclass"
PRIORITY: Final = "priority"
NODE_GROWTH: Final = "nodegrowth"
POD_ADDRESSES: Final = "podaddresses"
SERVICE_ADDRESSES: Final = "serviceaddresses"
UNLIMITED_SERVICES: Final = frozenset({RESOURCE_QUOTA, LIMIT_RANGE})
"""Those in which what is not listed is not limited."""

_PROVIDER: Final = "kubernetes"
COUNT, CORES, BYTES = Unit("1", text="1"), Unit("cores", text="cores"), Unit("By", text="By")
_ALIASES: Final = {
    **{name: f"requests.{name}" for name in ("cpu", "memory", "ephemeral-storage")},
    **{
        f"count/{name}": name
        for name in (
            *("configmaps", "persistentvolumeclaims", "replicationcontrollers"),
            *("resourcequotas", "secrets", "services"),
        )
    },
}
"""Of a ResourceQuota's names those that mean the same as another one."""
_SHARED: Final = ("cpu", "memory", "pods")
"""Of a node's resources those that every pod takes."""
_CEILINGS: Final = ("max", "default", "maxLimitRequestRatio")
"""Of a LimitRange what only narrows."""


@dataclass(frozen=True, slots=True)
class Place:
    """`kubectl`: with the options that lead to the namespace."""

    context: str
    namespace: str
    observed_at: datetime

    @property
    def kubectl(self) -> str:
        return f"kubectl --context {self.context} -n {self.namespace}"

    def entry(self, service: str, metric: str, unit: Unit, limit: Limit, **more: Any) -> Entry:
        """`more`: other fields of an Entry."""
        fields = {"source": f"{self.context}/{self.namespace}", **more}
        return Entry(_PROVIDER, service, metric, unit, limit, observed_at=self.observed_at, **fields)

    def patch(self, kind: str, name: str, spec: Any) -> str:
        """The command that sets it; `{limit}` stands for the value."""
        return f"{self.kubectl} patch {kind} {name} --type=merge -p '{json.dumps({'spec': spec})}'"


def quota_entries(quotas: Iterable[Raw], place: Place) -> list[Entry]:
    """Of ResourceQuotas. A quota of everything limits what is in a narrower scope too."""
    found: dict[tuple[str, str], Entry] = {}
    for entry in (entry for quota in quotas for entry in _quota(quota, place)):
        key = (entry.metric, dict(entry.dimensions).get("scope", ""))
        other = found.get(key)
        found[key] = entry if other is None else _lower(entry, other)
    return [_in_scope(entry, found.get((metric, ""))) for (metric, _), entry in found.items()]


def _quota(quota: Raw, place: Place) -> Iterator[Entry]:
    name, spec, status = quota["metadata"]["name"], quota["spec"], quota.get("status") or {}
    enforced, used, scope = status.get("hard") or {}, status.get("used") or {}, scope_text(spec)
    wanted = spec.get("hard") or {}
    for metric in {**wanted, **enforced}:
        limit = parse_any_quantity(enforced[metric]) if metric in enforced else UNKNOWN
        desired = parse_any_quantity(wanted[metric]) if metric in wanted else UNLIMITED
        yield place.entry(
            RESOURCE_QUOTA,
            usual_name(metric),
            unit_of(metric),
            limit,
            dimensions=(("scope", scope),) if scope else (),
            usage=parse_any_quantity(used[metric]) if metric in used else None,
            pending=None if desired == limit else desired,
            source=f"ResourceQuota {name} of {place.context}/{place.namespace}",
            raised_by=place.patch("resourcequota", name, {"hard": {metric: "{limit}"}}),
        )


def usual_name(metric: str) -> str:
    """Of those names of a ResourceQuota that mean the same."""
    return _ALIASES.get(metric, metric)


def scope_text(spec: Raw) -> str:
    """In words, equal for equal scopes."""
    expressions = (spec.get("scopeSelector") or {}).get("matchExpressions") or []
    selected = [
        " ".join([each["scopeName"], each["operator"], ",".join(sorted(each.get("values") or []))]).strip()
        for each in expressions
    ]
    return "; ".join(sorted([*(spec.get("scopes") or []), *selected]))


def _lower(one: Entry, other: Entry) -> Entry:
    return one if lower(one.effective, other.effective) == one.effective else other


def _in_scope(entry: Entry, whole: Entry | None) -> Entry:
    lowest = entry if whole is None else _lower(entry, whole)
    return replace(lowest, dimensions=entry.dimensions)


def range_entries(ranges: Iterable[Raw], place: Place) -> list[Entry]:
    """Of LimitRanges: what narrows, the lowest of all."""
    found: dict[tuple[str, str], Entry] = {}
    for limits in ranges:
        name = limits["metadata"]["name"]
        for item in limits["spec"].get("limits") or []:
            for ceiling in _CEILINGS:
                for resource, value in (item.get(ceiling) or {}).items():
                    key = (f"{ceiling}.{resource}", item["type"])
                    entry = place.entry(
                        LIMIT_RANGE,
                        key[0],
                        COUNT if ceiling == "maxLimitRequestRatio" else unit_of(resource),
                        parse_any_quantity(value),
                        dimensions=(("type", item["type"]),),
                        source=f"LimitRange {name} of {place.context}/{place.namespace}",
                    )
                    found[key] = entry if key not in found else _lower(entry, found[key])
    return list(found.values())


def autoscaler_entries(autoscalers: Iterable[Raw], place: Place) -> list[Entry]:
    """Of HorizontalPodAutoscalers."""
    return [_most_replicas(autoscaler, place) for autoscaler in autoscalers]


def _most_replicas(autoscaler: Raw, place: Place) -> Entry:
    name, replicas = autoscaler["metadata"]["name"], autoscaler["spec"]["maxReplicas"]
    return place.entry(
        AUTOSCALING,
        "maxReplicas",
        COUNT,
        Fraction(replicas),
        dimensions=(("workload", "/".join(_target(autoscaler))),),
        source=f"HorizontalPodAutoscaler {name} of {place.context}/{place.namespace}",
        raised_by=place.patch("hpa", name, {"maxReplicas": "{limit}"}).replace('"{limit}"', "{limit}"),
    )


def node_entries(nodes: Iterable[Raw], place: Place) -> list[Entry]:
    """What the nodes that take new pods have together, and how many there are."""
    sums: dict[str, Fraction] = defaultdict(Fraction)
    for node in nodes:
        if takes_pods(node):
            for resource, value in (node["status"].get("allocatable") or {}).items():
                sums[resource] += parse_any_quantity(value)
    source = f"the nodes of {place.context}"
    return [
        place.entry(NODES, f"allocatable.{resource}", unit_of(resource), total, source=source)
        for resource, total in sums.items()
    ]


def takes_pods(node: Raw) -> bool:
    """Whether new pods may come to it."""
    conditions = node["status"].get("conditions") or []
    ready = all(each["status"] == "True" for each in conditions if each["type"] == "Ready")
    return ready and not (node.get("spec") or {}).get("unschedulable")


def autoscaler_needs(autoscalers: Sequence[Raw], workloads: Iterable[Raw]) -> list[Need]:
    """What all autoscaled workloads take together at their most replicas, of the quota and of the nodes."""
    templates = {
        (each["kind"], each["metadata"]["name"]): each["spec"]["template"]["spec"] for each in workloads
    }
    sums: dict[str, Fraction] = defaultdict(Fraction)
    grown = []
    for autoscaler in autoscalers:
        target, replicas = _target(autoscaler), autoscaler["spec"]["maxReplicas"]
        if target in templates:
            grown.append(f"{replicas} x {'/'.join(target)}")
            for resource, amount in _requests(templates[target]).items():
                sums[resource] += amount * replicas
    because = f"autoscalers may grow to {', '.join(grown)}"
    return [
        Need(service, metric.format(resource), unit_of(resource), sums[resource], because)
        for resource in _SHARED
        if sums[resource]
        for service, metric in (
            (RESOURCE_QUOTA, "pods" if resource == "pods" else "requests.{}"),
            (NODES, "allocatable.{}"),
        )
    ]


def estimated_needs(needs: Iterable[Need], asked: Collection[str]) -> list[Need]:
    """Those of nodes, as what the nodes may grow to and have addresses for has to meet; `asked`: services."""
    names = {
        "allocatable.cpu": (NODE_GROWTH, "cpu"),
        "allocatable.memory": (NODE_GROWTH, "memory"),
        "allocatable.pods": (POD_ADDRESSES, "pods"),
    }
    return [
        replace(need, service=service, metric=metric)
        for need in needs
        if need.service == NODES
        for service, metric in [names[need.metric]]
        if service in asked
    ]


def _target(autoscaler: Raw) -> tuple[str, str]:
    target = autoscaler["spec"]["scaleTargetRef"]
    return target["kind"], target["name"]


def _requests(pod: Raw) -> dict[str, Fraction]:
    """Of one pod, by its containers; those that run before them are not added."""
    sums = {"pods": Fraction(1)}
    for container in pod["containers"]:
        for resource, value in ((container.get("resources") or {}).get("requests") or {}).items():
            sums[resource] = sums.get(resource, Fraction(0)) + parse_any_quantity(value)
    return sums


def unit_of(metric: str) -> Unit:
    """Of a resource, by its name, which is the last part: `requests.cpu`."""
    resource = metric.rpartition(".")[2] if metric.startswith(("requests.", "limits.")) else metric
    if resource == "cpu":
        return CORES
    stored = resource in {"memory", "storage", "ephemeral-storage"} or resource.startswith("hugepages-")
    return BYTES if stored or metric.endswith("requests.storage") else COUNT
