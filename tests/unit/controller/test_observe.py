"""What a decision gets to see; here without an API server, which these objects do not need."""

from datetime import timedelta
from typing import NoReturn

from kubernetes.aio.client import Configuration
from prometheus_client import CollectorRegistry

from devperfops_operator.adapters.kubernetes import Cluster, Connection
from devperfops_operator.api.settings import parse_settings
from devperfops_operator.controller.configs import Configs
from devperfops_operator.controller.failures import Failures
from devperfops_operator.controller.keys import Key, Subject
from devperfops_operator.controller.observe import Observer
from devperfops_operator.controller.outbox import Outbox
from devperfops_operator.controller.quotas import QuotaReader
from devperfops_operator.controller.store import Store
from devperfops_operator.controller.telemetry import Telemetry
from devperfops_operator.domain.errors import Refused
from devperfops_operator.evidence import EvidenceStore
from tests.unit.controller import objects

SETTINGS = """
operatorUrl: http://operator:8080
images: {operator: "operator:1", jmeter: "jmeter:1", pullPolicy: Never}
timeouts: {start: 7m, drain: 40s}
notifications: {webhook: {url: "http://hooks"}}
"""


def an_observer(store: Store, cluster: Cluster) -> Observer:
    return Observer(
        store=store,
        cluster=cluster,
        configs=Configs(cluster, store.config_map_changed),
        quotas=QuotaReader(cluster),
        evidence=EvidenceStore(),
        failures=Failures(),
        outbox=Outbox(receivers={}, telemetry=Telemetry(CollectorRegistry()), wake=lambda _: None),
        settings=parse_settings(SETTINGS),
    )


async def test_the_settings_of_the_operator_reach_a_run() -> None:
    store = Store(lambda _: None)
    store.put(objects.run(1, name="first"))
    store.put(objects.gate(2))
    store.put(objects.deployment(3))
    connection = Connection(Configuration())

    observed = await an_observer(store, Cluster(connection)).run(Key(Subject.RUN, objects.NAMESPACE, "first"))
    await connection.close()

    assert observed is not None
    assert observed.settings.start_timeout == timedelta(minutes=7)
    assert observed.settings.drain_timeout == timedelta(seconds=40)
    assert observed.settings.image_pull_policy == "Never"
    assert observed.settings.receivers == ("webhook",)


class Forbidding(Cluster):
    async def get(self, *asked: str) -> NoReturn:
        raise Refused("Forbidden", f"not {asked}")


async def test_a_record_that_may_not_be_read_holds_up_no_run() -> None:
    store = Store(lambda _: None)
    run = objects.run(1, "Acting", name="first")
    run["status"]["record"] = {"name": "first-record"}
    store.put(run)
    store.put(objects.gate(2))
    store.put(objects.deployment(3))
    connection = Connection(Configuration())

    observed = await an_observer(store, Forbidding(connection)).run(
        Key(Subject.RUN, objects.NAMESPACE, "first")
    )
    await connection.close()

    assert observed is not None
    assert not observed.record_kept
