"""Reads raw samples with prometheus-api-client, which is synchronous: in a thread, with a timeout."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar, TypeVarTuple, Unpack

import requests
from prometheus_api_client.exceptions import PrometheusApiClientException
from prometheus_api_client.prometheus_connect import PrometheusConnect
from urllib3.util import Retry

from devperfops_operator.adapters.prometheus.session import AnswerTooLong, open_session
from devperfops_operator.analysis.series import Series
from devperfops_operator.analysis.targets import FailedScrapes
from devperfops_operator.api.settings import PrometheusServer
from devperfops_operator.domain.errors import DevPerfOpsError, Refused, Unavailable

TIMEOUT_SECONDS: Final = 10
SERIES: Final = 2_000
"""How many series a selector may match."""
SAMPLES: Final = 300_000
"""How many samples an answer may have: these take some 100 MB while they are read."""
ENDPOINTS: Final = 200
"""How many endpoints traffic may have: each comes with every hour of the past weeks."""
_GAUGES: Final = 2  # enough to see that a query gives more than one
_AT_ONCE: Final = 4
_NOT_LET_IN: Final = frozenset({401, 403})
_WRONG_QUERY: Final = frozenset({400, 422})
_STATUS = re.compile(r"HTTP Status Code (\d+) \((.*)\)$", re.DOTALL)


_Answer = TypeVar("_Answer")
_When = TypeVarTuple("_When")


class PrometheusMetrics:
    """Implements `domain.ports.Metrics` for the servers of the operator's settings, by name."""

    def __init__(self, servers: Mapping[str, PrometheusServer], timeout_s: int = TIMEOUT_SECONDS) -> None:
        self._timeout_s = timeout_s
        self._clients = {
            # Trying again is the caller's business: it knows whether the answer is still wanted.
            name: PrometheusConnect(
                url=server.url, timeout=timeout_s, retry=Retry(total=0), session=open_session(server)
            )
            for name, server in servers.items()
        }
        # Threads of its own for each server, so that one that hangs holds up no other.
        self._threads = {name: ThreadPoolExecutor(_AT_ONCE, f"prometheus-{name}") for name in servers}

    async def counters(
        self, server: str, selector: str, since: datetime, until: datetime
    ) -> Sequence[Series]:
        """Raw samples of every series `selector` matches within [since, until].

        Raises:
            Unavailable: no answer in time.
            Refused: no such server in the settings, it calls the query wrong, or the query gives no counters
                or too many.
        """
        query = f"{selector}[{_milliseconds(until - since)}ms]"
        return await self._ask(server, query, _counters, until)

    async def gauge(
        self, server: str, query: str, since: datetime, until: datetime, step: timedelta
    ) -> Sequence[Series]:
        """The values of `query` at since, since + step ... until; of two series at most.

        Raises likewise.
        """
        return await self._ask(server, query, _gauge, since, until, step)

    async def hourly_rates(
        self, server: str, selector: str, by: Sequence[str], since: datetime, until: datetime
    ) -> Sequence[Series]:
        """Increases a second by these labels, over the hour before since, since + 1 h ... until.

        Raises likewise.
        """
        query = f"sum by ({', '.join(by)}) (rate({selector}[1h]))"
        return await self._ask(server, query, _hourly, since, until)

    async def failed_scrapes(
        self, server: str, jobs: Sequence[str], since: datetime, until: datetime
    ) -> Sequence[FailedScrapes]:
        """The targets of these jobs of which a scrape failed within [since, until].

        Raises likewise.
        """
        named = json.dumps("|".join(map(re.escape, jobs)))
        up = f"up{{job=~{named}}}[{_milliseconds(until - since)}ms]"
        query = f"count_over_time({up}) - sum_over_time({up}) > 0"
        return await self._ask(server, query, _failed, until)

    async def label_values(
        self, server: str, selector: str, label: str, since: datetime, until: datetime
    ) -> Sequence[str]:
        """The values of `label` in the series `selector` matches, at about that time.

        Raises likewise.
        """
        return await self._ask(server, selector, _label_values, label, since, until)

    async def _ask(
        self,
        server: str,
        query: str,
        read: Callable[[PrometheusConnect, str, Unpack[_When]], _Answer],
        *when: *_When,
    ) -> _Answer:
        """Runs `read` in the server's threads, and tells what went wrong in our words."""
        client = self._clients.get(server)
        if client is None:
            raise Refused("PrometheusUnknown", f"the operator's settings name no Prometheus {server!r}")
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.get_running_loop().run_in_executor(
                    self._threads[server], read, client, query, *when
                )
        except PrometheusApiClientException as error:
            raise _translated(server, query, error) from error
        except AnswerTooLong as error:
            raise _too_much(query) from error
        except TimeoutError as error:
            raise Unavailable(f"Prometheus {server} does not answer within {self._timeout_s} s") from error
        except (requests.RequestException, OSError) as error:
            where = f"Prometheus {server} at {client.url}"
            raise Unavailable(f"{where} does not answer: {_root(error)}{_remedy(error)}") from error
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            where = f"Prometheus {server} at {client.url}"
            raise Unavailable(
                f"{where} answers with something else than series ({_root(error)}); is its url right?"
            ) from error


