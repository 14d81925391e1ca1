"""`devperfops-operator`: reads its settings, puts the parts together and runs until it is told to end."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import uuid
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NoReturn

from prometheus_client import CollectorRegistry

from devperfops_operator import logs
from devperfops_operator.adapters.kubernetes import (
    Cluster,
    Connection,
    Leases,
    TokenReviewer,
    connect,
    own_namespace,
)
from devperfops_operator.adapters.prometheus import PrometheusMetrics
from devperfops_operator.adapters.slack import SlackChannel
from devperfops_operator.adapters.webhook import Webhook
from devperfops_operator.api.settings import (
    LeaderElection,
    Notifications,
    Settings,
    SettingsError,
    parse_settings,
)
from devperfops_operator.controller.leadership import Leadership
from devperfops_operator.controller.operator import Operator
from devperfops_operator.controller.telemetry import Telemetry
from devperfops_operator.domain.errors import DevPerfOpsError, LeadershipLost
from devperfops_operator.domain.ports import Receiver, Tokens
from devperfops_operator.evidence import EvidenceStore
from devperfops_operator.server.app import build_app, serving
from devperfops_operator.server.intake import Intake, Runs
from devperfops_operator.server.metrics import Metrics

CONFIG_VARIABLE: Final = "DEVPERFOPS_CONFIG"
POD_VARIABLE: Final = "DEVPERFOPS_POD_UID"
_CONFIG: Final = "/etc/devperfops/settings.yaml"

_ENDED: Final = 0
_FAILED: Final = 1
_UNUSABLE: Final = 2  # arguments or settings; argparse's own code
_LOST: Final = 3

_LEASE_REQUEST_S: Final = 5.0

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes.

    0 told to end (SIGTERM, SIGINT), 1 cannot go on, 2 arguments or settings cannot be used,
    3 leadership is lost.
    """
    file = _parser().parse_args(arguments).config
    logs.configure()
    try:
        settings = parse_settings(file.read_text())
        lease_namespace = _lease_namespace(settings.leader_election)
    except (OSError, UnicodeDecodeError, SettingsError) as error:
        _log.error("settings %s: %s", file, error)
        return _UNUSABLE
    try:
        asyncio.run(_until_told(_operate(settings, lease_namespace)))
    except (DevPerfOpsError, OSError) as error:
        _log.error("cannot go on: %s", error)
        return _FAILED
    except Exception:  # noqa: BLE001  whatever it is: logged, and told by the exit code
        _log.exception("ended by an unexpected error")
        return _FAILED
    _log.info("ended as told")
    return _ENDED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="devperfops-operator", description="Gates every release by a real load test."
    )
    parser.add_argument(
        "--config",
        type=Path,
        default=Path(os.environ.get(CONFIG_VARIABLE, _CONFIG)),
        metavar="FILE",
        help=f"the settings; default: ${CONFIG_VARIABLE}, else {_CONFIG}",
    )
    return parser


async def _until_told(work: Coroutine[None, None, None]) -> None:
    """Do the work; a signal cancels it. While kopf watches, it takes the signals itself, to the same end."""
    task = asyncio.create_task(work)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


async def _operate(settings: Settings, lease_namespace: str) -> None:
    async with AsyncExitStack() as stack:
        connection = await connect()
        stack.push_async_callback(connection.close)
        # A connection of its own: renewals queue behind nothing, and there is time for a second try.
        terms = settings.leader_election
        seconds = min(_LEASE_REQUEST_S, terms.renew_deadline.total_seconds() / 2)
        lease_connection = await connect(timeout_s=seconds)
        stack.push_async_callback(lease_connection.close)
        leases = Leases(lease_connection, lease_namespace, terms.name)
        await _serve(settings, connection, Leadership(leases, _identity(), terms))


async def _serve(settings: Settings, connection: Connection, leadership: Leadership) -> None:
    registry, evidence = CollectorRegistry(), EvidenceStore()
    operator = Operator(
        settings=settings,
        cluster=Cluster(connection),
        metrics=PrometheusMetrics(settings.prometheus),
        receivers=receivers(settings.notifications),
        evidence=evidence,
        telemetry=Telemetry(registry),
    )
    intake = Intake(
        runs=Runs(find=operator.find_run, wake=operator.wake, complete=operator.ready),
        evidence=evidence,
        tokens=_tokens(settings, connection),
        now=lambda: datetime.now(UTC),
    )
    app = build_app(
        intake=intake,
        metrics=Metrics(registry, operator.runs, operator.quota_policies),
        obstacle=lambda: leadership.obstacle() or operator.obstacle(),
    )
    async with serving(app, settings.port):
        _log.info(
            "serving on port %d; namespaces: %s", settings.port, ", ".join(settings.namespaces) or "all"
        )
        try:
            await leadership.lead(operator.run)
        except LeadershipLost as error:
            _leave_at_once(error)


def _leave_at_once(error: LeadershipLost) -> NoReturn:
    """Nothing is waited for: a request on its way ends with the process, and `kill -9` loses nothing."""
    _log.error("%s; ending, to be started anew", error)
    os._exit(_LOST)


def _lease_namespace(terms: LeaderElection) -> str:
    namespace = terms.namespace or own_namespace()
    if namespace is None:
        raise SettingsError(
            "leaderElection.namespace: missing; outside a pod write the namespace where the lease is to lie"
        )
    return namespace


def _identity() -> str:
    """Of this process, or of its pod: a container that is started anew need not wait for itself."""
    return f"{socket.gethostname()}_{os.environ.get(POD_VARIABLE) or uuid.uuid4()}"


def _tokens(settings: Settings, connection: Connection) -> Tokens:
    if settings.agent_tokens == "Review":
        return TokenReviewer(connection)
    from devperfops_operator.adapters.kubernetes.signatures import (  # noqa: PLC0415  9 MB that few need
        TokenVerifier,
    )

    return TokenVerifier(connection)


def receivers(notifications: Notifications) -> dict[str, Receiver]:
    """By the names `Notifications.receivers` gives."""
    made: dict[str, Receiver] = {}
    if notifications.slack is not None:
        made["slack"] = SlackChannel(notifications.slack)
    if notifications.webhook is not None:
        made["webhook"] = Webhook(notifications.webhook)
    return made
