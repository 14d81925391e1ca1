"""From Prometheus' answers about the traffic to what is covered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from devperfops_operator.analysis.coverage import Coverage, Usual, compare, requests_of, takes, usual
from devperfops_operator.analysis.series import Series, SeriesError
from devperfops_operator.domain.effects import ReadTraffic
from devperfops_operator.domain.objectives import CoveragePlan
from devperfops_operator.domain.observed import TrafficEvidence
from devperfops_operator.domain.verdict import Reason


def compared(counters: Sequence[Series], history: Sequence[Series], asked: ReadTraffic) -> TrafficEvidence:
    """`counters`: raw, of the judged time; `history`: rates at the end of each hour.

    What is usual by a profile needs none. Raises SeriesError.
    """
    plan, since, until = asked.coverage, asked.since.timestamp(), asked.until.timestamp()
    past = asked.usual or usual(history, plan.by)
    found = compare(requests_of(counters, plan.by), past, since, until, plan.enough)
    return TrafficEvidence(asked.now, found, _takes(found, past, plan, since))


def no_such_traffic(asked: ReadTraffic) -> SeriesError:
    """A selector of nothing, which else looks like a service without past: the test as its own catalogue."""
    coverage = asked.coverage
    return SeriesError(
        Reason.COVERAGE_UNKNOWN,
        f"production traffic has no series {coverage.traffic}, neither now nor in the "
        f"{coverage.lookback.days // 7} weeks before: correct coverage.traffic; a counter that nothing has "
        "counted yet has none, either",
    )


def _takes(found: Coverage, past: Usual | None, plan: CoveragePlan, since: float) -> timedelta | None:
    return None if past is None else takes(found, past, plan.min_endpoints, since)
