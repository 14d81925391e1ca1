"""From what AWS tells to limits."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.quota.entry import UNKNOWN, UNLIMITED, Entry, Kind
from devperfops_operator.domain.quota.service_quotas import service_quota_entries
from devperfops_operator.domain.quota.usage_plans import usage_plan_entries
from tests.unit.domain.quota.limits import NOW

ARN = "arn:aws:es:eu-west-1:1:domain/ledger"


def quota(value: Any = 10, code: str = "L-1", **more: Any) -> dict[str, Any]:
    return {"ServiceCode": "lambda", "QuotaCode": code, "QuotaName": "Calls", "Value": value, **more}


def entries(*applied: dict[str, Any], **more: Any) -> list[Entry]:
    return service_quota_entries(applied, more.get("defaults", ()), more.get("changes", ()), "eu-west-1", NOW)


@pytest.mark.parametrize(
    ("told", "unit", "limit"),
    [
        ({}, "1", 10),
        ({"Unit": "None"}, "1", 10),
        ({"Unit": "Count"}, "1", 10),
        ({"Unit": "Bytes"}, "By", 10),
        ({"Unit": "Gigabytes"}, "Gigabytes", 10),
        ({"Unit": "Count/Second"}, "1/s", 10),
        ({"Period": {"PeriodValue": 1, "PeriodUnit": "SECOND"}}, "1/s", 10),
        ({"Period": {"PeriodValue": 90, "PeriodUnit": "SECOND"}}, "1/90s", 10),
        ({"Period": {"PeriodValue": 60, "PeriodUnit": "SECOND"}}, "1/min", 10),
        ({"Period": {"PeriodValue": 5, "PeriodUnit": "MINUTE"}}, "1/5min", 10),
        ({"Period": {"PeriodValue": 24, "PeriodUnit": "HOUR"}}, "1/d", 10),
        ({"Period": {"PeriodValue": 2, "PeriodUnit": "WEEK"}}, "1/14d", 10),
        ({"Period": {"PeriodValue": 500, "PeriodUnit": "MILLISECOND"}}, "1/s", 20),
        ({"Period": {"PeriodValue": 1, "PeriodUnit": "MICROSECOND"}, "Unit": "Kilobits"}, "Kilobits/s", 10_000_000),
    ],
)  # fmt: skip
def test_units_and_periods(told: dict[str, Any], unit: str, limit: int) -> None:
    (entry,) = entries(quota(**told))
    assert (str(entry.unit), entry.limit) == (unit, limit)
    assert entry.kind is (Kind.RATE if "/" in unit else Kind.ALLOCATION)


def test_a_unit_that_is_not_known_is_refused() -> None:
    with pytest.raises(InvalidSpec, match='"1/Fortnight" is not a unit'):
        entries(quota(Unit="Count/Fortnight"))


@pytest.mark.parametrize(
    ("told", "limit"),
    [
        (quota(0), 0),
        (quota(Fraction("0.5")), Fraction(1, 2)),
        (quota(2**53 + 1), 2**53 + 1),
        (quota(5, ErrorReason={"ErrorCode": "SERVICE_QUOTA_NOT_AVAILABLE_ERROR"}), UNKNOWN),
        ({key: value for key, value in quota().items() if key != "Value"}, UNKNOWN),
    ],
    ids=["zero", "half", "beyond floats", "error", "no value"],
)
def test_values(told: dict[str, Any], limit: object) -> None:
    (entry,) = entries(told)
    assert entry.limit == limit


def test_dimensions_are_the_region_and_a_single_resource() -> None:
    told = entries(
        quota(1),
        quota(2, "L-2", GlobalQuota=True),
        quota(3, "L-3", QuotaContext={"ContextScope": "RESOURCE", "ContextId": "*"}),
        quota(4, "L-3", QuotaContext={"ContextScope": "RESOURCE", "ContextId": ARN}),
        quota(5, "L-5", QuotaContext={"ContextScope": "ACCOUNT", "ContextId": "123456789012"}),
        defaults=[quota(9), quota(8, "L-6")],
    )
    region = ("region", "eu-west-1")
    assert {(each.metric, each.dimensions): each.limit for each in told} == {
        ("L-1", (region,)): 1,
        ("L-2", ()): 2,
        ("L-3", (region,)): 3,
        ("L-3", (region, ("resource", ARN))): 4,
        ("L-5", (region,)): 5,
        ("L-6", (region,)): 8,
    }


def test_a_change_is_of_the_resource_that_it_is_asked_for() -> None:
    one = {"QuotaContext": {"ContextScope": "RESOURCE", "ContextId": ARN}}
    asked = {"QuotaCode": "L-1", "Status": "CASE_OPENED", "DesiredValue": Fraction(20), **one}
    period = {"Period": {"PeriodValue": 100, "PeriodUnit": "MILLISECOND"}}
    whole, single = entries(quota(**period), quota(**period, **one), changes=[asked])
    assert (whole.pending, single.pending, single.limit) == (None, 200, 100)


def test_what_nobody_can_raise_is_told() -> None:
    fixed, adjustable = entries(quota(), quota(code="L-2", Adjustable=True))
    assert fixed.raised_by.startswith("AWS raises Calls for nobody")
    assert adjustable.raised_by.endswith("--quota-code L-2 --desired-value {limit}  # Calls")


def test_a_usage_plan_without_limits_is_unlimited_and_half_a_throttle_is_unknown() -> None:
    none = {"id": "a", "name": "free"}
    half = {"id": "b", "name": "half", "throttle": {"burstLimit": 0}, "quota": {"limit": 7, "period": "WEEK"}}
    told = usage_plan_entries([none, half], {}, "eu-west-1", NOW)
    found = {
        (dict(each.dimensions)["plan"], each.metric, str(each.unit)): (each.limit, each.kind) for each in told
    }
    assert found == {
        ("free", "rate", "1/s/{key}"): (UNLIMITED, Kind.RATE),
        ("free", "burst", "1/{key}"): (UNLIMITED, Kind.ALLOCATION),
        ("free", "quota", "1/d/{key}"): (UNLIMITED, Kind.RATE),
        ("half", "rate", "1/s/{key}"): (UNKNOWN, Kind.RATE),
        ("half", "burst", "1/{key}"): (0, Kind.ALLOCATION),
        ("half", "quota", "1/7d/{key}"): (7, Kind.RATE),
    }
