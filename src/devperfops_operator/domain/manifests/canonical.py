"""JSON as the API server and kubectl, which are written in Go, would write it themselves."""

from __future__ import annotations

import json
from typing import Any, Final

_ESCAPED: Final = "<>&\u2028\u2029"


def canonical_json(value: Any) -> str:
    """JSON as Go's `encoding/json` writes it: sorted, compact, and with <, > and & escaped.

    A ControllerRevision's `data` is kept byte by byte and must not change. Whoever changes its labels or
    owners later makes the API server write it anew, which only then gives the same bytes.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for character in _ESCAPED:
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
