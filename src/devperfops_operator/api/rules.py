"""What a resource must obey beyond its types, as CEL for the API server and as Python for `lint`.

A rule hangs on the field or model it is about; the CRDs and the linter read it from there. Both say the same
sentence, except for `expect`, where Python can say more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from typing import TYPE_CHECKING, Any, Final, Self

from devperfops_operator.api.quantity import (
    DURATION_PATTERN,
    RATE_PATTERN,
    QuantityError,
    parse_duration,
    parse_rate,
)

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

MAX_GATE_NAME: Final = 40
MAX_RUN_NAME: Final = 52
MAX_POLICY_NAME: Final = 63
MAX_THREADS: Final = 100_000
VALIDATIONS: Final = "x-kubernetes-validations"

_PLACEHOLDER = re.compile(r"\{(self[.\w]*)\}")


@dataclass(frozen=True, slots=True)
class Rule:
    """`check` takes the value with its defaults filled in; it returns what is wrong, or None.

    `message` is what the API server says when `message_expression` cannot be evaluated.
    `field`: which field of the value is at fault (empty: the value itself).
    """

    cel: str
    message: str
    check: Callable[[Any], str | None]
    message_expression: str | None = None
    field: str = ""

    @classmethod
    def of(cls, cel: str, holds: Callable[[Any], bool], sentence: str, field: str = "") -> Self:
        """A rule whose `sentence` may name values: `{self}` or `{self.field}`, texts only."""
        return cls(
            cel=cel,
            message=_PLACEHOLDER.sub("...", sentence),
            check=lambda value: None if holds(value) else _filled(sentence, value),
            message_expression=_cel_text(sentence) if _PLACEHOLDER.search(sentence) else None,
            field=field,
        )

    @classmethod
    def matching(cls, pattern: str, sentence: str) -> Self:
        """The whole text matches `pattern`, `^...$`: in RE2 `$` does not stand before a last line break."""
        return cls.of(
            matches("self", pattern), lambda value: re.fullmatch(pattern, value) is not None, sentence
        )

    @classmethod
    def distinct(cls, field: str, sentence: str) -> Self:
        """No two of a list's elements have the same in this field, which each of them has."""
        return cls.of(
            f"self.all(a, self.exists_one(b, a.{field} == b.{field}))",
            lambda elements: len({each[field] for each in elements}) == len(elements),
            sentence,
        )

    def to_json(self) -> dict[str, str]:
        """An entry of `x-kubernetes-validations`."""
        entry = {"rule": self.cel, "message": self.message}
        if self.message_expression is not None:
            entry["messageExpression"] = self.message_expression
        if self.field:
            entry["fieldPath"] = f".{self.field}"
        return entry

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return with_rules(handler(core_schema), (self,))


def with_rules(schema: JsonSchemaValue, rules: tuple[Rule, ...]) -> JsonSchemaValue:
    """The schema with more rules, as objects; the CRD writes them as JSON."""
    return {**schema, VALIDATIONS: [*schema.get(VALIDATIONS, ()), *rules]} if rules else schema


def _filled(sentence: str, value: Any) -> str:
    return _PLACEHOLDER.sub(lambda match: str(_resolved(match.group(1), value)), sentence)


def _resolved(path: str, value: Any) -> Any:
    return reduce(lambda inner, key: inner[key], path.split(".")[1:], value)


def _cel_text(sentence: str) -> str:
    """`"{self}" is bad` as the CEL expression `'"' + self + '" is bad'`."""
    pieces = _PLACEHOLDER.split(sentence)  # texts and placeholders take turns
    return " + ".join(piece if index % 2 else quoted(piece) for index, piece in enumerate(pieces) if piece)


def quoted(text: str) -> str:
    """A CEL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def matches(value: str, pattern: str) -> str:
    """A CEL expression; `value` is one, too."""
    return f"{value}.matches({quoted(pattern)})"


def transition(cel: str, sentence: str) -> Rule:
    """A rule about a change (it reads `oldSelf`): there is nothing to check in one document."""
    return Rule(cel=cel, message=sentence, check=lambda _: None)


def not_empty(sentence: str) -> Rule:
    """For texts and lists; `minLength` and `minItems` would speak in the API server's own words."""
    return Rule.of("self.size() > 0", bool, sentence)


# Names

_NAME_PATTERN: Final = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"


