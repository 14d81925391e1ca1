"""The limits of a subscription, by Microsoft.Quota and Azure's own client. Only reads.

The client's own policies would register a provider that is not, which is no read; so it gets other ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any, Final

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError
from azure.core.pipeline.policies import (
    ContentDecodePolicy,
    RequestIdPolicy,
    RetryPolicy,
    SensitiveHeaderCleanupPolicy,
    UserAgentPolicy,
)
from azure.identity import DefaultAzureCredential
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
from azure.mgmt.quota import QuotaMgmtClient

from devperfops_operator.api.quota_sources import AzureSubscription
from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.quota.entry import Entry, Fault, Reading
from devperfops_operator.domain.quota.resource_quotas import Scope, resource_quota_entries

Raw = Mapping[str, Any]

_SCOPE: Final = "https://management.azure.com/.default"
_TIMEOUT_SECONDS: Final = 20
_RETRIES: Final = 3
_BACKOFF: Final = 0.5
"""Seconds, doubled with each retry; what the server asks for (Retry-After) goes before."""
_OTHER_FORM: Final = (KeyError, TypeError, ValueError, AttributeError)
_FAILURES: Final = (AzureError, InvalidSpec, *_OTHER_FORM)
_REFUSALS: Final = frozenset({401, 403})
_THROTTLED: Final = 429
_SERVER: Final = 500


async def read_subscription(
    name: str, where: AzureSubscription, services: Collection[str] | None, now: datetime
) -> Reading:
    """The environment of that name; `services`: those to be read, which a policy has to name.

    Never raises for what the API refuses or does not answer: that is a fault of the reading.
    """
    return await asyncio.to_thread(_read, name, where, sorted(services or ()), now)


def _read(name: str, where: AzureSubscription, services: Collection[str], now: datetime) -> Reading:
    try:
        credential = DefaultAzureCredential()
    except ValueError as error:
        remedy = "correct the variables of the environment that begin with AZURE_"
        return Reading(name, (), [Fault("", f"Azure's credentials cannot be had: {error}", remedy)])
    with closing(credential), closing(_client(where, credential)) as client:
        return _of_services(name, client, where, services, now)


def _of_services(
    name: str, client: QuotaMgmtClient, where: AzureSubscription, services: Collection[str], now: datetime
) -> Reading:
    entries: list[Entry] = []
    faults: list[Fault] = []
    for service in services:
        try:
            for location in where.locations:
                entries += _of_scope(client, Scope(where.subscription, service, location), now)
        except _FAILURES as error:
            faults.append(_fault(service, error))
    return Reading(name, entries, faults)


def _client(where: AzureSubscription, credential: DefaultAzureCredential) -> QuotaMgmtClient:
    scope = f"{where.endpoint.rstrip('/')}/.default" if where.endpoint else _SCOPE
    policies = [
        RequestIdPolicy(),
        UserAgentPolicy(),
        ContentDecodePolicy(),
        RetryPolicy(retry_total=_RETRIES, retry_backoff_factor=_BACKOFF),
        ARMChallengeAuthenticationPolicy(credential, scope),
        SensitiveHeaderCleanupPolicy(),
    ]
    return QuotaMgmtClient(
        credential,
        where.subscription,
        where.endpoint,
        policies=policies,
        connection_timeout=_TIMEOUT_SECONDS,
        read_timeout=_TIMEOUT_SECONDS,
    )


def _of_scope(client: QuotaMgmtClient, scope: Scope, now: datetime) -> list[Entry]:
    quotas = _all(client.quota.list(str(scope)))
    usages = _all(client.usages.list(str(scope)))
    requests = _all(client.quota_request_status.list(str(scope)))
    return resource_quota_entries(quotas, usages, requests, scope, now)


def _all(paged: Any) -> Iterable[Raw]:
    """Of all pages. Raises ValueError if one leads to itself."""
    pages = paged.by_page()
    found: list[Raw] = []
    before = None
    for page in pages:
        found += [each.as_dict() for each in page]
        if pages.continuation_token and pages.continuation_token == before:
            raise ValueError("the page after a page is that page")
        before = pages.continuation_token
    return found


def _fault(service: str, error: Exception) -> Fault:
    told = str(error).partition("\n")[0]
    match error:
        case HttpResponseError(status_code=int() as status):
            return Fault(service, f"{status}: {told}", _remedy(status))
        case ClientAuthenticationError():
            remedy = "run az login, or set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET"
            return Fault(service, f"there are no credentials of Azure: {told}", remedy)
        case AzureError():
            remedy = "check again when it can, or correct the endpoint"
            return Fault(service, f"the API cannot be reached: {told}", remedy)
        case InvalidSpec():
            return Fault(service, told, "leave the service out of spec.services, and report it")
        case _:
            cause = f"the answer has not the documented form ({type(error).__name__}: {told})"
            return Fault(service, cause, "correct the endpoint, or leave the service out and report it")


def _remedy(status: int) -> str:
    if status in _REFUSALS:
        return "give the credentials the rights to read quotas (docs/quota.md)"
    if status == _THROTTLED or status >= _SERVER:
        return "check again when the API answers"
    return "correct subscription, locations and service, or register Microsoft.Quota in the subscription"
