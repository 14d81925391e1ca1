"""kopf as the watch pump: it lists, watches and reconnects; what it brings goes into the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import kopf

from devperfops_operator.adapters.kubernetes import RESOURCES
from devperfops_operator.adapters.kubernetes.cluster import FIELD_MANAGER
from devperfops_operator.controller.store import KINDS, Store
from devperfops_operator.domain.manifests.common import MANAGED_BY, RECORD_LABEL

OURS: Final = ",".join(f"{key}={value}" for key, value in MANAGED_BY.items())
SELECTORS: Final = {"ControllerRevision": f"{OURS},!{RECORD_LABEL}", "Job": OURS, "Pod": OURS}
"""Label selectors, by kind: of these only our own are of interest. Records are large and written once."""

_WATCH_SECONDS: Final = 300
_REQUEST_SECONDS: Final = 30
_BACK_OFFS: Final = (2.0,) * 30
_SCAN: Final = "kopf._cogs.clients.scanning"  # what kinds there are


async def watch(
    store: Store, namespaces: Sequence[str], stop: asyncio.Event, listed: Callable[[], None]
) -> None:
    """Feed the store until `stop` is set or the process is asked to end (SIGTERM, SIGINT).

    `listed` hears that a watch has begun anew with a list: what was deleted before, it cannot tell.
    """
    tasks = await kopf.spawn_tasks(
        registry=_registry(store, listed),
        settings=_settings(),
        clusterwide=not namespaces,
        namespaces=namespaces,
        standalone=True,
        identity=cast("Any", FIELD_MANAGER),  # else it asks for a user name, and a container has none
        stop_flag=stop,
    )
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in ended:
        task.result()  # raises what ended the watching, if it was not asked to end


def _registry(store: Store, listed: Callable[[], None]) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()

    async def seen(event: kopf.RawEvent, **_: Any) -> None:
        if event["type"] == "DELETED":
            store.remove(event["object"])
        else:
            store.put(event["object"])
        if event["type"] is None:
            listed()

    for kind in KINDS:
        resource = RESOURCES[kind]
        group, _, version = resource.api_version.rpartition("/")
        kopf.on.event(group, version, resource.plural, id=f"see-{resource.plural}", registry=registry)(seen)
    kopf.on.login(id="log-in", registry=registry)(_log_in)
    kopf.on.cleanup(id="end-scan", registry=registry)(_end_scan)
    return registry


def _log_in(**arguments: Any) -> kopf.ConnectionInfo | None:
    return kopf.login_with_kubeconfig(**arguments) or kopf.login_with_service_account(**arguments)


async def _end_scan(**_: Any) -> None:
    """A cancelled scan leaves requests behind, which would fail, or open a session that nobody closes.

    kopf cleans up between the end of its own tasks and the end of its session.
    """
    left = [task for task in asyncio.all_tasks() if _module(task) == _SCAN]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def _module(task: asyncio.Task[Any]) -> str | None:
    """Where the coroutine is written that the task does."""
    frame = getattr(task.get_coro(), "cr_frame", None)
    return None if frame is None else frame.f_globals["__name__"]


def _settings() -> kopf.OperatorSettings:
    """Quick, quiet, and without any write of its own."""
    settings = kopf.OperatorSettings()
    settings.process.ultimate_exiting_timeout = None  # nobody but Kubernetes ends us by force
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.queueing.idle_timeout = 0.2
    # A watch that died in silence is noticed and renewed.
    settings.watching.server_timeout = _WATCH_SECONDS
    settings.watching.client_timeout = _WATCH_SECONDS + _REQUEST_SECONDS
    settings.watching.connect_timeout = _REQUEST_SECONDS
    settings.networking.request_timeout = _REQUEST_SECONDS
    settings.networking.error_backoffs = _BACK_OFFS  # no long pause when the API server is back already
    for kind, selector in SELECTORS.items():
        resource = RESOURCES[kind]
        group, _, version = resource.api_version.rpartition("/")
        settings.watching.label_selectors[group, version, resource.plural] = selector
    return settings
