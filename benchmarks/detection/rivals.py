"""The rules of other tools, written anew from what their sources do, on the same streams.

They judge *points*: what a Prometheus query gives for each interval. None: the query has no result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal

import numpy as np

from benchmarks.detection.outcome import Outcome
from benchmarks.detection.simulator import Counts, Floats

K6_EVERY: Final = 2  # seconds between evaluations of thresholds
_KAYENTA_Z: Final = 2.326348  # of its 98 % interval
_KAYENTA_TOLERANCE: Final = 0.25
_KAYENTA_FACTOR: Final = 3.0  # of the interquartile range
_ARGO_ERRORS: Final = 4

Label = Literal["Pass", "High", "Low", "Nodata"]


def points(blocks: Sequence[Floats], quantile: float) -> list[float | None]:
    """A latency quantile per interval; exact, while Prometheus interpolates in buckets. None: no samples."""
    return [float(np.quantile(block, quantile)) if len(block) else None for block in blocks]


def flagger(
    values: Sequence[float | None],
    most: float,
    *,
    interval: int = 60,
    threshold: int = 3,
    iterations: int = 8,
) -> Outcome:
    """A canary whose checks fail `threshold` times in all is rolled back, at the tick after.

    fluxcd/flagger pkg/controller/scheduler.go (failed checks are added up, never taken back, and do not count
    as iterations), scheduler_metrics.go (a query without result is a failed check; a failed check is
    `value > threshold`, which NaN is not), pkg/metrics/providers/prometheus.go.
    """
    failed = good = 0
    for tick, value in enumerate(values, 1):
        if failed >= threshold:
            return Outcome("Fail", tick * interval)
        if value is None or value > most:
            failed += 1
        else:
            good += 1
        if good == iterations:
            return Outcome("Pass", tick * interval)
    return Outcome("Fail" if failed >= threshold else "Inconclusive", len(values) * interval)


def k6(samples: Counts, over: Counts, quantile: float, *, delay: int = 10) -> Outcome:
    """`p(99)<T` with abortOnFail: the percentile of all samples so far, looked at every 2 s after `delay`.

    grafana/k6 metrics/engine/engine.go (no samples: not evaluated while it runs, evaluated at the end, where
    the percentile of nothing is 0 and passes), metrics/thresholds.go (delayAbortEval must be exceeded).
    """
    total, slow = np.cumsum(samples), np.cumsum(over)
    breached = [k6_breached(int(n), int(b), quantile) for n, b in zip(total, slow, strict=True)]
    for second in range(K6_EVERY, len(breached) + 1, K6_EVERY):
        if second > delay and breached[second - 1]:
            return Outcome("Fail", second)
    return Outcome("Fail" if breached[-1] else "Pass", len(breached))


def k6_breached(samples: int, over: int, quantile: float) -> bool:
    """Whether the percentile reaches the threshold. k6 interpolates between ranks; here the upper counts."""
    return samples > 0 and samples - over <= math.ceil(quantile * (samples - 1))


def argo(
    values: Sequence[float | None], most: float, *, interval: int = 60, failure_limit: int = 2
) -> Outcome:
    """`successCondition: result < T` alone, `count` = all the values.

    argoproj/argo-rollouts analysis/analysis.go: Failed once there are more failed measurements than
    failureLimit; five errors in a row end it in Error, which is no success either.
    """
    failed = errors = 0
    for tick, value in enumerate(values, 1):
        errors = errors + 1 if value is None else 0
        failed += value is not None and not value < most
        if failed > failure_limit:
            return Outcome("Fail", tick * interval)
        if errors > _ARGO_ERRORS:
            return Outcome("Inconclusive", tick * interval)
    return Outcome("Pass", len(values) * interval)


def kayenta(control: Sequence[float], experiment: Sequence[float], *, replace: bool = False) -> Label:
    """Mann-Whitney on the points of a metric of which an increase is bad. NaN: removed, or replaced by 0.

    spinnaker/spinnaker kayenta-judge, MannWhitneyClassifier.scala (98 % interval, tolerance .25 of the
    Hodges-Lehmann estimate itself; without data: Pass if `replace`, else Nodata), NetflixACAJudge.scala,
    Transforms.scala.
    """
    base, new = (_without_outliers(_clean(values, replace=replace)) for values in (control, experiment))
    if not (len(base) and len(new)):
        return "Pass" if replace else "Nodata"
    if np.array_equal(np.sort(base), np.sort(new)) or len(np.unique(np.concatenate([base, new]))) == 1:
        return "Pass"
    lower, estimate, upper = shift(base, new)
    allowed = _KAYENTA_TOLERANCE * abs(estimate)
    if lower > allowed:
        return "High"
    return "Low" if upper < -allowed else "Pass"


def kayenta_score(label: Label, *, passing: float = 95.0, marginal: float = 75.0) -> Outcome:
    """Of one metric that only an increase fails; WeightedSumScorer.scala, ThresholdScoreClassifier.scala."""
    score = 100.0 if label in ("Pass", "Low") else 0.0
    if score >= passing:
        return Outcome("Pass", 0)
    return Outcome("Inconclusive" if score >= marginal or label == "Nodata" else "Fail", 0)


def shift(control: Floats, experiment: Floats) -> tuple[float, float, float]:
    """Lower end, Hodges-Lehmann estimate and upper end of how much higher the experiment is.

    Where the asymptotic Wilcoxon statistic with continuity correction crosses its quantiles, that is at order
    statistics of all differences (kayenta-mannwhitney, MannWhitney.scala).
    """
    differences = np.sort(np.subtract.outer(experiment, control).ravel())
    count = len(differences)
    deviation = math.sqrt(count * (len(control) + len(experiment) + 1) / 12)
    rank = math.ceil(count / 2 + 0.5 + _KAYENTA_Z * deviation)
    least = differences[max(0, count - rank)]
    most = differences[min(count - 1, rank - 1)]
    return float(least), float(np.median(differences)), float(most)


def _clean(values: Sequence[float], *, replace: bool) -> Floats:
    array: Floats = np.asarray(values, dtype=float)
    return np.where(np.isnan(array), 0.0, array) if replace else array[~np.isnan(array)]


def _without_outliers(values: Floats) -> Floats:
    """IQRDetector.scala: factor 3, reduced sensitivity; percentiles as Apache Commons Math has them."""
    if not len(values):
        return values
    p1, p25, p75, p99 = np.percentile(values, [1, 25, 75, 99], method="weibull")
    reach = _KAYENTA_FACTOR * (p75 - p25)
    kept: Floats = values[(values >= min(p1, p25 - reach)) & (values <= max(p99, p75 + reach))]
    return kept
