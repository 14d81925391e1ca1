"""One pass over a gate or a run: observe, decide, persist, then act. Quota policies have their own."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Final, assert_never

from devperfops_operator.api.perfrun import PerfRun, PerfRunStatus, Phase
from devperfops_operator.controller.execute import Executor
from devperfops_operator.controller.failures import Failures
from devperfops_operator.controller.keys import Key, Subject
from devperfops_operator.controller.narrate import Narrator
from devperfops_operator.controller.observe import Observer
from devperfops_operator.controller.outbox import Outbox
from devperfops_operator.controller.policies import PolicyReconciler
from devperfops_operator.controller.statuses import Statuses
from devperfops_operator.controller.store import Store
from devperfops_operator.controller.telemetry import Telemetry
from devperfops_operator.domain.gate import decide_gate
from devperfops_operator.domain.manifests.event import gate_events, last_run_events, run_events
from devperfops_operator.domain.queueing import Lane
from devperfops_operator.domain.run import decide_run, untold
from devperfops_operator.evidence import EvidenceStore

_TELL_AGAIN: Final = timedelta(seconds=10)
_END_IS_NEWS: Final = timedelta(minutes=10)


class Reconciler:
    """Level-based: a pass looks at what is, whatever the reason it was asked for."""

    def __init__(
        self,
        *,
        store: Store,
        evidence: EvidenceStore,
        observer: Observer,
        executor: Executor,
        failures: Failures,
        telemetry: Telemetry,
        outbox: Outbox,
        narrator: Narrator,
        statuses: Statuses,
        policies: PolicyReconciler,
    ) -> None:
        self._store = store
        self._evidence = evidence
        self._observer = observer
        self._executor = executor
        self._failures = failures
        self._telemetry = telemetry
        self._outbox = outbox
        self._narrator = narrator
        self._statuses = statuses
        self._policies = policies
        self._live: dict[Key, str] = {}  # uids of runs that have not ended
        self._turns: defaultdict[Lane, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def reconcile(self, key: Key) -> datetime | None:
        """When to look again in any case. Raises what stopped the pass: it is to be tried again."""
        with self._telemetry.reconcile(key):
            match key.subject:
                case Subject.GATE:
                    return await self._gate(key)
                case Subject.RUN:
                    async with self._turn(key):
                        return await self._run(key)
                case Subject.POLICY:
                    return await self._policies.reconcile(key)
                case _:
                    assert_never(key.subject)

    def _turn(self, key: Key) -> AbstractAsyncContextManager[object]:
        """Runs that wait to begin are looked at one by one, lest two find their lane free."""
        run = self._store.runs.get(key.namespace, key.name)
        if run is None or run.status.phase is not Phase.AWAITING_ROLLOUT:
            return nullcontext()
        return self._turns[self._store.lane(key.namespace, run.spec.gate)]

    async def _gate(self, key: Key) -> datetime | None:
        observed = await self._observer.gate(key)
        if observed is None:
            self._forget(key)
            return None
        gate = observed.gate
        self._narrator.assume_told(key, gate_events(gate, datetime.now(UTC)))
        decision = decide_gate(observed, datetime.now(UTC))
        current = gate.model_copy(update={"status": decision.status})
        await self._statuses.persist("PerfGate", gate, decision.status)
        try:
            await self._executor.execute(key, gate.metadata.uid, decision.effects)
        finally:
            await self._narrator.tell(key, gate_events(current, datetime.now(UTC)))
        return decision.requeue_at

    async def _run(self, key: Key) -> datetime | None:
        observed = await self._observer.run(key)
        if observed is None:
            self._forget(key)
            self._outbox.forget(key)
            return None
        run, uid = observed.run, observed.run.metadata.uid
        self._follow(key, run)
        decision = decide_run(observed, datetime.now(UTC))
        current = run.model_copy(update={"status": decision.status})
        await self._statuses.persist("PerfRun", run, decision.status)
        self._count_verdict(run.status, decision.status)
        if not untold(decision.status):
            self._outbox.forget(key)
        try:
            await self._executor.execute(key, uid, decision.effects)
        finally:
            told = await self._tell(key, run.status, current)
        again = decision.requeue_at
        return again if told else min(filter(None, (again, datetime.now(UTC) + _TELL_AGAIN)))

    async def _tell(self, key: Key, before: PerfRunStatus, run: PerfRun) -> bool:
        """An operator may die between a run's last status and its events: the next one tells them."""
        if not before.phase.terminal:
            return await self._narrator.tell(key, run_events(run))
        if before.completed_at is not None and datetime.now(UTC) < before.completed_at + _END_IS_NEWS:
            return await self._narrator.tell(key, last_run_events(run))
        self._narrator.forget(key)
        return True

    def _follow(self, key: Key, run: PerfRun) -> None:
        """Evidence is kept by uid and only for runs that have not ended."""
        known, ended = self._live.get(key), run.status.phase.terminal
        if known is not None and known != run.metadata.uid:
            self._forget(key)
        elif ended:
            self._release(key)
        if not ended:
            self._live[key] = run.metadata.uid

    def _forget(self, key: Key) -> None:
        self._release(key)
        self._narrator.forget(key)

    def _release(self, key: Key) -> None:
        self._failures.forget(key)
        uid = self._live.pop(key, None)
        if uid is not None:
            self._evidence.close(uid)

    def _count_verdict(self, before: PerfRunStatus, after: PerfRunStatus) -> None:
        if before.verdict is None and after.verdict is not None:
            self._telemetry.verdict(after.verdict.value, after.reason or "")
