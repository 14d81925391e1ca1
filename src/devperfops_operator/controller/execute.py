"""Does what a decision asks for. Every effect is idempotent, so a crash between two of them costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, assert_never

from devperfops_operator.adapters.kubernetes import Cluster
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.controller.failures import Failures
from devperfops_operator.controller.keys import Key
from devperfops_operator.controller.outbox import Outbox
from devperfops_operator.controller.polls import Polls
from devperfops_operator.controller.store import Store
from devperfops_operator.controller.telemetry import Telemetry
from devperfops_operator.domain.effects import (
    CreateClaim,
    CreateObject,
    DeleteConfigMap,
    DeleteJob,
    DeleteObject,
    Effect,
    HoldRun,
    KeepRecord,
    MarkKnownGood,
    Notify,
    PollMetrics,
    Promote,
    ReadConsumption,
    ReadTraffic,
    RestoreOwnership,
    RollBack,
    Scale,
    SuspendJob,
)
from devperfops_operator.domain.errors import Conflict, Refused, Unavailable
from devperfops_operator.domain.manifests.common import FINALIZER
from devperfops_operator.domain.manifests.record import run_record
from devperfops_operator.domain.manifests.template import Template
from devperfops_operator.evidence import EvidenceStore


class Executor:
    def __init__(
        self,
        *,
        cluster: Cluster,
        store: Store,
        evidence: EvidenceStore,
        polls: Polls,
        outbox: Outbox,
        failures: Failures,
        telemetry: Telemetry,
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._evidence = evidence
        self._polls = polls
        self._outbox = outbox
        self._failures = failures
        self._telemetry = telemetry

    async def execute(self, key: Key, uid: str, effects: Iterable[Effect]) -> None:
        """In order, up to the first that does not succeed; that one is remembered and raised.

        Raises Refused, Unavailable or Conflict.
        """
        for effect in effects:
            try:
                await self._do(key, uid, effect)
            except (Refused, Unavailable) as error:
                self._failures.record(key, effect.key, error, datetime.now(UTC))
                self._telemetry.effect(effect.key, type(error).__name__)
                raise
            except Conflict:
                self._telemetry.effect(effect.key, Conflict.__name__)
                raise
            self._failures.clear(key, effect.key)
            self._telemetry.effect(effect.key, "Done")

    async def _do(self, key: Key, uid: str, effect: Effect) -> None:  # noqa: C901, PLR0912  a case for each
        match effect:
            case CreateObject(manifest):
                self._store.put(await self._cluster.create(manifest))
            case MarkKnownGood(namespace, snapshot):
                self._store.put(await self._cluster.mark_known_good(namespace, snapshot))
            case SuspendJob(namespace, name):
                suspended = await self._cluster.suspend_job(namespace, name)
                if suspended is not None:
                    self._store.put(suspended)
            case DeleteJob(namespace, name):
                await self._cluster.delete("Job", namespace, name)
            case RollBack(namespace, name, expected, replacement, annotation):
                await self._replace_template(namespace, name, expected, replacement, annotation)
            case RestoreOwnership(namespace, name, version, managed_fields):
                self._store.put(
                    await self._cluster.write_managed_fields(namespace, name, version, managed_fields)
                )
            case Promote(namespace, name, copies, expected, replacement):
                for manifest in copies:
                    await self._cluster.create(manifest)
                await self._replace_template(namespace, name, expected, replacement)
            case DeleteConfigMap(namespace, name):
                await self._cluster.delete("ConfigMap", namespace, name)
            case DeleteObject(kind, namespace, name, of_uid):
                await self._cluster.delete(kind, namespace, name, of_uid)
            case KeepRecord(run):
                await self._cluster.create(await self._record(run))
            case PollMetrics() | ReadTraffic() | ReadConsumption():
                self._polls.start(key, uid, effect)
            case Notify():
                self._outbox.start(key, uid, effect)
            case Scale(workload, namespace, name, version, replicas):
                await self._cluster.scale(workload.value, namespace, name, version, replicas)
            case CreateClaim(manifest):
                await self._cluster.create(manifest)
            case HoldRun(run, held):
                await self._hold(run, held=held)
            case _:
                assert_never(effect)

    async def _hold(self, run: PerfRun, *, held: bool) -> None:
        others = [each for each in run.metadata.finalizers if each != FINALIZER]
        finalizers = [*others, FINALIZER] if held else others
        changed = await self._cluster.write_finalizers("PerfRun", run.metadata, finalizers)
        if changed is not None and not changed["metadata"].get("deletionTimestamp"):
            self._store.put(changed)  # one that is being deleted may be gone by now

    async def _record(self, run: PerfRun) -> Mapping[str, Any]:
        """Packed beside the event loop: no more evidence comes."""
        record = self._evidence.record(run.metadata.uid)
        return await asyncio.to_thread(run_record, run, record)

    async def _replace_template(
        self,
        namespace: str,
        name: str,
        expected: Template,
        replacement: Template,
        annotation: tuple[str, str] | None = None,
    ) -> None:
        try:
            changed = await self._cluster.replace_template(namespace, name, expected, replacement, annotation)
        except Conflict:
            current = await self._cluster.get("Deployment", namespace, name)
            if current is not None:
                self._store.put(current)
            raise
        self._store.put(changed)
