"""Times and shares as people read them."""

from __future__ import annotations

from typing import Final

from devperfops_operator.analysis.callgraph.graph import WHOLE

_SECOND: Final = 1_000_000
_MS: Final = 1_000


def time(us: float) -> str:
    """Microseconds with three or four digits: `250 ms`, `1.25 s`, `0.4 ms`."""
    if us >= 10 * _SECOND:
        return f"{us / _SECOND:,.1f} s"
    if us >= _SECOND:
        return f"{us / _SECOND:.3f}".rstrip("0").rstrip(".") + " s"
    if us >= 10 * _MS:
        return f"{us / _MS:.0f} ms"
    return f"{us / _MS:.2f}".rstrip("0").rstrip(".") + " ms"


def percent(share: float) -> str:
    """Of 10^-12, with the digits that tell something: `0.6%`, `0.0125%`."""
    hundredths = 100 * share / WHOLE
    if 0 < hundredths < 1e-4:  # noqa: PLR2004
        return "< 0.0001%"
    return f"{hundredths:.4f}".rstrip("0").rstrip(".") + "%"


def quantile(over: int) -> str:
    """`p99` for a share of 1 % beyond it, `max` for none."""
    return f"p{percent(WHOLE - over).removesuffix('%')}" if over else "max"
