"""Measurements from the load pods: `start` asks when to begin, `blocks` delivers what was measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.domain.ports import Tokens
from devperfops_operator.domain.run import final_stored, stop_wanted
from devperfops_operator.evidence import EvidenceStore
from devperfops_operator.server.body import Bodies
from devperfops_operator.server.identity import Identities, bearer_token, is_worker
from devperfops_operator.server.replies import refusal
from devperfops_operator.wire.measurement import RUN_UID_HEADER, Push, Reply, StartReply

_WORKER = r"/v1/runs/{namespace:[a-z0-9-]{1,63}}/{run:[a-z0-9.-]{1,253}}/workers/{worker:[0-9]{1,5}}"


@dataclass(frozen=True, slots=True)
class Runs:
    """The controller's side: `find` a run in its store, `wake` the decision about it.

    `complete`: whether the store knows every run, so that one it does not find does not exist.
    """

    find: Callable[[str, str], PerfRun | None]
    wake: Callable[[str, str], None]
    complete: Callable[[], bool]


class Intake:
    """The two endpoints of an agent. `now`: the clock, in UTC."""

    def __init__(
        self, *, runs: Runs, evidence: EvidenceStore, tokens: Tokens, now: Callable[[], datetime]
    ) -> None:
        self._runs = runs
        self._evidence = evidence
        self._identities = Identities(tokens)
        self._bodies = Bodies()
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        return [web.post(f"{_WORKER}/start", self.start), web.post(f"{_WORKER}/blocks", self.blocks)]

    async def start(self, request: web.Request) -> web.Response:
        """`prepare` is there and asks when to begin."""
        await self._authorise(request)
        run, worker = self._run_of(request)
        if final_stored(run, worker):
            raise _over(run)
        now = self._now()
        try:
            self._evidence.prepared(run.metadata.uid, worker, now)
        except ValueError as error:
            raise refusal(web.HTTPBadRequest, f"this worker does not fit the run: {error}") from error
        self._runs.wake(run.metadata.namespace, run.metadata.name)
        return web.json_response(StartReply(_start_in_ms(run, now)).to_json())

    async def blocks(self, request: web.Request) -> web.Response:
        """An agent delivers blocks, its heartbeat and at last its FINAL."""
        await self._authorise(request)
        self._run_of(request)  # before the body: nobody needs to send it in vain
        push = await self._bodies.read(request, _push)
        run, worker = self._run_of(request)
        return web.json_response(self._accept(run, worker, push).to_json())

    def _accept(self, run: PerfRun, worker: int, push: Push) -> Reply:
        if final_stored(run, worker):
            if push.final is None:
                raise _over(run)
            return Reply(want=push.final.blocks, stop=True, final_acknowledged=True)
        try:
            accepted = self._evidence.accept(run.metadata.uid, worker, push, self._now())
        except (ValueError, OverflowError) as error:  # a time may lie beyond what a datetime holds
            raise refusal(web.HTTPBadRequest, f"these blocks do not fit the run: {error}") from error
        if accepted.decisive:  # a run under load is looked at each second in any case
            self._runs.wake(run.metadata.namespace, run.metadata.name)
        return Reply(want=accepted.want, stop=stop_wanted(run), final_acknowledged=False)

    async def _authorise(self, request: web.Request) -> None:
        caller = await self._identities.of(bearer_token(request.headers.get("Authorization")))
        namespace, run, worker = _addressed(request)
        if not is_worker(caller, namespace, run, worker):
            raise refusal(
                web.HTTPForbidden,
                f"pod {caller.namespace}/{caller.pod} is not worker {worker} of run {namespace}/{run}",
            )

    def _run_of(self, request: web.Request) -> tuple[PerfRun, int]:
        namespace, name, worker = _addressed(request)
        run = self._runs.find(namespace, name)
        if run is None and not self._runs.complete():
            raise refusal(
                web.HTTPServiceUnavailable, "this operator does not know yet what there is: send again"
            )
        if run is None:
            raise refusal(web.HTTPGone, f"there is no run {namespace}/{name} any more: its workers may end")
        if request.headers.get(RUN_UID_HEADER) != run.metadata.uid:
            raise refusal(
                web.HTTPConflict,
                f"run {namespace}/{name} is another one of the same name: this worker may end",
            )
        return run, worker


def _addressed(request: web.Request) -> tuple[str, str, int]:
    path = request.match_info
    return path["namespace"], path["run"], int(path["worker"])


def _start_in_ms(run: PerfRun, now: datetime) -> int | None:
    if run.status.load is None or run.status.load.start_at is None:
        return None
    return max(0, (run.status.load.start_at - now) // timedelta(milliseconds=1))


def _push(raw: dict[str, Any]) -> Push:
    try:
        return Push.from_json(raw)
    except ValueError as error:
        raise refusal(web.HTTPBadRequest, f"the body is not a push: {error}") from error


def _over(run: PerfRun) -> web.HTTPError:
    return refusal(web.HTTPConflict, f"run {run.metadata.name} wants nothing more of this worker: it may end")
