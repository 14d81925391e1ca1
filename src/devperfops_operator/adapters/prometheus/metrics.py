"""Reads raw samples with prometheus-api-client, which is synchronous: in a thread, with a timeout."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import requests
from prometheus_api_client.exceptions import PrometheusApiClientException
from prometheus_api_client.prometheus_connect import PrometheusConnect
from urllib3.util import Retry

from devperfops_operator.analysis.counters import Series
from devperfops_operator.api.settings import PrometheusServer
from devperfops_operator.domain.errors import DevPerfOpsError, Refused, Unavailable

TIMEOUT_SECONDS: Final = 10
_WRONG_QUERY: Final = frozenset({400, 422})
_STATUS = re.compile(r"HTTP Status Code (\d+) \((.*)\)$", re.DOTALL)


class PrometheusMetrics:
    """Implements `domain.ports.Metrics` for the servers of the operator's settings, by name."""

    def __init__(self, servers: Mapping[str, PrometheusServer], timeout_s: int = TIMEOUT_SECONDS) -> None:
        self._timeout_s = timeout_s
        self._clients = {
            # Trying again is the caller's business: it knows whether the answer is still wanted.
            name: PrometheusConnect(url=server.url, timeout=timeout_s, retry=Retry(total=0))
            for name, server in servers.items()
        }

    async def counters(
        self, server: str, selector: str, since: datetime, until: datetime
    ) -> Sequence[Series]:
        """Raw samples of every series `selector` matches within [since, until].

        Raises:
            Unavailable: no answer in time.
            Refused: no such server in the settings, or it calls the query wrong.
        """
        client = self._clients.get(server)
        if client is None:
            raise Refused("PrometheusUnknown", f"the operator's settings name no Prometheus {server!r}")
        query = f"{selector}[{_milliseconds(until - since)}ms]"
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await asyncio.to_thread(client.custom_query, query, {"time": until.timestamp()})
        except PrometheusApiClientException as error:
            raise _translated(server, query, error) from error
        except (requests.RequestException, TimeoutError, ValueError, KeyError) as error:
            where = f"Prometheus {server} at {client.url}"
            raise Unavailable(f"{where} does not answer: {_root(error)}") from error
        return [_series(raw) for raw in found]


def _milliseconds(window: timedelta) -> int:
    """One more than the window is long: a range selector leaves out its own beginning."""
    return math.ceil(window / timedelta(milliseconds=1)) + 1


def _series(raw: Mapping[str, Any]) -> Series:
    return Series(
        labels=raw["metric"],
        samples=[(float(moment), float(value)) for moment, value in raw["values"]],
    )


def _translated(server: str, query: str, error: PrometheusApiClientException) -> DevPerfOpsError:
    match = _STATUS.search(str(error))
    status, content = (int(match[1]), match[2]) if match else (0, str(error))
    if status in _WRONG_QUERY:
        return Refused("QueryInvalid", f"Prometheus {server} calls {query!r} wrong: {_words(content)}")
    return Unavailable(f"Prometheus {server} answers with HTTP {status}: {_words(content)}")


def _root(error: BaseException) -> str:
    """What went wrong at the bottom of the libraries' chain of errors: "Connection refused"."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__


def _words(content: str) -> str:
    """The server's own sentence out of the bytes the client library prints into its exception."""
    try:
        return str(json.loads(content.removeprefix("b")[1:-1].encode().decode("unicode_escape"))["error"])
    except (ValueError, KeyError, TypeError):
        return content[:500]
