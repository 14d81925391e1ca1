"""The limits of an account: Service Quotas, and the usage plans of API Gateway. Only reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import httpx

from devperfops_operator.adapters.aws.client import Account, NoCredentialsError
from devperfops_operator.adapters.aws.failures import AwsError
from devperfops_operator.api.quota_sources import AwsAccount
from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.quota.entry import Entry, Fault, Reading
from devperfops_operator.domain.quota.service_quotas import service_quota_entries
from devperfops_operator.domain.quota.usage_plans import USAGE_PLANS, usage_plan_entries

Raw = Mapping[str, Any]

_OTHER_FORM: Final = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError)
_FAILURES: Final = (
    AwsError,
    NoCredentialsError,
    InvalidSpec,
    httpx.HTTPError,
    httpx.InvalidURL,
    *_OTHER_FORM,
)
_LATER: Final = "check again when the API answers"


async def read_account(
    name: str, where: AwsAccount, services: Collection[str] | None, now: datetime
) -> Reading:
    """The environment of that name; `services`: those to be read, which a policy has to name.

    Never raises for what the API refuses or does not answer: that is a fault of the reading.
    """
    try:
        account = Account(where)
    except NoCredentialsError as error:
        return Reading(name, (), [_fault("", error)])
    try:
        return await _read(name, account, where.regions, sorted(services or ()), now)
    finally:
        await account.close()


async def _read(
    name: str, account: Account, regions: Collection[str], services: Collection[str], now: datetime
) -> Reading:
    entries: list[Entry] = []
    faults: list[Fault] = []
    for service in services:
        read = _usage_plans if service == USAGE_PLANS else _service_quotas
        try:
            for region in regions:
                entries += await read(account, service, region, now)
        except _FAILURES as error:
            faults.append(_fault(service, error))
    return Reading(name, entries, faults)


async def _service_quotas(account: Account, service: str, region: str, now: datetime) -> list[Entry]:
    """Of three lists; half of one would be another quota."""

    async def listed(action: str, key: str, **more: str) -> Sequence[Raw]:
        return await account.service_quotas(region, action, key, ServiceCode=service, **more)

    applied = await listed("ListServiceQuotas", "Quotas", QuotaAppliedAtLevel="ALL")
    defaults = await listed("ListAWSDefaultServiceQuotas", "Quotas")
    history = "ListRequestedServiceQuotaChangeHistory"
    changes = await listed(history, "RequestedQuotas", QuotaRequestedAtLevel="ALL")
    return service_quota_entries(applied, defaults, changes, region, now)


async def _usage_plans(account: Account, _: str, region: str, now: datetime) -> list[Entry]:
    plans = await account.gateway(region, "/usageplans")
    apis = {each["id"]: each["name"] for each in await account.gateway(region, "/restapis")}
    return usage_plan_entries(plans, apis, region, now)


def _fault(service: str, error: Exception) -> Fault:
    if isinstance(error, AwsError):
        return Fault(service, *_refused(error))
    match error:
        case NoCredentialsError():
            remedy = "set AWS_PROFILE or the keys in the environment, or aws.profile in the policy"
            return Fault(service, f"there are no credentials of AWS: {error}", remedy)
        case InvalidSpec():
            return Fault(service, str(error), "leave the service out of spec.services, and report it")
        case httpx.HTTPError() | httpx.InvalidURL():
            cause = f"the API cannot be reached: {error or type(error).__name__}"
            return Fault(service, cause, "check again when it can, or correct regions and endpoint")
    cause = f"the answer has not the documented form ({type(error).__name__}: {error})"
    return Fault(service, cause, "correct the endpoint, or leave the service out and report it")


def _refused(error: AwsError) -> tuple[str, str]:
    """Cause and remedy."""
    if error.is_about_credentials:
        remedy = "renew them: aws sts get-caller-identity tells whose they are"
        return f"AWS does not take the credentials: {error}", remedy
    if error.is_refusal:
        return str(error), "give the credentials the rights to read quotas (docs/quota.md)"
    return str(error), _LATER if error.passes else "correct the name of the service, and the regions"
