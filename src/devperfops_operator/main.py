"""`devperfops-operator`: reads its settings, puts the parts together and runs until it is told to end."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from devperfops_operator import logs
from devperfops_operator.adapters.kubernetes import Cluster, Connection, TokenReviewer, connect
from devperfops_operator.adapters.prometheus import PrometheusMetrics
from devperfops_operator.adapters.slack import SlackChannel
from devperfops_operator.adapters.webhook import Webhook
from devperfops_operator.api.settings import Notifications, Settings, SettingsError, parse_settings
from devperfops_operator.controller.operator import Operator
from devperfops_operator.controller.telemetry import Telemetry
from devperfops_operator.domain.errors import DevPerfOpsError
from devperfops_operator.domain.ports import Receiver, Tokens
from devperfops_operator.evidence import EvidenceStore
from devperfops_operator.server.app import build_app, serving
from devperfops_operator.server.intake import Intake, Runs
from devperfops_operator.server.metrics import Metrics

CONFIG_VARIABLE: Final = "DEVPERFOPS_CONFIG"
_CONFIG: Final = "/etc/devperfops/settings.yaml"

_ENDED: Final = 0
_FAILED: Final = 1
_UNUSABLE: Final = 2  # arguments or settings; argparse's own code

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 told to end (SIGTERM, SIGINT), 1 cannot go on, 2 arguments or settings cannot be used."""
    file = _parser().parse_args(arguments).config
    logs.configure()
    try:
        settings = parse_settings(file.read_text())
    except (OSError, UnicodeDecodeError, SettingsError) as error:
        _log.error("settings %s: %s", file, error)
        return _UNUSABLE
    try:
        asyncio.run(_until_told(_operate(settings)))
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


async def _operate(settings: Settings) -> None:
    connection = await connect()
    try:
        await _serve(settings, connection)
    finally:
        await connection.close()


async def _serve(settings: Settings, connection: Connection) -> None:
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
    app = build_app(intake=intake, metrics=Metrics(registry, operator.runs), ready=operator.ready)
    async with serving(app, settings.port):
        _log.info(
            "serving on port %d; namespaces: %s", settings.port, ", ".join(settings.namespaces) or "all"
        )
        await operator.run()


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
