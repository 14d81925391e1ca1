"""What a quota policy and a waiver must obey beyond their types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from devperfops_operator.api.quantity import DURATION_PATTERN, parse_duration
from devperfops_operator.api.rules import Rule, matches, not_empty

SOMETHING: Final = not_empty("is empty: write something")

# Environments

SOURCES: Final = ("file", "kubernetes", "envoy", "google", "aws", "azure")
ONE_SOURCE: Final = Rule.of(
    f"[{', '.join(f'has(self.{each})' for each in SOURCES)}].filter(told, told).size() == 1",
    lambda environment: sum(environment.get(each) is not None for each in SOURCES) == 1,
    f"needs one of {', '.join(SOURCES[:-1])} and {SOURCES[-1]}: write where its limits are told",
)
FILES_OR_CLUSTER: Final = Rule.of(
    "has(self.files) != has(self.kubernetes)",
    lambda envoy: (envoy.get("files") is None) != (envoy.get("kubernetes") is None),
    "needs one of files and kubernetes: write where its configuration is",
)
SOME_LIMITS: Final = Rule.of(
    "!has(self.kubernetes) || (has(self.kubernetes.namespaces) && self.kubernetes.namespaces.size() > 0) || "
    "(has(self.kubernetes.configMaps) && self.kubernetes.configMaps.size() > 0)",
    lambda envoy: (
        envoy.get("kubernetes") is None
        or bool(envoy["kubernetes"].get("namespaces") or envoy["kubernetes"].get("configMaps"))
    ),
    "needs namespaces or configMaps: write where EnvoyFilters or a rate limit service's configuration are",
    field="kubernetes",
)


def _services_are_named(spec: Mapping[str, Any]) -> bool:
    environments = (spec["baseline"], spec["serving"])
    return bool(spec.get("services")) or not any(map(_lists_no_services, environments))


def _lists_no_services(environment: Mapping[str, Any]) -> bool:
    api = (environment.get("google") or {}).get("api")
    lists_none = api in {"ServiceConsumerManagement", "CloudQuotas"}
    return lists_none or any(environment.get(each) is not None for each in ("aws", "azure"))


def _lists_none(environment: str) -> str:
    at = f"self.{environment}"
    return f"(has({at}.google) && {at}.google.api != 'ServiceUsage') || has({at}.aws) || has({at}.azure)"


NAMED_SERVICES: Final = Rule.of(
    "(has(self.services) && self.services.size() > 0) || "
    f"!({_lists_none('baseline')} || {_lists_none('serving')})",
    _services_are_named,
    "services is needed with aws, azure, CloudQuotas and ServiceConsumerManagement: "
    "write the names of those to be compared",
    field="services",
)
TWO_NAMES: Final = Rule.of(
    "self.baseline.name != self.serving.name",
    lambda spec: spec["baseline"]["name"] != spec["serving"]["name"],
    "baseline and serving have the same name: write another name for each environment",
    field="serving",
)

# What is compared

DISTINCT_SERVICES: Final = Rule.distinct(
    "name", "a service is there twice: write each once, with all its metrics"
)
DISTINCT_VALUES: Final = Rule.of(
    "self.all(each, self[each].all(a, self[each].exists_one(b, self[each][a] == self[each][b])))",
    lambda dimensions: all(len(set(names.values())) == len(names) for names in dimensions.values()),
    "gives two values of a dimension the same name: write one of its own for each",
)

# Amounts

_NUMBER: Final = "^[0-9]{1,18}([.][0-9]{1,9})?$"
_SHOWN: Final = "'\"' + string(self) + '\"'"


def _is_number(value: str | int) -> bool:
    return re.fullmatch(_NUMBER, str(value)) is not None


def _amount(above: str, holds: str, sentence: str) -> Rule:
    """Of a whole number, or of a text; `above`: what its digits must have."""
    return Rule(
        cel=f"type(self) == int ? self {holds} 0 : ({matches('self', _NUMBER)} && self.matches('{above}'))",
        message=sentence,
        check=lambda value: (
            None if _is_number(value) and re.search(above, str(value)) else f'"{value}" {sentence}'
        ),
        message_expression=f"{_SHOWN} + ' {sentence}'",
    )


AMOUNT: Final = _amount("[0-9]", ">=", "is not a number: write for example 1000 or 1.5 in quotes")
FACTOR: Final = _amount("[1-9]", ">", "is not a number above 0: write for example 1 or 1.2 in quotes")
UNIT: Final = Rule.matching(
    "^[A-Za-z0-9_.{}-]{1,64}(/([1-9][0-9]{0,3})?(s|min|h|d))?(/[{][A-Za-z0-9_.-]{1,64}[}])*$",
    '"{self}" is not a unit: write for example 1, By, cores, 1/min or requests/s/{project}',
)

# Times

_SHORTEST: Final = timedelta(minutes=1)


def _is_long_enough(text: str) -> bool:
    return re.fullmatch(DURATION_PATTERN, text) is None or parse_duration(text) >= _SHORTEST


INTERVAL: Final = Rule.of(
    f"!{matches('self', DURATION_PATTERN)} || duration(self) >= duration('1m')",
    _is_long_enough,
    "{self} is less than a minute: write 1m or more; what changes is seen at once",
)
DAY: Final = Rule.matching(
    "^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
    '"{self}" is not a day of the year: write month and day, as in 12-15',
)
BOTH_DAYS: Final = Rule.of(
    "has(self.from) == has(self.to)",
    lambda need: (need.get("from") is None) == (need.get("to") is None),
    "from and to belong together: write both days, or none for the whole year",
)
LEAD_DAYS: Final = Rule.of(
    "self >= 0 && self <= 365",
    lambda days: 0 <= days <= 365,  # noqa: PLR2004
    "leadDays must lie between 0 and 365: write how many days before it is told, such as 30",
)
DAYS: Final = Rule.of(
    "self >= 0 && self <= 365",
    lambda days: 0 <= days <= 365,  # noqa: PLR2004
    "days must lie between 0 and 365: write how many it takes until more is granted, such as 20",
)
ABOUT_SOMETHING: Final = Rule.of(
    "has(self.provider) || has(self.kind) || has(self.service) || has(self.metric)",
    lambda lead: any(lead.get(each) is not None for each in ("provider", "kind", "service", "metric")),
    "is about no limit: write provider, kind, service or metric",
)
