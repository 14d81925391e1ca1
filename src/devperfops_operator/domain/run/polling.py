"""What Prometheus is asked for while evidence comes in, and what its answers leave open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import TypeVar

from devperfops_operator.analysis.targets import JudgedPods
from devperfops_operator.api.perfrun import Phase
from devperfops_operator.domain.effects import Effect, PollMetrics, ReadConsumption, ReadTraffic
from devperfops_operator.domain.judgement import evidence_of
from devperfops_operator.domain.objectives import LivePlan, Plan, Polled
from devperfops_operator.domain.observed import (
    ConsumptionEvidence,
    Evidence,
    ObjectiveEvidence,
    Problem,
    RunObserved,
    TrafficEvidence,
)
from devperfops_operator.domain.run.steps import entered
from devperfops_operator.domain.sent import usual_by_profile
from devperfops_operator.domain.verdict import Reason

OneRead = TypeVar("OneRead", ReadTraffic, ReadConsumption)

_METRICS_WAIT = timedelta(seconds=30)
_COVERED = 0.8  # of the judged window, at least, by the scrapes of a counter
_UNREAD_WAIT = timedelta(minutes=10)  # the operator itself may have been away


@dataclass(frozen=True, slots=True)
class Window:
    """The judged time. `ends`: as planned; `ended_at`: as it was, once it is over."""

    since: datetime
    ends: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Played:
    """Requests of our own load a second, and until when they came, by the clock of the load's node."""

    rate: float
    until: datetime


def polls(
    observed: RunObserved, plan: Plan, window: Window | None, now: datetime, until: datetime | None = None
) -> tuple[PollMetrics, ...]:
    """Reads of what is at Prometheus, once a scrape interval, over all of the judged window so far."""
    interval, polled = observed.settings.scrape_interval, observed.evidence.metrics_polled_at
    if window is None or plan.prometheus is None or now < window.since + interval:
        return ()
    if polled is not None and now - polled < interval:
        return ()
    return _reads(observed, plan, window, until or now)


def last_reads(
    observed: RunObserved, plan: Plan, window: Window | None, now: datetime, played: Played | None = None
) -> tuple[Effect, ...] | None:
    """None: Prometheus has told all there is to know at the end. `played`: of a load of ours."""
    told: list[tuple[Effect, ...] | None] = [
        _last_polls(observed, plan, window, now),
        _traffic_reads(observed, plan, window, now),
        _consumption_reads(observed, plan, window, now, played),
    ]
    outstanding = [reads for reads in told if reads is not None]
    return tuple(chain.from_iterable(outstanding)) if outstanding else None


def _last_polls(
    observed: RunObserved, plan: Plan, window: Window | None, now: datetime
) -> tuple[PollMetrics, ...] | None:
    """None: Prometheus has told all. The last samples are scraped up to two intervals after the end."""
    evidence = observed.evidence
    if not plan.polled_objectives or window is None or window.ended_at is None:
        return None
    tail = window.ended_at + 2 * observed.settings.scrape_interval
    if now < tail:
        return ()
    asked_from = max(tail, entered(observed.run.status, Phase.JUDGING) or tail)
    if _read_until(evidence, tail):
        gaps = [evidence_of(objective, evidence).gap for objective in plan.polled_objectives]
        away = any(gap is not None and gap.reason == Reason.PROMETHEUS_UNAVAILABLE.value for gap in gaps)
        again = away and now <= asked_from + _METRICS_WAIT
        return polls(observed, plan, window, now, tail) if again else None
    if now > asked_from + _UNREAD_WAIT:
        return None
    return _reads(observed, plan, window, tail)


def _traffic_reads(
    observed: RunObserved, plan: Plan, window: Window | None, now: datetime
) -> tuple[ReadTraffic, ...] | None:
    """None: the traffic is known, nobody asked, or it cannot be had."""
    asked = plan.coverage
    if asked is None or not asked.at_prometheus or window is None or window.ended_at is None:
        return None
    until = window.ended_at + observed.settings.scrape_interval
    usual = None if asked.traffic is not None else usual_by_profile(observed.run.status)
    read = ReadTraffic(plan.prometheus or "", asked, window.since, until, now, usual)
    return _once_at_end(observed, window.ended_at, observed.evidence.traffic, read, now)


