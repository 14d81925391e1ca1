"""The rules of a gate's load options."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final

from devperfops_operator.api.quantity import (
    CPU_PATTERN,
    MEMORY_PATTERN,
    QuantityError,
    parse_cpu,
    parse_memory,
)
from devperfops_operator.api.rules import AUTO, MAX_THREADS, Rule, matches

MAX_WORKERS: Final = 64
_MAX_PORT: Final = 65_535
_MAX_NAME: Final = 128
_HOST: Final = "^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$"
_PROPERTY: Final = "^[A-Za-z0-9_.-]+$"
_HAS_RATE: Final = "(has(self.jmeter.rate) || has(self.profile))"
_OURS: Final = ("threads", "rampUp", "duration", "rate", "host", "port", "scheme", "data", "shape")


def _is(pattern: str, value: str) -> bool:
    return re.fullmatch(pattern, value) is not None


def _has_rate(load: Mapping[str, Any]) -> bool:
    return "rate" in load["jmeter"] or "profile" in load


def _own_properties(jmeter: Mapping[str, Any]) -> bool:
    names = jmeter["propertyNames"]
    return not {names[field] for field in _OURS} & jmeter.get("properties", {}).keys()


HOST: Final = Rule.matching(
    _HOST,
    '"{self}" is not a host: write a name or an address and nothing else, such as shop.example '
    "(scheme and port are fields of their own)",
)
PORT: Final = Rule.of(
    f"self >= 1 && self <= {_MAX_PORT}",
    lambda value: 1 <= value <= _MAX_PORT,
    f"port must lie between 1 and {_MAX_PORT}: write the number of the port, such as 8080",
)
WORKERS: Final = Rule.of(
    f"self >= 1 && self <= {MAX_WORKERS}",
    lambda value: 1 <= value <= MAX_WORKERS,
    f"workers must lie between 1 and {MAX_WORKERS}: write among how many pods the load is divided, such as 2",
)
WORKERS_WITHIN_THREADS: Final = Rule.of(
    "!has(self.jmeter.threads) || self.workers <= self.jmeter.threads || self.jmeter.threads < 1",
    lambda load: (
        load["workers"] <= load["jmeter"].get("threads", MAX_THREADS) or load["jmeter"]["threads"] < 1
    ),
    "there are more workers than jmeter.threads, so some would have none: "
    "write fewer workers or more threads",
    field="workers",
)
BASELINE_HAS_WORKERS: Final = Rule.of(
    "!has(self.baseline) || self.workers % 2 == 0",
    lambda load: "baseline" not in load or load["workers"] % 2 == 0,
    "half of the workers play the baseline: write an even number of them, such as workers: 2",
    field="workers",
)
BASELINE_HAS_RATE: Final = Rule.of(
    f"!has(self.baseline) || {_HAS_RATE}",
    lambda load: "baseline" not in load or _has_rate(load),
    "target and baseline are compared under the same load, so it needs a rate: "
    "write jmeter.rate, such as rate: 50/s, or profile",
    field="baseline",
)
AUTO_HAS_RATE: Final = Rule.of(
    f"self.jmeter.duration != '{AUTO}' || {_HAS_RATE}",
    lambda load: load["jmeter"]["duration"] != AUTO or _has_rate(load),
    "jmeter.duration: auto is as long as the objectives need at a rate: "
    "write jmeter.rate, such as rate: 3000/m, or profile, or a duration",
    field="jmeter.duration",
)
THREADS_OR_PROFILE: Final = Rule.of(
    "has(self.jmeter.threads) || has(self.profile)",
    lambda load: "threads" in load["jmeter"] or "profile" in load,
    "how many users are played at once is not said: write jmeter.threads, such as threads: 50, "
    "or profile, such as profile: {configMap: shop-profile}",
    field="jmeter",
)
RATE_OR_PROFILE: Final = Rule.of(
    "!has(self.profile) || !(has(self.jmeter.rate) || has(self.jmeter.threads))",
    lambda load: "profile" not in load or not {"rate", "threads"} & load["jmeter"].keys(),
    "rate and threads follow from the profile: leave jmeter.rate and jmeter.threads out "
    "(write profile.scale or profile.stall to change them), or leave profile out",
    field="profile",
)
MAX_SCALE: Final = 1000
SCALE: Final = Rule.of(
    f"self > 0.0 && self <= {MAX_SCALE}.0",
    lambda value: 0 < value <= MAX_SCALE,
    f"scale must lie above 0, up to {MAX_SCALE}: write how many times the busiest hour, such as 1.5",
)
PROPERTY_NAME: Final = Rule.matching(
    _PROPERTY,
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
    "(by default NumOfThreads, RampUp, Duration, TPM, ServerName, ServerPort, Scheme, DataDir, Shape)",
)
PROPERTIES_OF_ITS_OWN: Final = Rule.of(
    "!has(self.properties) || !("
    + " || ".join(f"self.propertyNames.{field} in self.properties" for field in _OURS)
    + ")",
    _own_properties,
    "properties sets what the gate sets by itself: leave it out and write threads, rampUp, duration, rate, "
    "data or load.target, or give the gate's property another name in propertyNames",
    field="properties",
)

# Files

_OUTSIDE: Final = r"^/|(^|/)\.\.(/|$)"

ONE_SOURCE: Final = Rule.of(
    "has(self.configMap) != has(self.pvc)",
    lambda source: ("configMap" in source) != ("pvc" in source),
    "there must be one place to take it from: write either configMap or pvc "
    "(the name of a PersistentVolumeClaim)",
)
PLAN_HAS_PLACE: Final = Rule.of(
    "has(self.configMap) != has(self.pvc)"
    " || !has(self.configMap) && !has(self.pvc) && has(self.openAPI) && has(self.openAPI.path)",
    lambda source: (
        ("configMap" in source) != ("pvc" in source)
        or ("configMap" not in source and "path" in source.get("openAPI", {}))
    ),
    "there must be one place to take it from: write either configMap or pvc (the name of a "
    "PersistentVolumeClaim), or openAPI.path, where the target tells its own document",
)
_FROM_PLACE: Final = ("document", "overlay")
OPENAPI_HAS_PLACE: Final = Rule.of(
    "!has(self.openAPI) || has(self.configMap) || has(self.pvc)"
    f" || !({' || '.join(f'has(self.openAPI.{key})' for key in _FROM_PLACE)})",
    lambda source: (
        "configMap" in source or "pvc" in source or not (source.get("openAPI", {}).keys() & set(_FROM_PLACE))
    ),
    "nobody knows where openAPI's files are: write the name of the ConfigMap (or pvc) they are in, such as "
    "configMap: shop-api",
)
ONE_DOCUMENT: Final = Rule.of(
    "has(self.document) != has(self.path)",
    lambda source: ("document" in source) != ("path" in source),
    "there must be one document: write either document (a key such as openapi.yaml) or path (such as "
    "/openapi.json, which the target answers)",
)
TARGETS_PATH: Final = Rule.matching(
    r"^/[!-~]*$", '"{self}" is not a path of the target: write one such as /openapi.json'
)
SERVER: Final = Rule.matching(
    r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$",
    '"{self}" is not a server: write scheme and host, such as https://schemas.example.com',
)
FILE: Final = Rule.of(
    f"!{matches('self', _OUTSIDE)}",
    lambda value: not value.startswith("/") and ".." not in value.split("/"),
    '"{self}" leads out of its place: write a key such as scenario.jmx, '
    "or on a volume a path from its root such as shop/scenario.jmx",
)
SHARED_FILE: Final = Rule.of(
    "!self.contains('/') && self != '..' && self != '.'",
    lambda value: "/" not in value and value not in {".", ".."},
    '"{self}" is not the name of a file at the root of the data: write one such as users.csv',
)
DISTINCT_SECRETS: Final = Rule.distinct("secret", "a Secret is named twice: write each one once")
DISTINCT_SHARDS: Final = Rule.distinct("file", "a file is named twice: write each file once")

# The pods

_IMAGE: Final = "^[A-Za-z0-9][-A-Za-z0-9._:/@]*$"
_LABEL_VALUE: Final = "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$"
_OUR_PREFIX: Final = "devperfops.io/"
_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
_APPARMOR: Final = "container.apparmor.security.beta.kubernetes.io/"

IMAGE: Final = Rule.matching(
    _IMAGE,
    '"{self}" is not an image: write one such as registry.example/jmeter:5.6.3',
)
LABEL_VALUES: Final = Rule.of(
    f"self.all(key, {matches('self[key]', _LABEL_VALUE)})",
    lambda labels: all(_is(_LABEL_VALUE, value) for value in labels.values()),
    "a label has a value that is none: write letters, digits, dots, hyphens and underscores only, "
    "with a letter or a digit at both ends",
)
LABEL_KEYS: Final = Rule.of(
    f"!self.exists(key, key.startsWith('{_OUR_PREFIX}') || key == '{_MANAGED_BY}')",
    lambda labels: not any(key.startswith(_OUR_PREFIX) or key == _MANAGED_BY for key in labels),
    f"{_OUR_PREFIX}... and {_MANAGED_BY} are the operator's own: write other labels",
)
ANNOTATION_KEYS: Final = Rule.of(
    f"!self.exists(key, key.startsWith('{_OUR_PREFIX}') || key.startsWith('{_APPARMOR}'))",
    lambda annotations: not any(key.startswith((_OUR_PREFIX, _APPARMOR)) for key in annotations),
    f"{_OUR_PREFIX}... are the operator's own, and {_APPARMOR}... would weaken the pod: "
    "write other annotations",
)


def _amount(pattern: str, parse: Callable[[str | int], Fraction], sentence: str) -> Rule:
    def problem(value: str | int) -> str | None:
        try:
            parse(value)
        except QuantityError as error:
            return str(error)
        return None

    text = "string(self)"
    return Rule(
        cel=f"{matches(text, pattern)} && {matches(text, '[1-9]')}",
        message=sentence,
        check=problem,
        message_expression=f"'\"' + {text} + '\" {sentence}'",
    )


CPU: Final = _amount(CPU_PATTERN, parse_cpu, "is not an amount of CPU: write for example 500m, 1.5 or 2")
MEMORY: Final = _amount(
    MEMORY_PATTERN, parse_memory, "is not an amount of memory: write for example 512Mi or 2Gi"
)


def _within_limit(name: str, parse: Callable[[str | int], Fraction]) -> Rule:
    def holds(resources: Mapping[str, Any]) -> bool:
        request, limit = (resources.get(kind, {}).get(name) for kind in ("requests", "limits"))
        try:
            return request is None or limit is None or parse(request) <= parse(limit)
        except QuantityError:
            return True  # said elsewhere

    both = " && ".join(f"has(self.{kind}) && has(self.{kind}.{name})" for kind in ("requests", "limits"))
    request, limit = (f"string(self.{kind}.{name})" for kind in ("requests", "limits"))
    quantities = f"isQuantity({request}) && isQuantity({limit})"
    compared = f"quantity({request}).compareTo(quantity({limit})) <= 0"
    return Rule.of(
        f"!({both} && {quantities}) || {compared}",
        holds,
        f"requests.{name} is more than limits.{name}: write a smaller request or a larger limit",
        field="requests",
    )


REQUESTS_WITHIN_LIMITS: Final = (_within_limit("cpu", parse_cpu), _within_limit("memory", parse_memory))
