"""One line of an access log: common, combined, JSON or Envoy's, each known by its look."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

_LONGEST: Final = 16 << 10  # characters
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_COMMON: Final = re.compile(
    rf'(?P<host>\S+) \S+ (?P<user>\S+) \[(?P<time>[^\]]+)\] "(?P<request>[^"]*)" \d{{3}} \S+'
    rf"(?: {_QUOTED} (?P<agent>{_QUOTED}))?"
)
_ENVOY: Final = re.compile(r'\[(?P<time>\d{4}-[^\]]+)\] "(?P<request>[^"]*)" \d+ (?P<rest>.*)')
_ENVOY_REST: Final = re.compile(rf"\d+ \d+ (?P<ms>\d+) (?:\d+|-) \"(?P<host>[^\"]*)\" (?P<agent>{_QUOTED})")
_CLOCK: Final = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_PORT: Final = re.compile(r"(?<=[\d\]]):\d+$")
_MILLISECONDS: Final = 1e11  # since 1970: so many seconds are the year 5138

_HOSTS: Final = (
    *("x_forwarded_for", "http_x_forwarded_for", "remote_addr", "client_ip", "clientip", "remote_ip"),
    *("downstream_remote_address", "remote_host", "host"),
)
_TIMES: Final = ("start_time", "time_iso8601", "timestamp", "@timestamp", "time", "time_local", "msec", "ts")
_METHODS: Final = ("method", "request_method", "verb")
_PATHS: Final = ("path", "request_uri", "uri", "url")
_AGENTS: Final = ("user_agent", "http_user_agent", "agent")
_USERS: Final = ("remote_user", "user")


@dataclass(frozen=True, slots=True)
class Hit:
    """One request. `who`: address, user and agent; `at`: Unix seconds; `took`: seconds, 0 if untold."""

    who: str
    at: float
    method: str
    path: str
    took: float = 0.0


def hit(line: str) -> Hit | None:
    """None: the line is none of these, or its time or request cannot be read."""
    text = line.strip()
    if len(text) > _LONGEST:
        return None
    try:
        if text.startswith("{"):
            return _of_json(json.loads(text))
        return _of_envoy(text) if text.startswith("[") else _of_common(text)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None


def _of_common(text: str) -> Hit | None:
    found = _COMMON.match(text)
    if found is None:
        return None
    return _hit(
        [found["host"], found["user"], found["agent"] or ""], _moment(found["time"]), found["request"]
    )


def _of_envoy(text: str) -> Hit | None:
    found = _ENVOY.match(text)
    rest = _ENVOY_REST.search(found["rest"]) if found is not None else None
    if found is None or rest is None:
        return None
    who = [_address(rest["host"]), rest["agent"]]
    return _hit(who, _moment(found["time"]), found["request"], int(rest["ms"]) / 1000)


def _of_json(fields: Mapping[str, Any]) -> Hit | None:
    request = fields.get("request")
    if not isinstance(request, str):
        request = f"{_first(fields, _METHODS)} {_first(fields, _PATHS)}"
    who = [_address(str(_first(fields, _HOSTS))), str(_first(fields, _USERS)), str(_first(fields, _AGENTS))]
    return _hit(who, _moment(_first(fields, _TIMES)), request, _took(fields))


def _hit(who: Sequence[str], at: float, request: str, took: float = 0.0) -> Hit | None:
    method, _, rest = request.partition(" ")
    target = rest.partition(" ")[0]
    if not (method.isalpha() and target.startswith("/")):
        return None
    return Hit(" ".join(who), at, method, target.partition("?")[0], took)


def _first(fields: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((fields[name] for name in names if fields.get(name) not in {None, ""}), "")


def _took(fields: Mapping[str, Any]) -> float:
    """Envoy's `duration` is in milliseconds, nginx's `request_time` in seconds."""
    if fields.get("duration") is not None:
        return float(fields["duration"]) / 1000
    return float(fields.get("request_time") or 0)


def _address(text: str) -> str:
    """The first of several, without its port: that of each connection is another."""
    return _PORT.sub("", text.partition(",")[0].strip())


def _moment(value: Any) -> float:
    """Unix seconds. Raises ValueError: it is no time."""
    text = str(value)
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        return _of_clock(clock)
    try:
        number = float(text)
    except ValueError:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()
    return number / 1000 if number > _MILLISECONDS else number


def _of_clock(clock: re.Match[str]) -> float:
    day, month, year, hour, minute, second, sign, hours, minutes = clock.groups()
    away = timedelta(hours=int(hours), minutes=int(minutes)) * (1 if sign == "+" else -1)
    moment = datetime(
        int(year),
        _MONTHS.index(month) + 1,
        int(day),
        int(hour),
        int(minute),
        int(second),
        tzinfo=timezone(away),
    )
    return moment.timestamp()
