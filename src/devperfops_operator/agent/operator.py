"""The operator as the agent sees it: two requests, each repeated until it is answered.

OperatorError
+-- UnavailableError   try again: away, restarting, does not trust the token
+-- RunOverError       the run is over or deleted, or has this worker's last word: stop the load and end
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx

from devperfops_operator.wire.brief import Brief
from devperfops_operator.wire.measurement import (
    RUN_UID_HEADER,
    Push,
    Reply,
    StartReply,
    blocks_path,
    start_path,
)

_Answer = TypeVar("_Answer", StartReply, Reply)

_TIMEOUT: Final = httpx.Timeout(5.0, connect=2.0)


class OperatorError(Exception):
    """The operator did not take what was sent; the message says why."""


class UnavailableError(OperatorError):
    """Try again."""


class RunOverError(OperatorError):
    """Nothing more is wanted of this worker."""


class OperatorClient:
    """Speaks for one worker. The token is read for every request: it is renewed while the pod runs."""

    def __init__(self, brief: Brief, worker: int, token: Path) -> None:
        if not brief.operator_url.startswith(("http://", "https://")):
            raise ValueError(
                f"the operator's address must begin with http:// or https://: {brief.operator_url!r}"
            )
        self._brief = brief
        self._worker = worker
        self._token = token
        self._http = httpx.Client(
            base_url=brief.operator_url,
            headers={RUN_UID_HEADER: brief.run_uid},
            timeout=_TIMEOUT,
            trust_env=False,
            verify=ssl.create_default_context() if brief.operator_url.startswith("https:") else False,
        )

    def start(self) -> StartReply:
        """Ask for the common start.

        Raises:
            OperatorError: not answered.
        """
        path = start_path(self._brief.namespace, self._brief.run, self._worker)
        return self._ask(path, {}, StartReply.from_json)

    def push(self, push: Push) -> Reply:
        """Hand over measurements.

        Raises:
            OperatorError: not answered.
        """
        path = blocks_path(self._brief.namespace, self._brief.run, self._worker)
        return self._ask(path, push.to_json(), Reply.from_json)

    def _ask(self, path: str, body: dict[str, Any], read: Callable[[Any], _Answer]) -> _Answer:
        response = self._post(path, body)
        match response.status_code:
            case httpx.codes.OK:
                return _read(response, read)
            case httpx.codes.CONFLICT | httpx.codes.GONE:
                raise RunOverError("the operator wants nothing more of this worker")
            case status:
                raise UnavailableError(f"the operator answers {status}: {response.text[:200]!r}")

    def _post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        try:
            token = self._token.read_text().strip()
        except OSError as error:
            raise UnavailableError(f"cannot read the token at {self._token}: {error.strerror}") from None
        try:
            return self._http.post(path, json=body, headers={"Authorization": f"Bearer {token}"})
        except httpx.HTTPError as error:
            raise UnavailableError(f"the operator does not answer: {error or type(error).__name__}") from None


def _read(response: httpx.Response, read: Callable[[Any], _Answer]) -> _Answer:
    try:
        return read(response.json())
    except ValueError as error:
        raise UnavailableError(f"the operator's answer is not understood: {error}") from None
