"""The rules of a load's shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from devperfops_operator.api.quantity import DURATION_PATTERN, parse_duration
from devperfops_operator.api.rules import AUTO, Rule, matches
from devperfops_operator.wire.measurement import LEVELS

_MOST: Final = 100
_LEAST_STEP: Final = timedelta(seconds=10)


def _spike_fits(load: Mapping[str, Any]) -> bool:
    spike = load.get("shape", {}).get("spike")
    if spike is None:
        return True
    parts = (load["jmeter"]["rampUp"], spike["after"], spike["length"])
    times = [_time(each) for each in (*parts, load["jmeter"]["duration"])]
    return None in times or sum(filter(None, times[:3]), timedelta()) < (times[3] or timedelta())


def _steps_last(load: Mapping[str, Any]) -> bool:
    stress = load.get("shape", {}).get("stress")
    ramp_up, duration = _time(load["jmeter"]["rampUp"]), _time(load["jmeter"]["duration"])
    if stress is None or ramp_up is None or duration is None:
        return True
    return bool(duration - ramp_up >= stress["steps"] * _LEAST_STEP)


def _time(text: str) -> timedelta | None:
    """None: said elsewhere."""
    return parse_duration(text) if re.fullmatch(DURATION_PATTERN, text) else None


FACTOR: Final = Rule.of(
    f"self > 1.0 && self <= {_MOST}.0",
    lambda value: 1 < value <= _MOST,
    f"factor must lie above 1, up to {_MOST}: write how many times the rate, such as 5",
)
STEPS: Final = Rule.of(
    f"self >= 2 && self <= {LEVELS}",
    lambda value: 2 <= value <= LEVELS,  # noqa: PLR2004  one step is no stress
    f"steps must lie between 2 and {LEVELS}: write how many, the one at the rate itself included, such as 4",
)
ONE_SHAPE: Final = Rule.of(
    "has(self.spike) != has(self.stress)",
    lambda shape: ("spike" in shape) != ("stress" in shape),
    "a load has one shape: write either spike or stress, or leave shape out for a steady load",
)
SHAPE_HAS_RATE: Final = Rule.of(
    "!has(self.shape) || has(self.jmeter.rate) || has(self.profile)",
    lambda load: "shape" not in load or "rate" in load["jmeter"] or "profile" in load,
    "a shape multiplies a rate: write jmeter.rate, such as rate: 3000/m, or profile",
    field="shape",
)
SHAPE_IS_PLAYED_OUT: Final = Rule.of(
    f"!has(self.shape) || self.jmeter.duration != '{AUTO}' && !has(self.jmeter.maxDuration)",
    lambda load: (
        "shape" not in load or (load["jmeter"]["duration"] != AUTO and "maxDuration" not in load["jmeter"])
    ),
    "a shape takes a known time: write a duration, and leave jmeter.maxDuration out",
    field="jmeter.duration",
)
SHAPE_HAS_NO_BASELINE: Final = Rule.of(
    "!has(self.shape) || !has(self.baseline)",
    lambda load: not {"shape", "baseline"} <= load.keys(),
    "a comparison with a baseline takes one rate: write either shape or baseline",
    field="shape",
)
_TIMES: Final = (
    "self.jmeter.rampUp",
    "self.shape.spike.after",
    "self.shape.spike.length",
    "self.jmeter.duration",
)
_KNOWN: Final = " && ".join(matches(each, DURATION_PATTERN) for each in _TIMES)
_SUM: Final = " + ".join(f"duration({each})" for each in _TIMES[:3])
SPIKE_IS_WITHIN: Final = Rule.of(
    f"!has(self.shape) || !has(self.shape.spike) || !({_KNOWN}) || {_SUM} < duration({_TIMES[3]})",
    _spike_fits,
    "jmeter.rampUp, shape.spike.after and shape.spike.length together must be shorter than jmeter.duration, "
    "so that what follows the spike is judged, too: write a longer duration",
    field="shape.spike",
)
_JUDGED: Final = " && ".join(
    matches(f"self.jmeter.{each}", DURATION_PATTERN) for each in ("rampUp", "duration")
)
STEPS_LAST: Final = Rule.of(
    f"!has(self.shape) || !has(self.shape.stress) || !({_JUDGED})"
    " || (duration(self.jmeter.duration) - duration(self.jmeter.rampUp)).getSeconds()"
    f" >= self.shape.stress.steps * {_LEAST_STEP.seconds}",
    _steps_last,
    f"a step must last {_LEAST_STEP.seconds} s or longer, and they share jmeter.duration without rampUp: "
    "write a longer duration or fewer steps",
    field="shape.stress",
)


def _objectives_fit(spec: Mapping[str, Any], most: int) -> bool:
    shape = spec.get("load", {}).get("shape", {})
    levels = shape["stress"]["steps"] if "stress" in shape else 2 if "spike" in shape else 1
    return len(spec.get("objectives", ())) * levels <= most


def objectives_fit(most: int) -> Rule:
    """Each is judged at each rate."""
    levels = "(has(self.load.shape.stress) ? self.load.shape.stress.steps : 2)"
    return Rule.of(
        f"!has(self.load) || !has(self.load.shape) || !has(self.objectives)"
        f" || self.objectives.size() * {levels} <= {most}",
        lambda spec: _objectives_fit(spec, most),
        f"each objective is judged at each rate of the shape, and {most} are the most in all: "
        "write fewer objectives or fewer steps",
        field="objectives",
    )
