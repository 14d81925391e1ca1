"""From a gate's spec to the plan of a run, and to the properties JMeter gets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from itertools import chain
from typing import Final, assert_never

from devperfops_operator.analysis.comparison import ComparisonTest, block_seconds
from devperfops_operator.analysis.coverage import minimum
from devperfops_operator.analysis.exceedance import ShareTest
from devperfops_operator.analysis.gauge import GaugeTest
from devperfops_operator.analysis.runs import RunsTest
from devperfops_operator.api.coverage import Coverage
from devperfops_operator.api.expect import (
    MAX_LENGTH,
    BaselineExpectation,
    ErrorsExpectation,
    Expectation,
    ExpectError,
    GoodExpectation,
    LatencyExpectation,
    PastExpectation,
    ValueExpectation,
    parse_expect,
)
from devperfops_operator.api.load import Baseline, JMeterLoad, Load, Scheme
from devperfops_operator.api.objective import Objective
from devperfops_operator.api.perfgate import PerfGateSpec
from devperfops_operator.api.quantity import QuantityError, parse_duration, parse_percent, parse_rate
from devperfops_operator.api.rules import AUTO
from devperfops_operator.domain.duration import auto_duration
from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.objectives import (
    AgainstBaseline,
    AgainstPast,
    BadEvents,
    Counted,
    CoveragePlan,
    FailedSamples,
    GaugePoints,
    JudgedObjective,
    LivePlan,
    OverEdge,
    OverThreshold,
    Polled,
    RunPlan,
    share_test,
)
from devperfops_operator.domain.observed import Inputs
from devperfops_operator.domain.shape import Level, Shape, shape_of
from devperfops_operator.domain.shares import Share
from devperfops_operator.wire.brief import Threshold
from devperfops_operator.wire.layout import DATA, PLUGINS, ROOT

_SEARCH_PATHS = "search_paths"  # where JMeter looks for JARs, beside its own folders
_ANY_SHARE = Fraction(5, 100)  # where only gauges are judged
_LATE: Final = timedelta(seconds=30)  # a first sample may be, and a shape is played from it to its end
DEFAULT_PORTS: Final = {Scheme.HTTP: 80, Scheme.HTTPS: 443}
_SURE, _SURE_TWICE = 0.99, 0.995  # of a Pass; at each of two looks, at the planned end and at the last one
ALPHA = 0.001
"""Probability of ever failing a gate that holds, shared among its objectives."""


def resolve_plan(spec: PerfGateSpec) -> RunPlan | LivePlan:
    """Raises InvalidSpec for what the CRD's own rules should have refused."""
    return resolve_load(spec) if spec.live is None else resolve_live(spec)


def load_of(spec: PerfGateSpec) -> Load:
    """Raises InvalidSpec if the gate plays none."""
    if spec.load is None:
        raise InvalidSpec("spec.load", "is missing; write load, or live to judge the traffic of real users")
    return spec.load


def resolve_load(spec: PerfGateSpec) -> RunPlan:
    """The plan of a gate that plays a load. Raises InvalidSpec likewise."""
    load = load_of(spec)
    jmeter, thresholds = load.jmeter, _thresholds(spec)
    try:
        shape = _shape(load)
        objectives = _by_level(_objectives(spec, thresholds), shape)
        planned = _duration(jmeter, objectives)
        longest = _longest(jmeter, objectives, planned)
        return RunPlan(
            workers=load.workers,
            against_baseline=load.baseline is not None,
            threads=_threads(jmeter),
            ramp_up=parse_duration(jmeter.ramp_up),
            duration=planned if longest is None else longest,
            planned=None if longest is None else planned,
            rate_per_minute=None if jmeter.rate is None else parse_rate(jmeter.rate),
            thresholds=thresholds,
            objectives=objectives,
            prometheus=spec.prometheus,
            shape=shape,
            coverage=_coverage(spec),
            fail_after=_wait(spec.patience.fail_after),
            pass_after=_wait(spec.patience.pass_after),
        )
    except QuantityError as error:
        raise InvalidSpec("spec.load.jmeter", str(error)) from error


def _shape(load: Load) -> Shape | None:
    if load.shape is None:
        return None
    if load.jmeter.duration == AUTO:
        raise InvalidSpec("spec.load.jmeter.duration", "a shape takes a known time; write a duration")
    return shape_of(load.shape, parse_duration(load.jmeter.duration) - parse_duration(load.jmeter.ramp_up))


def _by_level(objectives: tuple[JudgedObjective, ...], shape: Shape | None) -> tuple[JudgedObjective, ...]:
    """What is counted in samples is judged at each level: a short rush would be lost among all."""
    if shape is None:
        return objectives
    return tuple(chain.from_iterable(_at_levels(objective, shape) for objective in objectives))


