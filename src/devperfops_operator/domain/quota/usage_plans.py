"""API Gateway's usage plans as limits. All of them hold for each API key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

from devperfops_operator.domain.quota.entry import UNKNOWN, UNLIMITED, Entry, Kind, Limit
from devperfops_operator.domain.quota.units import Unit, parse_unit

Raw = Mapping[str, Any]

USAGE_PLANS: Final = "apigateway-usage-plans"
"""The service's name; `apigateway` itself is one of Service Quotas."""

_PROVIDER: Final = "aws"
_RATE, _BURST = parse_unit("1/s/{key}"), parse_unit("1/{key}")
_PERIODS: Final = {
    "DAY": parse_unit("1/d/{key}"),
    "WEEK": parse_unit("1/7d/{key}"),
    "MONTH": parse_unit("1/30d/{key}"),
}
_THROTTLES: Final = (("rate", "rateLimit", _RATE), ("burst", "burstLimit", _BURST))


@dataclass(frozen=True, slots=True)
class _Plan:
    raw: Raw
    region: str
    observed_at: datetime

    def entry(self, metric: str, unit: Unit, limit: Limit, path: str, **dimensions: str) -> Entry:
        """`path`: what a patch of the plan changes."""
        named = {"plan": self.raw["name"], "region": self.region, **dimensions}
        return Entry(
            provider=_PROVIDER,
            service=USAGE_PLANS,
            metric=metric,
            unit=unit,
            limit=limit,
            kind=Kind.ALLOCATION if unit.window is None else Kind.RATE,
            dimensions=tuple(sorted(named.items())),
            source=f"usage plan {self.raw['name']} in {self.region}",
            observed_at=self.observed_at,
            raised_by=(
                f"aws apigateway update-usage-plan --region {self.region} --usage-plan-id {self.raw['id']} "
                f"--patch-operations 'op=replace,path={path},value={{limit}}'"
            ),
        )


def usage_plan_entries(
    plans: Iterable[Raw], apis: Mapping[str, str], region: str, observed_at: datetime
) -> list[Entry]:
    """`apis`: names by id, because ids differ from account to account."""
    return [
        entry
        for raw in plans
        for plan in [_Plan(raw, region, observed_at)]
        for entry in (*_of_plan(plan), *_of_methods(plan, apis))
    ]


def _of_plan(plan: _Plan) -> Iterator[Entry]:
    """What a plan does not limit has a limit of its own, too: none. A plan that is not there has none."""
    throttle, quota = plan.raw.get("throttle"), plan.raw.get("quota")
    for metric, field, unit in _THROTTLES:
        limit = UNLIMITED if throttle is None else _amount(throttle, field)
        yield plan.entry(metric, unit, limit, f"/throttle/{field}")
    if quota is None:
        yield plan.entry("quota", _PERIODS["DAY"], UNLIMITED, "/quota/limit")
    else:
        yield plan.entry("quota", _PERIODS[quota["period"]], _amount(quota, "limit"), "/quota/limit")


def _of_methods(plan: _Plan, apis: Mapping[str, str]) -> Iterator[Entry]:
    for stage in plan.raw.get("apiStages") or ():
        api = stage["apiId"]
        for resource, throttle in (stage.get("throttle") or {}).items():
            path, _, verb = resource.rpartition("/")
            inner = f"/apiStages/{api}:{stage['stage']}/throttle/{path.replace('/', '~1')}/{verb}"
            for metric, field, unit in _THROTTLES:
                yield plan.entry(
                    metric,
                    unit,
                    _amount(throttle, field),
                    f"{inner}/{field}",
                    api=apis.get(api, api),
                    stage=stage["stage"],
                    method=resource,
                )


def _amount(raw: Raw, field: str) -> Limit:
    """A throttle with one half alone is nothing that the console makes: nobody can tell what it does."""
    return Fraction(raw[field]) if field in raw else UNKNOWN
