"""The limit that an objective takes from an OpenSLO document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from devperfops_operator.api.documents import UnreadableError, read
from devperfops_operator.api.expect import ExpectError, ValueExpectation, parse_expect
from devperfops_operator.api.lint import Severity
from devperfops_operator.api.objective import Objective, SLORef
from devperfops_operator.api.openslo import Promise, promises
from devperfops_operator.api.quantity import format_percent, parse_percent
from devperfops_operator.domain.observed import Problem
from devperfops_operator.domain.verdict import Reason


def referred(objective: Objective, ref: SLORef, data: Mapping[str, str] | None) -> str | Problem:
    """As `expect` would have it. `data`: of the ConfigMap; None: there is none. A Problem: it gives none."""
    if data is None:
        message = f"ConfigMap {ref.config_map} does not exist; create it with {ref.key}, OpenSLO v1 documents"
        return Problem(Reason.SLO_NOT_FOUND, message)
    if ref.key not in data:
        keys = ", ".join(sorted(data)) or "none"
        message = f"ConfigMap {ref.config_map} has no key {ref.key} (keys: {keys}); set sloRef.key"
        return Problem(Reason.SLO_NOT_FOUND, message)
    place = f"{ref.config_map}/{ref.key}"
    try:
        promised, findings = promises(list(read(place, data[ref.key])))
    except UnreadableError as error:
        return Problem(Reason.SLO_INVALID, f"{place}:{error.line}: is not YAML: {error}")
    named = [each for each in promised if each.document == ref.slo]
    if not named:
        wrong = [each for each in findings if each.severity is Severity.ERROR]
        if wrong:
            return Problem(Reason.SLO_INVALID, f"{place}:{wrong[0].line}: {wrong[0].path} {wrong[0].message}")
        known = ", ".join(dict.fromkeys(each.document for each in promised)) or "none"
        message = f"{place} has no SLO {ref.slo} (there are: {known}); set sloRef.slo"
        return Problem(Reason.SLO_NOT_FOUND, message)
    return _expect(objective, ref, place, named)


def _expect(objective: Objective, ref: SLORef, place: str, named: Sequence[Promise]) -> str | Problem:
    wanted = None if ref.target is None else parse_percent(ref.target)
    chosen = [each for each in named if wanted in {None, each.target}]
    if len(chosen) != 1:
        targets = ", ".join(format_percent(each.target) for each in named)
        message = f"{place}: SLO {ref.slo} has objectives of {targets}; name one of them by sloRef.target"
        return Problem(Reason.SLO_INVALID, message)
    promise = chosen[0]
    text = _text(objective, promise)
    if text is None:
        about = "a share of good events" if promise.us is None else "times"
        counts = "good and total" if objective.good else "a histogram"
        message = f"{place}: SLO {ref.slo} is about {about}, the objective counts {counts}; leave that out"
        return Problem(Reason.SLO_INVALID, message)
    exact = _exact(text, promise)
    if exact is None:
        message = (
            f'{place}: SLO {ref.slo} asks for "{text}", which no gate can judge; write a target with at most '
            "four decimals as a percentage, and a time of whole milliseconds"
        )
        return Problem(Reason.SLO_INVALID, message)
    return exact


def _exact(text: str, promise: Promise) -> str | None:
    """As a gate would write it; None: no gate can say just that."""
    try:
        expectation = parse_expect(text)
    except ExpectError:
        return None
    same = not isinstance(expectation, ValueExpectation) and expectation.allowed == 1 - promise.target
    return str(expectation) if same else None


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
