"""From what Azure's Microsoft.Quota and Google's Cloud Quotas tell to limits."""

from __future__ import annotations

from typing import Any

import pytest

from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.quota.cloud_quotas import cloud_quota_entries
from devperfops_operator.domain.quota.entry import UNKNOWN, UNLIMITED, Entry, Kind
from devperfops_operator.domain.quota.resource_quotas import Scope, resource_quota_entries
from tests.unit.domain.quota.limits import NOW

SCOPE = Scope("live", "Microsoft.Compute", "westeurope")


def azure(value: Any = 10, requests: Any = (), usages: Any = (), **more: Any) -> Entry:
    told = {"name": {"value": "cores"}, "limit": {"value": value}, "unit": "Count", **more}
    (entry,) = resource_quota_entries([{"properties": told}], usages, requests, SCOPE, NOW)
    return entry


@pytest.mark.parametrize(
    ("told", "unit"),
    [
        ({}, "1"),
        ({"unit": None}, "1"),
        ({"unit": "Bytes"}, "By"),
        ({"unit": "CountPerSecond"}, "1/s"),
        ({"unit": "Seconds"}, "Seconds"),
        ({"quotaPeriod": "P1D"}, "1/d"),
        ({"quotaPeriod": "PT1M"}, "1/min"),
        ({"quotaPeriod": "PT1S"}, "1/s"),
        ({"quotaPeriod": "P1DT12H"}, "1/36h"),
        ({"quotaPeriod": "PT1M30S", "unit": "Bytes"}, "By/90s"),
    ],
)
def test_azure_units_and_periods(told: dict[str, Any], unit: str) -> None:
    entry = azure(**told)
    assert str(entry.unit) == unit
    assert entry.kind is (Kind.RATE if "/" in unit else Kind.ALLOCATION)
    assert entry.dimensions == (("region", "westeurope"),)


@pytest.mark.parametrize("period", ["P", "PT", "P1M", "1D", "PT0S", "P1DT"])
def test_a_period_that_is_not_known_is_refused(period: str) -> None:
    with pytest.raises(InvalidSpec, match="is not a period that is known here"):
        azure(quotaPeriod=period)


def test_azure_limits_usages_and_requests() -> None:
    def request(state: str, part: str | None, limit: Any) -> dict[str, Any]:
        told = {"name": {"value": "cores"}, "limit": limit, "provisioningState": part}
        return {"properties": {"provisioningState": state, "value": [told]}}

    assert azure(0).limit == 0
    assert azure(-1).limit is UNLIMITED
    assert azure(limit={}).limit is UNKNOWN
    assert azure(usages=[{"properties": {"name": {"value": "cores"}, "usages": {"value": 7}}}]).headroom == 3
    assert azure(usages=[{"properties": {"name": {"value": "other"}, "usages": {"value": 7}}}]).usage is None
    assert azure(requests=[request("InProgress", "Succeeded", {"value": 4})]).pending is None
    assert azure(requests=[request("InProgress", None, {"value": 4})]).effective == 4
    assert azure(requests=[request("InProgress", "Accepted", None)]).effective is UNKNOWN
    assert azure(isQuotaApplicable=False).raised_by.startswith("ask for {limit} of cores in westeurope")


def cloud(preferences: Any = (), **more: Any) -> list[Entry]:
    told = {
        "quotaId": "Reads",
        "service": "ledger",
        "metric": "ledger/reads",
        "dimensionsInfos": [{"details": {"value": "10"}}],
        **more,
    }
    return list(cloud_quota_entries([told], preferences, "ledger", "shop", NOW))


@pytest.mark.parametrize(
    ("told", "unit", "kind"),
    [
        ({}, "1/{project}", Kind.ALLOCATION),
        ({"refreshInterval": "minute"}, "1/min/{project}", Kind.RATE),
        ({"refreshInterval": "day", "dimensions": ["region"]}, "1/d/{project}/{region}", Kind.RATE),
        ({"refreshInterval": "10 seconds"}, "1/10s/{project}", Kind.RATE),
        ({"metricUnit": "GiBy", "containerType": "FOLDER"}, "GiBy/{folder}", Kind.ALLOCATION),
        ({"isConcurrent": True}, "1/{project}", Kind.CONCURRENCY),
    ],
)
def test_google_units(told: dict[str, Any], unit: str, kind: Kind) -> None:
    (entry,) = cloud(**told)
    assert (str(entry.unit), entry.kind, entry.metric) == (unit, kind, "reads")


def test_a_preference_for_a_part_has_what_holds_for_the_whole_until_then() -> None:
    def wish(value: str, **at: str) -> dict[str, Any]:
        config = {"preferredValue": value}
        return {
            "service": "ledger",
            "quotaId": "Reads",
            "dimensions": at,
            "quotaConfig": config,
            "reconciling": True,
        }

    buckets = [
        {"dimensions": {"region": "eu", "zone": "a"}, "details": {"value": "7"}},
        {"dimensions": {"region": "eu"}, "details": {"value": "20"}},
        {"details": {"value": "10"}},
    ]
    other = {**wish("1"), "service": "other"}
    told = cloud(
        [wish("5", region="us"), wish("3", region="eu", zone="b"), wish("30", region="eu"), other],
        dimensionsInfos=buckets,
    )
    found = {",".join(value for _, value in each.dimensions): (each.limit, each.pending) for each in told}
    assert found == {"eu,a": (7, None), "eu": (20, 30), "": (10, None), "us": (10, 5), "eu,b": (20, 3)}


def test_what_google_raises_for_nobody_is_told() -> None:
    reason = {"isEligible": False, "ineligibilityReason": "NOT_SUPPORTED"}
    assert cloud(isFixed=True)[0].raised_by == "Google raises Reads for nobody: use less of it"
    assert (
        "takes no requests for Reads (NOT_SUPPORTED)" in cloud(quotaIncreaseEligibility=reason)[0].raised_by
    )