def _at_levels(objective: JudgedObjective, shape: Shape) -> Iterator[JudgedObjective]:
    if not isinstance(objective.counted, OverThreshold | FailedSamples):
        yield objective
        return
    test = share_test(objective)
    for index, level in enumerate(shape.levels):
        yield replace(
            objective,
            name=_named(objective.name, level),
            expect=_named(objective.expect, level),
            counted=replace(objective.counted, level=index),
            test=replace(test, alpha=test.alpha / len(shape.levels)),
            critical=objective.critical and level.required,
        )


def _named(text: str, level: Level) -> str:
    return f"{text[: MAX_LENGTH - len(level.name) - 1]} {level.name}" if level.name else text


def _threads(jmeter: JMeterLoad) -> int:
    if jmeter.threads is None:
        raise InvalidSpec("spec.load.jmeter.threads", "is missing; write it, or load.profile")
    return jmeter.threads


def _duration(jmeter: JMeterLoad, objectives: Sequence[JudgedObjective]) -> timedelta:
    if jmeter.duration != AUTO:
        return parse_duration(jmeter.duration)
    if jmeter.max_duration is None or jmeter.rate is None:
        raise InvalidSpec("spec.load.jmeter.duration", "auto needs maxDuration and rate; write both")
    rate, ramp_up = parse_rate(jmeter.rate), parse_duration(jmeter.ramp_up)
    return auto_duration(objectives, rate, ramp_up, parse_duration(jmeter.max_duration))


def _wait(duration: str | None) -> timedelta | None:
    return None if duration is None else parse_duration(duration)


def _longest(
    jmeter: JMeterLoad, objectives: Sequence[JudgedObjective], planned: timedelta
) -> timedelta | None:
    """Up to which more samples may be waited for; None: the planned end is the end."""
    by_number = all(isinstance(o.test, ShareTest) for o in objectives if o.critical)
    if jmeter.max_duration is None or not by_number:
        return None
    longest = parse_duration(jmeter.max_duration)
    return longest if longest > planned else None


def resolve_live(spec: PerfGateSpec) -> LivePlan:
    """The plan of a gate that judges the traffic of real users. Raises InvalidSpec likewise."""
    if spec.live is None or spec.load is not None:
        raise InvalidSpec("spec.live", "excludes spec.load; write one of them")
    objectives = _objectives(spec, _thresholds(spec))
    sampled = next((each for each in objectives if not isinstance(each.counted, Polled)), None)
    if sampled is not None:
        message = f'"{sampled.expect}" needs samples of a load; judge it by a histogram, or by good and total'
        raise InvalidSpec("spec.objectives", message)
    try:
        return LivePlan(
            duration=parse_duration(spec.live.duration),
            objectives=objectives,
            prometheus=spec.prometheus,
            coverage=_coverage(spec),
            fail_after=_wait(spec.patience.fail_after),
            pass_after=_wait(spec.patience.pass_after),
        )
    except QuantityError as error:
        raise InvalidSpec("spec.live.duration", str(error)) from error


def _thresholds(spec: PerfGateSpec) -> tuple[Threshold, ...]:
    """Of the objectives that are judged by samples."""
    return tuple(
        dict.fromkeys(
            _threshold(expectation)
            for objective, expectation in _expectations(spec)
            if isinstance(expectation, LatencyExpectation) and objective.histogram is None
        )
    )


def _objectives(spec: PerfGateSpec, thresholds: tuple[Threshold, ...]) -> tuple[JudgedObjective, ...]:
    return tuple(
        JudgedObjective(
            name=objective.name or objective.expect,
            expect=objective.expect,
            counted=_counted(index, objective, expectation, thresholds),
            test=_test(spec, expectation, ALPHA / len(spec.objectives)),
            critical=objective.critical,
            weight=objective.weight,
            origin=objective.origin,
        )
        for index, (objective, expectation) in enumerate(_expectations(spec))
    )


def _coverage(spec: PerfGateSpec) -> CoveragePlan | None:
    """An endpoint needs what the least demanding objective does, to be judged at all.

    Beside a load profile it is known without being asked for, and then decides nothing.
    """
    asked = spec.coverage
    if asked is None:
        profiled = spec.load is not None and spec.load.profile is not None
        asked = Coverage(by=()) if profiled else None
    if asked is None:
        return None
    allowed = [e.allowed for _, e in _expectations(spec) if not isinstance(e, ValueExpectation)]
    try:
        return CoveragePlan(
            traffic=asked.traffic,
            tested=asked.tested or asked.traffic,
            by=asked.by,
            labels={each.label: each.endpoint for each in asked.labels or ()},
            judged=spec.coverage is not None,
            lookback=timedelta(weeks=asked.weeks),
            enough=minimum(max(allowed, default=_ANY_SHARE)),
            min_endpoints=parse_percent(asked.min_endpoints),
            max_unseen=parse_percent(asked.max_unseen),
            min_volume=None if asked.min_volume is None else parse_percent(asked.min_volume),
            max_distance=None if asked.max_distance is None else parse_percent(asked.max_distance),
        )
    except QuantityError as error:
        raise InvalidSpec("spec.coverage", str(error)) from error


