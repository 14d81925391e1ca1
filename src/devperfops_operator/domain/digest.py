"""Identities of values: equal values, equal digests, in every process."""

from __future__ import annotations

import hashlib
import json
from typing import Any

_DIGITS = 10


def digest(value: Any) -> str:
    """Ten hexadecimal digits of a JSON value."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:_DIGITS]
