"""A report as programs read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from devperfops_operator.analysis.jtl.compare import RULE, Pair
from devperfops_operator.analysis.jtl.report import PERCENTILES, TOP, Figures, Report, Series

SCHEMA: Final = "devperfops.io/jtl/v1"

Document = dict[str, Any]


def document_of(report: Report) -> Document:
    """Within one schema keys are only added; every key is always there, `null` if unknown.

        schema        "devperfops.io/jtl/v1"
        apdex         {satisfiedMs, toleratedMs}
        total         figures of all requests; `null` where there are Transaction Controllers' rows alone
        transactions  [{name, controller, minutes: series, ...figures}]
        seconds       series of all requests: second (Unix time), samples, errors, meanMs, a list each
        minutes       likewise: minute (Unix time / 60), and p50Ms ... p99Ms

    Figures: samples, errors, errorShare, meanMs, minMs, maxMs, p50Ms, p90Ms, p95Ms, p99Ms, apdex, startMs,
    endMs (Unix time), throughput, receivedBytesPerSecond, sentBytesPerSecond (`null` of a test without
    duration), errorTypes and topErrors: [{type, count}], all or the first five.
    """
    percentiles = (
        zip(*report.minute_percentiles_ms, strict=True) if report.minute_percentiles_ms else [()] * 4
    )
    return {
        "schema": SCHEMA,
        "apdex": {"satisfiedMs": report.apdex.satisfied_ms, "toleratedMs": report.apdex.tolerated_ms},
        "total": _figures(report.total) if report.total else None,
        "transactions": [
            {"name": each.name, "controller": each.controller}
            | _figures(each.figures)
            | {"minutes": _series("minute", minutes)}
            for each, minutes in zip(report.transactions, report.transaction_minutes, strict=True)
        ],
        "seconds": _series("second", report.seconds),
        "minutes": _series("minute", report.minutes)
        | {f"p{percent}Ms": list(each) for percent, each in zip(PERCENTILES, percentiles, strict=True)},
    }


def comparison_of(pairs: Sequence[Pair]) -> Document:
    """`rule`: what is noticeable, in words; `transactions`: [{name, controller, old, new, finding}].

    The name is `null` for all requests, `old` or `new` where there is none.
    """
    return {
        "rule": RULE,
        "transactions": [
            {
                "name": pair.name,
                "controller": pair.controller,
                "old": _figures(pair.old) if pair.old else None,
                "new": _figures(pair.new) if pair.new else None,
                "finding": pair.finding.value,
            }
            for pair in pairs
        ],
    }


def _figures(figures: Figures) -> Document:
    kinds = [{"type": each.kind, "count": each.count} for each in figures.errors_by_kind]
    percentiles = zip(PERCENTILES, figures.percentiles_ms, strict=True)
    return {
        "samples": figures.samples,
        "errors": figures.errors,
        "errorShare": figures.error_share,
        "meanMs": figures.mean_ms,
        "minMs": figures.min_ms,
        "maxMs": figures.max_ms,
        **{f"p{percent}Ms": value for percent, value in percentiles},
        "apdex": figures.apdex,
        "startMs": figures.first_ms,
        "endMs": figures.last_ms,
        "throughput": figures.throughput,
        "receivedBytesPerSecond": figures.per_second(figures.received_bytes),
        "sentBytesPerSecond": figures.per_second(figures.sent_bytes),
        "errorTypes": kinds,
        "topErrors": kinds[:TOP],
    }


def _series(unit: str, series: Series) -> Document:
    return {
        unit: list(series.at),
        "samples": list(series.samples),
        "errors": list(series.errors),
        "meanMs": series.mean_ms,
    }