def _expectations(spec: PerfGateSpec) -> list[tuple[Objective, Expectation]]:
    return [(objective, _expectation(index, objective)) for index, objective in enumerate(spec.objectives)]


def jmeter_properties(plan: RunPlan, load: Load, inputs: Inputs) -> dict[str, str]:
    """What the plan reads with `${__P(...)}` on every worker: durations in whole seconds."""
    names = load.jmeter.property_names
    properties = {
        **(load.jmeter.properties or {}),
        names.ramp_up: str(_seconds(plan.ramp_up)),
        names.duration: str(_seconds(plan.duration + (timedelta() if plan.shape is None else _LATE))),
        names.host: inputs.host,
        names.port: str(inputs.port),
        names.scheme: load.target.scheme.value,
    }
    if load.jmeter.data is not None:
        properties[names.data] = f"{ROOT}/{DATA}"
    if load.jmeter.plugins is not None:
        others = properties.get(_SEARCH_PATHS)
        properties[_SEARCH_PATHS] = ";".join(filter(None, (others, f"{ROOT}/{PLUGINS}")))
    return properties


def share_properties(share: Share, load: Load, shape: Shape | None = None) -> dict[str, str]:
    """What it reads on one of them: the rate in samples per minute, and how it changes."""
    names = load.jmeter.property_names
    properties = {names.threads: str(share.threads)}
    if share.rate_per_minute is not None and shape is not None:
        properties[names.shape] = shape.property_text(
            share.rate_per_minute, parse_duration(load.jmeter.ramp_up)
        )
    if share.rate_per_minute is not None:
        properties[names.rate] = _decimal(share.rate_per_minute)
    return properties


def baseline_properties(baseline: Baseline, load: Load) -> dict[str, str]:
    """What it reads on those that play against the baseline: another address."""
    names = load.jmeter.property_names
    return {
        names.host: baseline.host,
        names.port: str(baseline.port or DEFAULT_PORTS[baseline.scheme]),
        names.scheme: baseline.scheme.value,
    }


def _expectation(index: int, objective: Objective) -> Expectation:
    try:
        return parse_expect(objective.expect)
    except ExpectError as error:
        raise InvalidSpec(f"spec.objectives[{index}].expect", str(error)) from error


def _test(
    spec: PerfGateSpec, expectation: Expectation, alpha: float
) -> ShareTest | GaugeTest | ComparisonTest | RunsTest:
    match expectation:
        case ValueExpectation():
            return GaugeTest(expectation.share)
        case PastExpectation():
            return RunsTest(expectation.tolerance, alpha)
        case BaselineExpectation():
            rate = _compared_rate(spec)
            block = block_seconds(rate, expectation.allowed)
            return ComparisonTest(expectation.tolerance, alpha, block, wrong_pass=1 - _sure(spec))
        case _:
            return ShareTest(expectation.allowed, alpha, confidence=_sure(spec))


def _sure(spec: PerfGateSpec) -> float:
    """Of a Pass, at each look that may give one."""
    twice = spec.load is not None and spec.load.jmeter.max_duration is not None
    return _SURE_TWICE if twice else _SURE


def _compared_rate(spec: PerfGateSpec) -> Fraction:
    """Requests a second of target and baseline each."""
    if spec.load is None or spec.load.baseline is None or spec.load.jmeter.rate is None:
        raise InvalidSpec("spec.load.baseline", "a comparison needs it, and jmeter.rate; write both")
    return parse_rate(spec.load.jmeter.rate) / 60


def _threshold(expectation: LatencyExpectation) -> Threshold:
    return Threshold(elapsed_ms=expectation.limit_ms, inclusive=expectation.inclusive)


def _counted(
    index: int, objective: Objective, expectation: Expectation, thresholds: tuple[Threshold, ...]
) -> Counted:
    match expectation:
        case LatencyExpectation() if objective.histogram is not None:
            return OverEdge(objective.histogram, expectation.limit_ms)
        case LatencyExpectation():
            index = thresholds.index(_threshold(expectation))
            return OverThreshold(index, expectation.quantile, objective.transaction)
        case BaselineExpectation() | PastExpectation():
            against = AgainstPast if isinstance(expectation, PastExpectation) else AgainstBaseline
            return against(expectation.quantile, objective.transaction)
        case ErrorsExpectation():
            return FailedSamples(objective.transaction)
        case GoodExpectation():
            if objective.good is None or objective.total is None:
                field = f"spec.objectives[{index}]"
                raise InvalidSpec(field, "`good` and `total` are needed for a `good` objective; add both")
            return BadEvents(objective.good, objective.total)
        case ValueExpectation():
            if objective.query is None:
                raise InvalidSpec(
                    f"spec.objectives[{index}]", "`query` is needed for a `value` objective; add it"
                )
            return GaugePoints(objective.query, expectation.op, float(expectation.limit))
        case _:
            assert_never(expectation)


def _seconds(duration: timedelta) -> int:
    return round(duration.total_seconds())


def _decimal(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.6f}"
