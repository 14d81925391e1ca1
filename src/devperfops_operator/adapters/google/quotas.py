"""The limits of a project: Service Usage tells them its owner, Service Consumer Management the service's.

Both APIs answer in the same form: `consumerQuotaMetrics`, whose buckets hold `effectiveLimit`. Only reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any, Final

import google.auth
import google_auth_httplib2
import httplib2
from google.auth.exceptions import GoogleAuthError
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from devperfops_operator.api.quota_sources import GoogleApi, GoogleProject
from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.quota.consumer_quota import metric_entries
from devperfops_operator.domain.quota.entry import Entry, Fault, Reading

Raw = Mapping[str, Any]

_VERSION: Final = "v1beta1"
_CLOUD: Final = "https://www.googleapis.com/auth/cloud-platform"
_APIS: Final = {
    GoogleApi.SERVICE_USAGE: ("serviceusage", f"{_CLOUD}.read-only", "projects/{project}/services/{service}"),
    GoogleApi.SERVICE_CONSUMER_MANAGEMENT: (
        "serviceconsumermanagement",
        _CLOUD,  # it has no smaller one
        "services/{service}/projects/{project}",
    ),
}
"""Name, scope and the path of a project's quota."""
_TIMEOUT_SECONDS: Final = 20
_RETRIES: Final = 2
"""Of what fails on the way or on the server's side (5xx, 429)."""
_PAGE: Final = 100
_FAILURES: Final = (HttpError, GoogleAuthError, httplib2.HttpLib2Error, OSError)


async def read_project(
    name: str, where: GoogleProject, services: Collection[str] | None, now: datetime
) -> Reading:
    """The environment of that name; `services`: those to be read, None for all that the project has enabled.

    Never raises for what the API refuses or does not answer: that is a fault of the reading.
    """
    return await asyncio.to_thread(_read, name, where, services, now)


def _read(name: str, where: GoogleProject, services: Collection[str] | None, now: datetime) -> Reading:
    try:
        with closing(_Project(where)) as project:
            wanted = project.enabled() if services is None else services
            return _of_services(name, project, wanted, now)
    except _FAILURES as error:
        return Reading(name, (), [_fault("", error)])


def _of_services(name: str, project: _Project, services: Collection[str], now: datetime) -> Reading:
    entries: list[Entry] = []
    faults: list[Fault] = []
    for service in sorted(services):
        try:
            metrics = list(project.metrics(service))
            entries += [each for raw in metrics for each in metric_entries(service, raw, project.name, now)]
        except (*_FAILURES, InvalidSpec) as error:
            faults.append(_fault(service, error))
    return Reading(name, entries, faults)


class _Project:
    """One project behind one of the two APIs, by the application's default credentials."""

    def __init__(self, where: GoogleProject) -> None:
        api, scope, self._path = _APIS[where.api]
        credentials, _ = google.auth.default(scopes=[scope])
        http = google_auth_httplib2.AuthorizedHttp(credentials, http=httplib2.Http(timeout=_TIMEOUT_SECONDS))
        options = {"api_endpoint": where.endpoint} if where.endpoint else {}
        client = build(api, _VERSION, http=http, static_discovery=True, client_options=options)
        self._client = client
        self.name = where.project

    def close(self) -> None:
        self._client.close()

    def metrics(self, service: str) -> Iterator[Raw]:
        """Of all pages; FULL has a bucket for each region, also where nothing was overridden."""
        parent = self._path.format(project=self.name, service=service)
        yield from self._pages(
            self._client.services().consumerQuotaMetrics(), "metrics", parent=parent, view="FULL"
        )

    def enabled(self) -> list[str]:
        """Names of the services that the project uses."""
        pages = self._pages(
            self._client.services(), "services", parent=f"projects/{self.name}", filter="state:ENABLED"
        )
        return [service["config"]["name"] for service in pages]

    def _pages(self, collection: Any, key: str, **arguments: Any) -> Iterator[Raw]:
        request = collection.list(pageSize=_PAGE, **arguments)
        while request is not None:
            page = request.execute(num_retries=_RETRIES)
            yield from page.get(key, ())
            request = collection.list_next(request, page)


def _fault(service: str, error: Exception) -> Fault:
    if isinstance(error, HttpError):
        cause = f"{error.status_code}: {error.reason}"
        if error.status_code in {401, 403, 404}:
            remedy = (
                "give the credentials the right to read quota (docs/quota.md), or correct project and service"
            )
            return Fault(service, cause, remedy)
        return Fault(service, cause, "check again when the API answers")
    if isinstance(error, GoogleAuthError):
        return Fault(service, f"no credentials: {error}", "run gcloud auth application-default login")
    if isinstance(error, InvalidSpec):
        return Fault(service, str(error), "leave the service out of spec.services, and report it")
    return Fault(
        service, f"the API cannot be reached: {error or type(error).__name__}", "check again when it can"
    )
