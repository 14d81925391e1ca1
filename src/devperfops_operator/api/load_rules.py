"""The rules of a gate's load options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from devperfops_operator.api.rules import Rule, matches

_MAX_PORT: Final = 65_535
_MAX_NAME: Final = 128
_HOST: Final = "^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$"
_PROPERTY: Final = "^[A-Za-z0-9_.-]+$"
_OURS: Final = ("threads", "rampUp", "duration", "rate", "host", "port", "scheme")


def _is(pattern: str, value: str) -> bool:
    return re.fullmatch(pattern, value) is not None


def _own_properties(jmeter: Mapping[str, Any]) -> bool:
    names = jmeter["propertyNames"]
    return not {names[field] for field in _OURS} & jmeter.get("properties", {}).keys()


HOST: Final = Rule.of(
    matches("self", _HOST),
    lambda value: _is(_HOST, value),
    '"{self}" is not a host: write a name or an address and nothing else, such as shop.example '
    "(scheme and port are fields of their own)",
)
PORT: Final = Rule.of(
    f"self >= 1 && self <= {_MAX_PORT}",
    lambda value: 1 <= value <= _MAX_PORT,
    f"port must lie between 1 and {_MAX_PORT}: write the number of the port, such as 8080",
)
PROPERTY_NAME: Final = Rule.of(
    matches("self", _PROPERTY),
    lambda value: _is(_PROPERTY, value),
    '"{self}" is not the name of a property: write letters, digits, dots, hyphens and underscores only, '
    "such as users",
)
PROPERTY_KEYS: Final = Rule.of(
    f"self.all(name, name.size() >= 1 && name.size() <= {_MAX_NAME})",
    lambda properties: all(1 <= len(name) <= _MAX_NAME for name in properties),
    f"a property's name has no character or too many: write a name of 1 to {_MAX_NAME} characters",
)
_NAMES: Final = ", ".join(f"self.{field}" for field in _OURS)
DISTINCT_PROPERTY_NAMES: Final = Rule.of(
    f"[{_NAMES}].all(a, [{_NAMES}].exists_one(b, a == b))",
    lambda names: len({names[field] for field in _OURS}) == len(_OURS),
    "two properties have the same name: write a different name for each "
    "(by default NumOfThreads, RampUp, Duration, TPM, ServerName, ServerPort, Scheme)",
)
PROPERTIES_OF_ITS_OWN: Final = Rule.of(
    "!has(self.properties) || !("
    + " || ".join(f"self.propertyNames.{field} in self.properties" for field in _OURS)
    + ")",
    _own_properties,
    "properties sets what the gate sets by itself: leave it out and write threads, rampUp, duration, rate "
    "or load.target, or give the gate's property another name in propertyNames",
    field="properties",
)
