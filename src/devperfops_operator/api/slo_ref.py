"""The limit that an objective takes from an OpenSLO document."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

from devperfops_operator.api.documents import UnreadableError, read
from devperfops_operator.api.expect import ExpectError, ValueExpectation, parse_expect
from devperfops_operator.api.finding import Finding, Severity
from devperfops_operator.api.objective import Objective, SLORef
from devperfops_operator.api.openslo import Promise, promises
from devperfops_operator.api.quantity import format_percent, parse_percent


class SLORefError(Exception):
    """The documents do not give the limit; the message says why, and what to do."""


class SLOMissingError(SLORefError):
    """There is no SLO of that name."""


def limit(objective: Objective, ref: SLORef, place: str, text: str) -> str:
    """As `expect` would have it. `place`: where the text stands, for people. Raises SLORefError."""
    promise = _promise(ref, place, text)
    expect = _text(objective, promise)
    if expect is None:
        about = "a share of good events" if promise.us is None else "times"
        counts = "good and total" if objective.good else "a histogram"
        raise SLORefError(
            f"{place}: SLO {ref.slo} is about {about}, and the objective counts {counts}; leave that out"
        )
    exact = _exact(expect, promise)
    if exact is None:
        raise SLORefError(
            f'{place}: SLO {ref.slo} asks for "{expect}", which no gate can judge; write a target of '
            "at most four decimals as a percentage, and a time of whole milliseconds"
        )
    return exact


def _promise(ref: SLORef, place: str, text: str) -> Promise:
    """The only one that is meant."""
    try:
        promised, findings = _read(place, text)
    except UnreadableError as error:
        raise SLORefError(f"{place}:{error.line}: is not YAML: {error}") from error
    named = [each for each in promised if each.document == ref.slo]
    if not named:
        wrong = [each for each in findings if each.severity is Severity.ERROR]
        if wrong:
            raise SLORefError(f"{place}:{wrong[0].line}: {wrong[0].path} {wrong[0].message}")
        known = ", ".join(dict.fromkeys(each.document for each in promised)) or "none"
        raise SLOMissingError(f"{place} has no SLO {ref.slo} (there are: {known}); set sloRef.slo")
    return _chosen(ref, place, named)


@lru_cache(maxsize=4)  # a gate's objectives refer to one file
def _read(place: str, text: str) -> tuple[Sequence[Promise], Sequence[Finding]]:
    """Raises UnreadableError."""
    return promises(list(read(place, text)))


def _chosen(ref: SLORef, place: str, named: Sequence[Promise]) -> Promise:
    wanted = None if ref.target is None else parse_percent(ref.target)
    chosen = [each for each in named if wanted in {None, each.target}]
    if len(chosen) != 1:
        targets = ", ".join(format_percent(each.target) for each in named)
        raise SLORefError(
            f"{place}: SLO {ref.slo} has objectives of {targets}; name one of them by sloRef.target"
        )
    return chosen[0]


def _text(objective: Objective, promise: Promise) -> str | None:
    """None: what the objective counts does not tell."""
    target = promise.target
    if promise.us is not None:
        ms = Fraction(promise.us, 1000)
        time = f"{ms.numerator}ms" if ms.denominator == 1 else f"{float(ms):g}ms"
        return None if objective.good else f"p{format_percent(target).removesuffix('%')} <= {time}"
    if objective.histogram:
        return None
    if objective.good:
        return f"good >= {format_percent(target)}"
    return f"errors <= {format_percent(1 - target)}"


def _exact(text: str, promise: Promise) -> str | None:
    """As a gate would write it; None: no gate can say just that."""
    try:
        expectation = parse_expect(text)
    except ExpectError:
        return None
    same = not isinstance(expectation, ValueExpectation) and expectation.allowed == 1 - promise.target
    return str(expectation) if same else None
