"""A latency limit as an edge of a Prometheus histogram: the raw counters of its buckets are exact there.

What the bucket up to the limit counts was in time, what the `+Inf` bucket counts is everything; `counters`
does the rest. Between two edges nobody knows, so a limit that is no edge is refused: judged by the lower edge
a good release could fail, by the upper one a bad release could pass.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from devperfops_operator.analysis.series import Series, SeriesError

EDGE: Final = "le"
_ALL: Final = "+Inf"
_NAME = re.compile(r" *([a-zA-Z0-9_:]+)")
_MILLISECONDS: Final = ("_milliseconds_bucket", "_ms_bucket")  # else seconds, Prometheus' base unit


def selectors(selector: str, limit_ms: int, edges: Sequence[str]) -> tuple[str, str]:
    """For the counters of what was in time, and of everything.

    `selector`: NAME_bucket{...}; `edges`: the texts of `le` it has. Raises SeriesError: it selects nothing,
    or the limit is no edge.
    """
    if not edges:
        raise SeriesError("NoSamples", "`histogram` selects nothing; check it against Prometheus")
    limit = limit_ms / _per_unit(selector)  # rounded as a bucket's text is when it is read
    texts = [text for text in edges if _value(text) == limit]
    if not texts:
        raise _no_edge(selector, limit, edges)
    return _narrowed(selector, texts), _narrowed(selector, [_ALL])


def check(in_time: Sequence[Series], total: Sequence[Series]) -> None:
    """Raises SeriesError if there is nothing, or part of it has no such edge: it would count as slow."""
    if not any(series.samples for series in total):
        raise SeriesError("NoSamples", "`histogram` has no samples in the judged window")
    known = {_identity(series.labels) for series in in_time}
    for series in total:
        newborn = len(series.samples) == 1  # between the two questions; it brings no increase yet
        if not newborn and _identity(series.labels) not in known:
            raise SeriesError(
                "HistogramEdgeMissing",
                f"{dict(series.labels)} has no bucket that ends at the limit, though others have; "
                "give all of the histogram's sources the same buckets",
            )


def _identity(labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset((name, value) for name, value in labels.items() if name != EDGE)


def _per_unit(selector: str) -> int:
    """Milliseconds per unit of the histogram."""
    name = _NAME.match(selector)
    return 1 if name is not None and name[1].endswith(_MILLISECONDS) else 1000


def _value(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _narrowed(selector: str, texts: Iterable[str]) -> str:
    """The selector with one more matcher."""
    # A regular expression matches the whole value; `[.]`, because a backslash would need another one.
    pattern = "|".join(text.replace(".", "[.]").replace("+", "[+]") for text in texts)
    name, _, rest = selector.strip().partition("{")
    others = rest.rpartition("}")[0].strip().removesuffix(",")
    return f'{name.strip()}{{{f"{others}, " if others else ""}{EDGE}=~"{pattern}"}}'


def _no_edge(selector: str, limit: float, edges: Iterable[str]) -> SeriesError:
    known = [value for value in map(_value, edges) if math.isfinite(value)]
    unit = _per_unit(selector)
    below = max((edge for edge in known if edge < limit), default=None)
    above = min((edge for edge in known if edge > limit), default=None)
    near = " and ".join(_time(edge * unit) for edge in (below, above) if edge is not None)
    nearest = f"the nearest are {near}" if near else "it has none besides +Inf"
    return SeriesError(
        "HistogramEdgeMissing",
        f"no bucket of `histogram` ends at {_time(limit * unit)}, and between two edges nobody knows: "
        f"{nearest}; "
        "write one of its edges into expect, or give the app that bucket",
    )


def _time(milliseconds: float) -> str:
    """As `expect` takes it: `250ms`, `2s`."""
    if milliseconds >= 1000:  # noqa: PLR2004
        return f"{milliseconds / 1000:g}s"
    return f"{milliseconds:g}ms"
