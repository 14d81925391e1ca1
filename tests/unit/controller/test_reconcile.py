"""What a pass leaves in memory."""

from __future__ import annotations

import asyncio

from kubernetes.aio.client import Configuration
from prometheus_client import CollectorRegistry

from devperfops_operator.adapters.kubernetes import Cluster, Connection
from devperfops_operator.adapters.prometheus import PrometheusMetrics
from devperfops_operator.api.settings import parse_settings
from devperfops_operator.controller.configs import Configs
from devperfops_operator.controller.execute import Executor
from devperfops_operator.controller.failures import Failures
from devperfops_operator.controller.keys import Key, Subject
from devperfops_operator.controller.narrate import Narrator
from devperfops_operator.controller.observe import Observer
from devperfops_operator.controller.outbox import Outbox
from devperfops_operator.controller.policies import PolicyReconciler
from devperfops_operator.controller.polls import Polls
from devperfops_operator.controller.quotas import QuotaReader
from devperfops_operator.controller.reconcile import Reconciler
from devperfops_operator.controller.statuses import Statuses
from devperfops_operator.controller.store import Store
from devperfops_operator.controller.telemetry import Telemetry
from devperfops_operator.domain.effects import Notify
from devperfops_operator.domain.report import Message
from devperfops_operator.evidence import EvidenceStore

SETTINGS = """
operatorUrl: http://operator:8080
images: {operator: "operator:1", jmeter: "jmeter:1"}
"""
KEY = Key(Subject.RUN, "shop", "front-end-1")


async def test_nothing_is_kept_of_a_run_that_is_deleted_before_everybody_has_heard_of_it() -> None:
    woken: asyncio.Queue[Key] = asyncio.Queue()
    store, evidence, failures = Store(lambda _: None), EvidenceStore(), Failures()
    telemetry, connection = Telemetry(CollectorRegistry()), Connection(Configuration())
    cluster = Cluster(connection)
    outbox = Outbox(receivers={}, telemetry=telemetry, wake=woken.put_nowait)
    configs, quotas = Configs(cluster, store.config_map_changed), QuotaReader(cluster)
    narrator, statuses = Narrator(cluster), Statuses(cluster, store)
    observer = Observer(
        store=store,
        cluster=cluster,
        configs=configs,
        quotas=quotas,
        evidence=evidence,
        failures=failures,
        outbox=outbox,
        settings=parse_settings(SETTINGS),
    )
    executor = Executor(
        cluster=cluster,
        store=store,
        evidence=evidence,
        polls=Polls(metrics=PrometheusMetrics({}), evidence=evidence, wake=woken.put_nowait),
        outbox=outbox,
        failures=failures,
        telemetry=telemetry,
    )
    reconciler = Reconciler(
        store=store,
        evidence=evidence,
        observer=observer,
        executor=executor,
        failures=failures,
        telemetry=telemetry,
        outbox=outbox,
        narrator=narrator,
        statuses=statuses,
        policies=PolicyReconciler(
            store=store,
            configs=configs,
            quotas=quotas,
            statuses=statuses,
            narrator=narrator,
            outbox=outbox,
            receivers=(),
        ),
    )
    outbox.start(KEY, "u-1", Notify("slack", Message("u-1", "Pass", {}), attempt=1))
    assert await woken.get() == KEY
    assert outbox.of(KEY, "u-1")

    await reconciler.reconcile(KEY)

    assert not outbox.of(KEY, "u-1")
    await connection.close()
