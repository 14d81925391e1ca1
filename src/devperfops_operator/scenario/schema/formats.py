"""Texts by `format`: made and recognised."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final

from devperfops_operator.scenario.dice import Dice

_DAY_ONE: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Made dates are of that year: the same document gives the same plan on every day."""

Check = Callable[[str], object]
"""Raises ValueError, or returns something false, for a text that is not of the format."""


def made(name: str, dice: Dice) -> str | None:
    """A text of the format; None: not known, any text will do."""
    make = _MAKERS.get(name)
    return None if make is None else make(dice)


def holds(name: str, text: str) -> bool:
    """Whether the text is of the format; of formats not known every text is."""
    check = _CHECKS.get(name)
    if check is None:
        return True
    try:
        return bool(check(text))
    except ValueError:
        return False


def _uuid(dice: Dice) -> str:
    return str(uuid.UUID(int=dice.integer(0, (1 << 128) - 1), version=4))


def _moment(dice: Dice) -> datetime:
    return _DAY_ONE + timedelta(seconds=dice.integer(0, 364 * 86_400))


def _word(dice: Dice) -> str:
    return "".join(dice.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(8))


def _moment_of(text: str) -> bool:
    if len(text) < len("2026-01-01T00:00:00Z") or text[10] not in "Tt ":
        return False
    return datetime.fromisoformat(text).tzinfo is not None


def _date_of(text: str) -> bool:
    return date.fromisoformat(text).isoformat() == text


def _base64_of(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    return True


_MAKERS: Final[dict[str, Callable[[Dice], str]]] = {
    "date": lambda dice: _moment(dice).date().isoformat(),
    "date-time": lambda dice: _moment(dice).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "time": lambda dice: _moment(dice).strftime("%H:%M:%SZ"),
    "duration": lambda dice: f"PT{dice.integer(1, 59)}M",
    "uuid": _uuid,
    "guid": _uuid,
    "email": lambda dice: f"{_word(dice)}@example.com",
    "idn-email": lambda dice: f"{_word(dice)}@example.com",
    "hostname": lambda dice: f"{_word(dice)}.example.com",
    "idn-hostname": lambda dice: f"{_word(dice)}.example.com",
    "uri": lambda dice: f"https://example.com/{_word(dice)}",
    "url": lambda dice: f"https://example.com/{_word(dice)}",
    "iri": lambda dice: f"https://example.com/{_word(dice)}",
    "uri-reference": lambda dice: f"/{_word(dice)}",
    "uri-template": lambda dice: f"/{_word(dice)}/{{id}}",
    "json-pointer": lambda dice: f"/{_word(dice)}",
    "ipv4": lambda dice: f"192.0.2.{dice.integer(1, 254)}",
    "ip": lambda dice: f"192.0.2.{dice.integer(1, 254)}",
    "ipv6": lambda dice: f"2001:db8::{dice.integer(1, 0xFFFF):x}",
    "byte": lambda dice: base64.b64encode(_word(dice).encode()).decode(),
    "base64": lambda dice: base64.b64encode(_word(dice).encode()).decode(),
    "regex": lambda dice: f"^{_word(dice)}$",
    "int64": lambda dice: str(dice.integer(1, 1_000_000)),
    "int32": lambda dice: str(dice.integer(1, 1_000_000)),
    "decimal": lambda dice: f"{dice.integer(1, 999)}.{dice.integer(10, 99)}",
}
_CHECKS: Final[dict[str, Check]] = {
    "date": _date_of,
    "date-time": _moment_of,
    "uuid": uuid.UUID,
    "email": re.compile(r"[^@\s]+@[^@\s]+\Z").match,
    "uri": re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S*\Z").match,
    "ipv4": lambda text: ipaddress.IPv4Address(text) is not None,
    "ipv6": lambda text: ipaddress.IPv6Address(text) is not None,
    "byte": _base64_of,
}