def _consumption_reads(
    observed: RunObserved, plan: Plan, window: Window | None, now: datetime, played: Played | None
) -> tuple[ReadConsumption, ...] | None:
    """None: what requests take is known, nobody asked, or it cannot be had."""
    metering = observed.quota.metering if observed.quota is not None else None
    if metering is None or plan.prometheus is None or window is None or window.ended_at is None:
        return None
    live = isinstance(plan, LivePlan)
    read = ReadConsumption(
        server=plan.prometheus,
        metering=metering,
        rate=None if played is None else played.rate,
        traffic=metering.traffic or (metering.requests if live else None),
        since=window.since,
        until=window.ended_at if played is None else min(played.until, window.ended_at),
        step=observed.settings.scrape_interval,
        namespace=observed.run.metadata.namespace,
        pods=_judged_pods(observed),
        now=now,
    )
    return _once_at_end(observed, window.ended_at, observed.evidence.consumption, read, now)


def _once_at_end(
    observed: RunObserved,
    ended_at: datetime,
    known: TrafficEvidence | ConsumptionEvidence | None,
    read: OneRead,
    now: datetime,
) -> tuple[OneRead, ...] | None:
    """The read, none yet, or None: it was made, or need not be waited for any more."""
    interval = observed.settings.scrape_interval
    asked_from = ended_at + 2 * interval
    asked_from = max(asked_from, entered(observed.run.status, Phase.JUDGING) or asked_from)
    if now < ended_at + interval:
        return ()  # the last scrape of the judged time may be still to come
    if known is not None:
        away = known.gap is not None and known.gap.reason == Reason.PROMETHEUS_UNAVAILABLE.value
        if not away or now > asked_from + _METRICS_WAIT:
            return None
        if now - known.read_at < interval:
            return ()
    return None if now > asked_from + _UNREAD_WAIT else (read,)


def with_gaps(observed: RunObserved, plan: Plan, window: Window | None) -> Evidence:
    """What Prometheus knows of only a part of the judged time is no evidence, however much it is."""
    evidence = observed.evidence
    polled = {o.name: evidence_of(o, evidence) for o in plan.polled_objectives}
    gaps = {
        name: replace(found, gap=found.gap or _gap(observed, window, found)) for name, found in polled.items()
    }
    return replace(evidence, objectives={**evidence.objectives, **gaps})


def _reads(observed: RunObserved, plan: Plan, window: Window, until: datetime) -> tuple[PollMetrics, ...]:
    """One read for each objective that Prometheus is asked about."""
    return tuple(
        PollMetrics(
            server=plan.prometheus or "",
            objective=o.name,
            polled=o.counted,
            since=window.since,
            until=until,
            ends=min(window.ends, window.ended_at or window.ends),
            step=observed.settings.scrape_interval,
            pods=_judged_pods(observed),
        )
        for o in plan.objectives
        if isinstance(o.counted, Polled)
    )


def _judged_pods(observed: RunObserved) -> JudgedPods:
    target = observed.run.status.target
    pods = target.pods if target is not None else ()
    deployment = observed.gate.spec.target_ref.name if observed.gate is not None else ""
    return JudgedPods(deployment, frozenset(pod.name.rpartition("-")[0] for pod in pods))


def _read_until(evidence: Evidence, moment: datetime) -> bool:
    return evidence.metrics_polled_at is not None and evidence.metrics_polled_at >= moment


def _gap(observed: RunObserved, window: Window | None, counted: ObjectiveEvidence) -> Problem | None:
    if window is None or window.ended_at is None:
        return None
    unavailable = Reason.PROMETHEUS_UNAVAILABLE.value
    if not _read_until(observed.evidence, window.ended_at):
        return Problem(unavailable, "Prometheus could not be read to the end of the judged time")
    points = counted.points
    if points is not None and not points.covered:
        told = f"Prometheus has only {points.tally.samples} of {points.expected} points"
        return Problem(unavailable, f"{told}; is its scrapeInterval in the operator's settings right?")
    judged = window.ended_at - window.since
    wanted = judged * _COVERED - 2 * observed.settings.scrape_interval
    if counted.covered is None or counted.covered >= wanted:
        return None
    scraped = counted.covered.total_seconds()
    return Problem(
        unavailable,
        f"its counters were scraped over {scraped:.0f} s of the judged {judged.total_seconds():.0f} s",
    )
