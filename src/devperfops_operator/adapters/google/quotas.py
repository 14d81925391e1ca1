"""The limits of a project, which three of Google's APIs tell. Only reads.

Service Usage tells them its owner, Service Consumer Management the owner of a service, in the same form:
`consumerQuotaMetrics`, whose buckets hold `effectiveLimit`. Cloud Quotas tells the owner in another form,
with what was asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any, Final, Protocol

from devperfops_operator.adapters.google.client import CLOUD, FAILURES, connected, elements, fault
from devperfops_operator.adapters.google.cloud_quotas import DESCRIPTION
from devperfops_operator.api.quota_sources import GoogleApi, GoogleProject
from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.quota.cloud_quotas import cloud_quota_entries
from devperfops_operator.domain.quota.consumer_quota import metric_entries
from devperfops_operator.domain.quota.entry import Entry, Fault, Reading

Raw = Mapping[str, Any]

_VERSION: Final = "v1beta1"
_CONSUMER_APIS: Final = {
    GoogleApi.SERVICE_USAGE: ("serviceusage", f"{CLOUD}.read-only", "projects/{project}/services/{service}"),
    GoogleApi.SERVICE_CONSUMER_MANAGEMENT: (
        "serviceconsumermanagement",
        CLOUD,  # it has no smaller one
        "services/{service}/projects/{project}",
    ),
}
"""Name, scope and the path of a project's quota."""


async def read_project(
    name: str, where: GoogleProject, services: Collection[str] | None, now: datetime
) -> Reading:
    """The environment of that name; `services`: those to be read, None for all that the project has enabled.

    Never raises for what the API refuses or does not answer: that is a fault of the reading.
    """
    return await asyncio.to_thread(_read, name, where, services, now)


def _read(name: str, where: GoogleProject, services: Collection[str] | None, now: datetime) -> Reading:
    open_project: Callable[[GoogleProject], _Project] = _Consumer
    if where.api is GoogleApi.CLOUD_QUOTAS:
        open_project = _Preferring
    try:
        with closing(open_project(where)) as project:
            wanted = project.enabled() if services is None else services
            return _of_services(name, project, wanted, now)
    except FAILURES as error:
        return Reading(name, (), [fault("", error)])


def _of_services(name: str, project: _Project, services: Collection[str], now: datetime) -> Reading:
    entries: list[Entry] = []
    faults: list[Fault] = []
    for service in sorted(services):
        try:
            entries += project.entries(service, now)
        except (*FAILURES, InvalidSpec) as error:
            faults.append(fault(service, error))
    return Reading(name, entries, faults)


class _Project(Protocol):
    """One project behind one of the APIs."""

    def close(self) -> None: ...

    def enabled(self) -> list[str]:
        """Names of the services that the project uses."""

    def entries(self, service: str, now: datetime) -> list[Entry]: ...


class _Consumer:
    """Behind Service Usage or Service Consumer Management."""

    def __init__(self, where: GoogleProject) -> None:
        api, scope, self._path = _CONSUMER_APIS[where.api]
        self._client = connected(where.endpoint, scope, api=(api, _VERSION))
        self._name = where.project

    def close(self) -> None:
        self._client.close()

    def entries(self, service: str, now: datetime) -> list[Entry]:
        """FULL has a bucket for each region, also where nothing was overridden."""
        parent = self._path.format(project=self._name, service=service)
        metrics = self._client.services().consumerQuotaMetrics()
        found = elements(metrics, "metrics", parent=parent, view="FULL")
        return [each for raw in found for each in metric_entries(service, raw, self._name, now)]

    def enabled(self) -> list[str]:
        found = elements(
            self._client.services(), "services", parent=f"projects/{self._name}", filter="state:ENABLED"
        )
        return [service["config"]["name"] for service in found]


class _Preferring:
    """Behind Cloud Quotas."""

    def __init__(self, where: GoogleProject) -> None:
        self._client = connected(where.endpoint, CLOUD, document=DESCRIPTION)
        self._name = where.project
        self._parent = f"projects/{where.project}/locations/global"
        self._preferences: list[Raw] | None = None

    def close(self) -> None:
        self._client.close()

    def entries(self, service: str, now: datetime) -> list[Entry]:
        """What is asked for is read first, once for all services."""
        if self._preferences is None:
            self._preferences = list(
                elements(self._client.quotaPreferences(), "quotaPreferences", parent=self._parent)
            )
        parent = f"{self._parent}/services/{service}"
        infos = list(elements(self._client.quotaInfos(), "quotaInfos", parent=parent))
        return list(cloud_quota_entries(infos, self._preferences, service, self._name, now))

    def enabled(self) -> list[str]:
        """None: it lists no services, so a policy has to name them."""
        return []