def _named(what: str, limit: int, why: str) -> tuple[Rule, ...]:
    def name(resource: Mapping[str, Any]) -> str:
        metadata = resource["metadata"]
        return str(metadata["name"] if "name" in metadata else f"{metadata['generateName']}xxxxx")

    return (
        Rule.of(
            f"size(self.metadata.name) <= {limit}",
            lambda resource: len(name(resource)) <= limit,
            f"metadata.name is too long: write a {what} name of at most {limit} characters, because {why}",
        ),
        Rule.of(
            matches("self.metadata.name", _NAME_PATTERN),
            lambda resource: re.fullmatch(_NAME_PATTERN, name(resource)) is not None,
            'metadata.name "{self.metadata.name}" has a dot: write letters, digits and hyphens only, '
            f"because {why}",
        ),
    )


GATE_NAME: Final = _named("gate", MAX_GATE_NAME, "the names of its runs and their Jobs begin with it")
POLICY_NAME: Final = _named("policy", MAX_POLICY_NAME, "its events are called after it")
RUN_NAME: Final = _named("run", MAX_RUN_NAME, "its Job and pods are called after it")
TARGET_NAME: Final = Rule.matching(
    _NAME_PATTERN,
    '"{self}" is not the name of a Deployment: write the name of the one to guard, such as front-end',
)
PRIMARY_NAME: Final = Rule.matching(
    _NAME_PATTERN,
    '"{self}" is not the name of a Deployment: write the name of the one to promote to, such as '
    "front-end-primary, or leave promoteTo out",
)
PROMOTES_TO_ANOTHER: Final = Rule.of(
    "!has(self.promoteTo) || self.promoteTo != self.targetRef.name",
    lambda spec: spec.get("promoteTo") != spec["targetRef"]["name"],
    'promoteTo "{self.targetRef.name}" is the target itself: write the name of a second Deployment, or leave '
    "promoteTo out",
    field="promoteTo",
)

LOAD_OR_LIVE: Final = Rule.of(
    "has(self.load) != has(self.live)",
    lambda spec: ("load" in spec) != ("live" in spec),
    "write either load, to test by a load of this gate's own, or live, to judge the traffic of real users, "
    "such as live: {duration: 10m}",
    field="load",
)

ONE_QUOTA: Final = Rule.of(
    "has(self.policy) != has(self.configMap)",
    lambda quota: ("policy" in quota) != ("configMap" in quota),
    "needs one of policy and configMap: write the name of a QuotaPolicy, or of a ConfigMap that holds one",
)

# Load


def _is_duration(text: str) -> bool:
    return re.fullmatch(DURATION_PATTERN, text) is not None


def _duration_problem(text: str) -> str | None:
    try:
        parse_duration(text)
    except QuantityError as error:
        return str(error)
    return None


def _rate_problem(value: str | int) -> str | None:
    try:
        parse_rate(value)
    except QuantityError as error:
        return str(error)
    return None


def _ramp_up_is_shorter(jmeter: Mapping[str, Any]) -> bool:
    return _shorter(jmeter["rampUp"], jmeter["duration"])


def _shorter(ramp_up: str, duration: str) -> bool:
    if not (_is_duration(ramp_up) and _is_duration(duration)):
        return True  # said elsewhere
    return parse_duration(ramp_up) < parse_duration(duration)


