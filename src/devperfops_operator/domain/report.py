"""A run's report, from its status alone: what programs read, and the few lines people are sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from devperfops_operator.api.base import ApiModel
from devperfops_operator.api.perfrun import PerfRun

SCHEMA: Final = "devperfops.io/report/v1"


@dataclass(frozen=True, slots=True)
class Message:
    """What a receiver is sent. `key` is the same for every try, so that it can tell a repetition."""

    key: str
    text: str
    document: Mapping[str, Any]


def message(run: PerfRun) -> Message:
    """Of a run that has ended: the reason in the status's own words, what was done, where to read more."""
    status, place = run.status, run.metadata
    revision = f", revision {status.revision}" if status.revision else ""
    lines = [f"{status.verdict or status.phase}: {run.spec.gate} in {place.namespace}{revision}"]
    if status.message:
        lines.append(status.message)
    if status.action is not None:
        lines.append(f"{status.action.type}: {status.action.message}")
    lines.append(f"devperfops report {place.name} -n {place.namespace}")
    return Message(key=place.uid, text="\n".join(lines), document=report_document(run))


def report_document(run: PerfRun) -> dict[str, Any]:
    """The JSON report. Within one `schema` keys are only added; every key is always there, `null` if unknown.

        schema        "devperfops.io/report/v1"
        run           {namespace, name, uid, gate, trigger, revision, askedFor, createdAt, completedAt}
        phase         Pending, AwaitingRollout, Preparing, ResettingData, Starting, Running, Judging,
                      Acting, or at the end one of Completed, Superseded, Cancelled
        verdict       Pass, Fail, Inconclusive, Error, or null: it ended without one, or goes on
        reason        coded reason of the verdict or of the end; message: the sentence that goes with it
        score         share of the objectives, by weight, that hold ("83%"), or null: not all were judged. It
                      decides nothing
        load          {threads, workers, host (where it was to go, or null), plannedRate, achievedRate
                      ("2987/m"), samples, judgedSamples, errors,
                      startAt, judgedFrom, endsAt (at the latest), plannedEndAt (when it
                      was seen whether it must go on), endedAt, stopRequestedAt, progressAt (when these
                      figures were taken), levels: [{name, plannedRate, achievedRate, samples, held (whether
                      the objectives did, or null), message}] (of a shape)} or null: there was none
        live          {judgedFrom, endsAt (planned), endedAt, progressAt}: when real users were watched, or
                      null: a load was
        coverage      {requests, usual (in that time), volume (share of it), exercised (share of the known
                      endpoints that got enough), known (how many), distance (of the mixes), chance (that
                      chance makes of it), unseen (share of the usual traffic where no request came),
                      endpoints: [{name, weight, requests, needed}], the worst first, unmapped: [labels of
                      JMeter that are none of them]} or null: not asked for, and no load profile
        consumption   {figures: [{name (of the limit), counts (Calls, CPU or Memory), series, perRequest
                      (calls or processor seconds; of memory bytes in use at this rate), least, most, rate
                      (requests a second), before (at the last known-good revision), told, doubts}], peaks:
                      [{perSecond, because, first, last, assumed}] (of production, without the policy's own),
                      forecasts: [{name, verdict, asked, granted, message}], gap} or null: not asked for
        objectives    [{name, expect, transaction (null: all samples), critical, weight, origin (SLA, SLO,
                      History, Assumed or null), verdict, reason, message, observed ("p99 = 212 ms"),
                      exceedance, bound, allowed (shares: "0.35%"), samples, exceedances, independentSamples
                      (that they are worth, by this run alone), scatter: [{seconds, blocks, percent (how much
                      more such blocks vary than independent samples let expect)}], compared: {blocks, mean,
                      deviation (of ln(target / baseline) - ln(1 + tolerance), in millionths)} or null,
                      decidedAt}]; of a gauge, samples are its points and there is no bound
        past          [{name (of the objective), runs, samples, independentSamples (that these were worth),
                      longRangePercent (how much more the runs vary than each of them sees),
                      betweenPercent (than independent samples let expect), scatter (of all their blocks),
                      whole: {runs, samples, independentSamples} (of runs of the planned length) or null}]:
                      what earlier runs told when this one began
        pastCompared  [{name, runs, blocks (of a whole run), scatter, wholePercent (how much more whole runs
                      vary, at most, or null)}]: likewise, of objectives that compare with a baseline
        workers       [{index, rows, errors, judgedSamples, judgedErrors, blocks, end, truncated, fault
                      (of its node, or null: DiskFull, ClockStepped), firstStart, lastEnd (both by the clock
                      of its node), endedAt, ranMs (of its test, by jmeter.log, or null), held: {requests,
                      timeMs, longestMs} (back, for want of a thread) or null, wakes: {count, late, latestMs}
                      (of its agent) or null, plan: {sha256, size, unkept (why its bytes are not kept)} or
                      null, levels: [{samples, held}] (of a shape), hosts: [{host, samples (judged, that went
                      there)}], objectives}]
        action        {type: Promote, Rollback or Hold, reason, message, toRevision, decidedAt, doneAt,
                      primary: {name, uid, before, after (hashes of its template), patchedAt} or null}
                      or null
        timeline      [{at, phase, reason, message}], oldest first
        record        {name (of the ControllerRevision), keptAt, message (why it is not kept)} or null
        notifications [{receiver, sentAt, message (why it could not be told yet)}]

    Moments are RFC 3339 in UTC; counts are of samples (one row of JMeter's results each).
    """
    status = run.status
    return {
        "schema": SCHEMA,
        "run": _identity(run),
        "phase": status.phase.value,
        "verdict": status.verdict.value if status.verdict else None,
        "reason": status.reason,
        "message": status.message,
        "score": status.score,
        "load": _all_keys(status.load) if status.load else None,
        "live": _all_keys(status.live) if status.live else None,
        "coverage": _all_keys(status.coverage) if status.coverage else None,
        "consumption": _all_keys(status.consumption) if status.consumption else None,
        "objectives": [_all_keys(objective) for objective in status.objectives],
        "past": [_all_keys(past) for past in status.past],
        "pastCompared": [_all_keys(past) for past in status.past_compared],
        "workers": [_all_keys(worker) for worker in status.workers],
        "action": _all_keys(status.action) if status.action else None,
        "timeline": [_all_keys(entry) for entry in status.timeline],
        "record": _all_keys(status.record) if status.record else None,
        "notifications": [_all_keys(entry) for entry in status.notifications],
    }


def _identity(run: PerfRun) -> dict[str, Any]:
    created = _all_keys(run.metadata)["creationTimestamp"]
    status = _all_keys(run.status)
    return {
        "namespace": run.metadata.namespace,
        "name": run.metadata.name,
        "uid": run.metadata.uid,
        "gate": run.spec.gate,
        "trigger": status["trigger"],
        "revision": run.status.revision,
        "askedFor": run.spec.reason or None,
        "createdAt": created,
        "completedAt": status["completedAt"],
    }


def _all_keys(model: ApiModel) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True)