def _failed(client: PrometheusConnect, query: str, until: datetime) -> Sequence[FailedScrapes]:
    found = client.custom_query(query, {"time": until.timestamp(), "limit": SERIES})
    return [FailedScrapes(raw["metric"], float(raw["value"][1])) for raw in found]


def _milliseconds(window: timedelta) -> int:
    """One more than the window is long: a range selector leaves out its own beginning."""
    return math.ceil(window / timedelta(milliseconds=1)) + 1


def _counters(client: PrometheusConnect, query: str, until: datetime) -> Sequence[Series]:
    found = client.custom_query(query, {"time": until.timestamp(), "limit": SERIES + 1})
    if len(found) > SERIES:
        raise Refused("QueryInvalid", f"{query!r} matches more than {SERIES} series: narrow it by labels")
    if sum(len(raw.get("values", ())) for raw in found) > SAMPLES:
        raise _too_much(query)
    return [_series(query, raw) for raw in found]


def _too_much(query: str) -> Refused:
    return Refused(
        "QueryInvalid",
        f"{query!r} gives more than {SAMPLES:,} samples in the judged time: narrow it by labels, or judge a "
        "shorter time",
    )


def _gauge(
    client: PrometheusConnect, query: str, since: datetime, until: datetime, step: timedelta
) -> Sequence[Series]:
    return _values(client, query, (since, until), step, _GAUGES)


def _hourly(client: PrometheusConnect, query: str, since: datetime, until: datetime) -> Sequence[Series]:
    found = _values(client, query, (since, until), timedelta(hours=1), ENDPOINTS + 1)
    if len(found) > ENDPOINTS:
        raise Refused(
            "QueryInvalid",
            f"{query!r} gives more than {ENDPOINTS} endpoints: "
            "write labels with fewer values, such as the route and not the path",
        )
    return found


def _values(
    client: PrometheusConnect, query: str, window: tuple[datetime, datetime], step: timedelta, limit: int
) -> Sequence[Series]:
    since, until = window
    # The library would round the moments to whole seconds.
    exact = {"start": since.timestamp(), "end": until.timestamp(), "limit": limit}
    found = client.custom_query_range(query, since, until, str(step.total_seconds()), exact)
    return [_series(query, raw) for raw in found]


def _label_values(
    client: PrometheusConnect, selector: str, label: str, since: datetime, until: datetime
) -> Sequence[str]:
    asked = {"match[]": selector, "start": since.timestamp(), "end": until.timestamp(), "limit": SERIES}
    return [str(value) for value in client.get_label_values(label, asked)]


def _series(query: str, raw: Mapping[str, Any]) -> Series:
    if "values" not in raw:  # a native histogram, or no range of samples
        raise Refused(
            "QueryInvalid",
            f"{query!r} does not give plain numbers: name a plain counter or gauge",
        )
    return Series(
        labels=raw["metric"],
        samples=[(float(moment), float(value)) for moment, value in raw["values"]],
    )


def _translated(server: str, query: str, error: PrometheusApiClientException) -> DevPerfOpsError:
    match = _STATUS.search(str(error))
    status, content = (int(match[1]), match[2]) if match else (0, str(error))
    if status in _NOT_LET_IN:  # the body may repeat what was sent
        return Unavailable(
            f"Prometheus {server} lets nobody in who asks like this (HTTP {status}); check the token, user "
            f"and headers: prometheus.{server} in the operator's settings, or the options of the command"
        )
    if status in _WRONG_QUERY:
        return Refused("QueryInvalid", f"Prometheus {server} calls {query!r} wrong: {_words(content)}")
    return Unavailable(f"Prometheus {server} answers with HTTP {status}: {_words(content)}")


def _root(error: BaseException) -> str:
    """What went wrong at the bottom of the libraries' chain of errors: "Connection refused"."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__


def _remedy(error: BaseException) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return (
            "; name the CA that has signed its certificate: the server's caFile in the operator's settings, "
            "or the command's --ca-file"
        )
    return ""


def _words(content: str) -> str:
    """The server's own sentence out of the bytes the client library prints into its exception."""
    try:
        return str(json.loads(content.removeprefix("b")[1:-1].encode().decode("unicode_escape"))["error"])
    except (ValueError, KeyError, TypeError):
        return content[:500]