DURATION: Final = Rule(
    cel=matches("self", DURATION_PATTERN),
    message="is not a duration: write for example 90s, 10m or 1h30m",
    check=_duration_problem,
    message_expression=_cel_text('"{self}" is not a duration: write for example 90s, 10m or 1h30m'),
)
ABOVE_ZERO: Final = Rule.of(
    f"!{matches('self', DURATION_PATTERN)} || self.matches('[1-9]')",
    lambda value: not _is_duration(value) or parse_duration(value) > timedelta(),
    '"{self}" is no time at all: write how long, for example 10m',
)
LIVE_WITHIN_A_DAY: Final = Rule.of(
    f"!{matches('self.duration', DURATION_PATTERN)} || duration(self.duration) <= duration('24h')",
    lambda live: not _is_duration(live["duration"]) or parse_duration(live["duration"]) <= timedelta(days=1),
    "live.duration ({self.duration}) is longer than a day, and all of it is read again at each scrape: "
    "write 24h or less",
    field="duration",
)
AUTO: Final = "auto"
DURATION_OR_AUTO: Final = Rule.of(
    f"self == '{AUTO}' || {matches('self', DURATION_PATTERN)}",
    lambda value: value == AUTO or _is_duration(value),
    '"{self}" is not a duration: write for example 90s, 10m or 1h30m, or auto with maxDuration',
)
AUTO_IS_BOUNDED: Final = Rule.of(
    f"self.duration != '{AUTO}' || has(self.maxDuration)",
    lambda jmeter: jmeter["duration"] != AUTO or "maxDuration" in jmeter,
    "duration: auto needs maxDuration, too: write both, such as maxDuration: 30m, or a duration such as 10m",
    field="duration",
)
MAX_IS_LONGER: Final = Rule.of(
    f"!has(self.maxDuration) || !{matches('self.duration', DURATION_PATTERN)}"
    f" || !{matches('self.maxDuration', DURATION_PATTERN)}"
    " || duration(self.duration) < duration(self.maxDuration)",
    lambda jmeter: _shorter(jmeter["duration"], jmeter.get("maxDuration", AUTO)),
    "maxDuration ({self.maxDuration}) must be longer than duration ({self.duration}), which it extends: "
    "write a longer maxDuration, or leave it out",
    field="maxDuration",
)
RAMP_UP_UNDER_MAX: Final = Rule.of(
    f"!has(self.maxDuration) || !{matches('self.rampUp', DURATION_PATTERN)}"
    f" || !{matches('self.maxDuration', DURATION_PATTERN)}"
    " || duration(self.rampUp) < duration(self.maxDuration)",
    lambda jmeter: _shorter(jmeter["rampUp"], jmeter.get("maxDuration", AUTO)),
    "rampUp ({self.rampUp}) must be shorter than maxDuration, which includes it: "
    "write a longer maxDuration or a shorter rampUp",
    field="rampUp",
)
RAMP_UP_UNDER_DURATION: Final = Rule.of(
    f"!{matches('self.rampUp', DURATION_PATTERN)} || !{matches('self.duration', DURATION_PATTERN)}"
    " || duration(self.rampUp) < duration(self.duration)",
    _ramp_up_is_shorter,
    "rampUp ({self.rampUp}) must be shorter than duration ({self.duration}), which includes it: "
    "only load after the ramp is judged; write a longer duration or a shorter rampUp",
    field="rampUp",
)
_NOT_A_RATE: Final = (
    "is not a rate: write samples per minute or second, above 0 and with a unit, such as 3000/m or 50/s, "
    "or leave rate out"
)
RATE: Final = Rule(
    cel=f"type(self) == string && {matches('self', RATE_PATTERN)} && self.matches('^[0-9]*[1-9]')",
    message=_NOT_A_RATE,
    check=_rate_problem,
    message_expression=(
        "(type(self) == string ? '\"' + self + '\"' : 'a bare number') + " + quoted(f" {_NOT_A_RATE}")
    ),
)
THREADS: Final = Rule.of(
    f"self >= 1 && self <= {MAX_THREADS}",
    lambda value: 1 <= value <= MAX_THREADS,
    f"threads must lie between 1 and {MAX_THREADS}: write how many users are played at once, such as 50",
)

# Environments

ENVIRONMENT: Final = Rule.matching(
    _NAME_PATTERN,
    '"{self}" is not the name of an environment: write small letters, digits and hyphens, such as staging',
)

# History

MAX_HISTORY: Final = 1000
HISTORY: Final = Rule.of(
    f"self >= 1 && self <= {MAX_HISTORY}",
    lambda value: 1 <= value <= MAX_HISTORY,
    f"historyLimit must lie between 1 and {MAX_HISTORY}: write how many ended runs are kept, such as 20",
)

# Overrides

_REVISION_PATTERN: Final = "^[0-9a-f]{10}$"
_MOMENT_PATTERN: Final = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$"
)


def _is_moment(text: str) -> bool:
    try:
        return re.fullmatch(_MOMENT_PATTERN, text) is not None and bool(datetime.fromisoformat(text))
    except ValueError:
        return False


REVISION: Final = Rule.matching(
    _REVISION_PATTERN,
    '"{self}" is not a revision: write the ten digits (0-9, a-f) that `kubectl get prun` shows',
)
MOMENT: Final = Rule.of(
    f"{matches('self', _MOMENT_PATTERN)} && timestamp(self) > timestamp('0001-01-02T00:00:00Z')",
    _is_moment,
    '"{self}" is not a moment: write date, time and zone, such as 2026-11-25T18:00:00Z',
)

# Runs

RUN_FIXED: Final = transition(
    "self.gate == oldSelf.gate && self.reason == oldSelf.reason",
    "a run keeps what it was made with: write a new PerfRun (only cancel may change)",
)
CANCEL_ONCE: Final = transition(
    "!oldSelf.cancel || self.cancel",
    "a cancelled run cannot be taken up again: write a new PerfRun",
)
