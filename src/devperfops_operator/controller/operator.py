"""The controller, put together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final

from devperfops_operator.adapters.kubernetes import Cluster
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.api.quota_status import StoredQuotaPolicy
from devperfops_operator.api.settings import Settings
from devperfops_operator.controller.config_watch import watch_configs
from devperfops_operator.controller.configs import Configs
from devperfops_operator.controller.execute import Executor
from devperfops_operator.controller.failures import Failures
from devperfops_operator.controller.keys import Key, Subject
from devperfops_operator.controller.narrate import Narrator
from devperfops_operator.controller.observe import Observer
from devperfops_operator.controller.outbox import Outbox
from devperfops_operator.controller.policies import PolicyReconciler
from devperfops_operator.controller.polls import Polls
from devperfops_operator.controller.queue import Queue
from devperfops_operator.controller.quotas import QuotaReader
from devperfops_operator.controller.reconcile import Reconciler
from devperfops_operator.controller.statuses import Statuses
from devperfops_operator.controller.store import KINDS, Store
from devperfops_operator.controller.telemetry import Telemetry
from devperfops_operator.controller.watches import SELECTORS, watch
from devperfops_operator.domain.errors import DevPerfOpsError
from devperfops_operator.domain.ports import Metrics, Receiver
from devperfops_operator.evidence import EvidenceStore

_WORKERS: Final = 16
_RETRY_SECONDS: Final = 2.0
_SETTLE_SECONDS: Final = 2.0

_log = logging.getLogger(__name__)


class Operator:
    """Watches, decides and acts, from `run` until it is stopped."""

    def __init__(
        self,
        *,
        settings: Settings,
        cluster: Cluster,
        metrics: Metrics,
        receivers: Mapping[str, Receiver],
        evidence: EvidenceStore,
        telemetry: Telemetry,
    ) -> None:
        self._namespaces: Sequence[str] = settings.namespaces
        self._cluster = cluster
        self._queue: Queue[Key] = Queue()
        self._store = Store(self._queue.add, frozenset(settings.environments))
        self._configs = Configs(cluster, self._store.config_map_changed)
        self._watches_configs = settings.watch_config_maps
        self._polls = Polls(metrics=metrics, evidence=evidence, wake=self._queue.add)
        self._outbox = Outbox(receivers=receivers, telemetry=telemetry, wake=self._queue.add)
        self._synced = False
        self._stop = asyncio.Event()
        self._listed_anew = asyncio.Event()
        failures = Failures()
        narrator, statuses = Narrator(cluster), Statuses(cluster, self._store)
        quotas = QuotaReader(cluster)
        self._reconciler = Reconciler(
            store=self._store,
            evidence=evidence,
            observer=Observer(
                store=self._store,
                cluster=cluster,
                evidence=evidence,
                failures=failures,
                outbox=self._outbox,
                configs=self._configs,
                quotas=quotas,
                settings=settings,
            ),
            executor=Executor(
                cluster=cluster,
                store=self._store,
                evidence=evidence,
                polls=self._polls,
                outbox=self._outbox,
                failures=failures,
                telemetry=telemetry,
            ),
            outbox=self._outbox,
            failures=failures,
            telemetry=telemetry,
            narrator=narrator,
            statuses=statuses,
            policies=PolicyReconciler(
                store=self._store,
                configs=self._configs,
                quotas=quotas,
                statuses=statuses,
                narrator=narrator,
                outbox=self._outbox,
                receivers=settings.notifications.receivers,
            ),
        )
        telemetry.waiting.set_function(lambda: len(self._queue))

    def ready(self) -> bool:
        """Whether everything there is has been seen, so that absence means something."""
        return self._synced

    def obstacle(self) -> str | None:
        """Why nothing is decided yet; None: it is."""
        return None if self._synced else "the first listing of the cluster is not complete yet"

    def runs(self) -> list[PerfRun]:
        return list(self._store.runs)

    def quota_policies(self) -> list[StoredQuotaPolicy]:
        return list(self._store.policies)

    def find_run(self, namespace: str, name: str) -> PerfRun | None:
        return self._store.runs.get(namespace, name)

    def wake(self, namespace: str, run: str) -> None:
        """There is new evidence for the run."""
        self._queue.add(Key(Subject.RUN, namespace, run))

    def stop(self) -> None:
        """Let `run` end."""
        self._stop.set()

    async def run(self) -> None:
        """Until `stop`, SIGTERM or SIGINT. Passes may end in the middle: every step can be resumed."""
        await self._first_sync()
        try:
            async with asyncio.TaskGroup() as group:
                workers = group.create_task(self._queue.run(self._reconciler.reconcile, _WORKERS))
                relist = group.create_task(self._relist())
                configs = group.create_task(self._watch_configs())
                await watch(self._store, self._namespaces, self._stop, self._listed_anew.set)
                for task in (workers, relist, configs):
                    task.cancel()
        finally:
            self._synced = False
            await self._polls.close()
            await self._outbox.close()

    async def _watch_configs(self) -> None:
        if self._watches_configs:
            await watch_configs(self._cluster, self._configs, self._namespaces)

    async def _first_sync(self) -> None:
        """Nothing is decided before everything is known."""
        while not self._synced:
            try:
                await self._sync()
            except DevPerfOpsError as error:
                _log.warning("cannot list what there is: %s; again in %.0f s", error, _RETRY_SECONDS)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                self._synced = True

    async def _relist(self) -> None:
        """What a watch that began anew cannot tell, a list does: above all what was deleted meanwhile."""
        while True:
            await self._listed_anew.wait()
            await asyncio.sleep(_SETTLE_SECONDS)  # where one watch was away, the others mostly were, too
            self._listed_anew.clear()
            try:
                await self._sync()
            except DevPerfOpsError as error:
                _log.warning("cannot list what there is: %s; again in %.0f s", error, _SETTLE_SECONDS)
                self._listed_anew.set()

    async def _sync(self) -> None:
        for kind in KINDS:
            for namespace in self._namespaces or (None,):
                listing = await self._cluster.list(kind, namespace, SELECTORS.get(kind, ""))
                self._store.replace(kind, listing.items, listing.resource_version, namespace)
