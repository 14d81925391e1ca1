"""Beside JMeter: follow its results, push them each second, stop it when told, deliver all of it."""

from __future__ import annotations

import logging
import math
import time
from typing import Final

from devperfops_operator.agent.faults import FaultWatch
from devperfops_operator.agent.folder import ResultsFolder
from devperfops_operator.agent.jmeter import JMeterLog, control_port, stop_test
from devperfops_operator.agent.operator import OperatorClient, RunOverError, UnavailableError
from devperfops_operator.agent.stream import BlockHistory, BlockStream
from devperfops_operator.agent.termination import Termination
from devperfops_operator.wire.blocks import BlockBuilder
from devperfops_operator.wire.brief import Brief
from devperfops_operator.wire.kept_plan import KeptPlan
from devperfops_operator.wire.measurement import Final as LastWord
from devperfops_operator.wire.measurement import Heartbeat, JMeterState, LoadEnd, Push, Reply
from devperfops_operator.wire.threads import ThreadUse
from devperfops_operator.wire.wakes import Wakes, tolerated_ms

_PUSH_EVERY_S: Final = 1.0
_ACKNOWLEDGE_S: Final = 0.25  # the last word is asked after more often
_FIRST_RETRY_S: Final = 0.25
_LAST_RETRY_S: Final = 2.0
_DELIVERY_S: Final = 110.0  # the pod's grace period is 120
_log = logging.getLogger(__name__)


class Tail:
    """One worker's agent. SIGTERM tells it that JMeter has ended: it is a sidecar."""

    def __init__(
        self,
        brief: Brief,
        worker: int,
        folder: ResultsFolder,
        operator: OperatorClient,
        termination: Termination,
    ) -> None:
        self._folder = folder
        self._worker = worker
        self._operator = operator
        self._termination = termination
        self._port = control_port(brief)
        self._jmeter = JMeterLog(folder.jmeter_log)
        self._faults = FaultWatch.of(folder.path)
        self._stop_ms = folder.stop_ms
        self._history = BlockHistory(lambda: BlockStream(folder.jtl, _builder(brief, worker, folder)))
        self._tolerated_ms = tolerated_ms(brief.thresholds)
        self._wakes = Wakes()
        self._want: int | None = None  # the operator has not told yet
        self._retry_s = _FIRST_RETRY_S
        self._deadline = math.inf  # on the monotonic clock; set when JMeter has ended
        self._delivered = False

    def run(self) -> int:
        """Returns the exit code: 0 when the operator has the last word, 1 when time is up before."""
        while not self._delivered:
            self._look()
            pause = self._exchange()
            self._press_stop()
            if time.monotonic() >= self._deadline:
                _log.error("end: the operator did not take the last blocks in %d s", _DELIVERY_S)
                return 1
            if not self._delivered:
                self._wait(pause)
        return 0

    def _wait(self, seconds: float) -> None:
        """How late we are woken tells how late JMeter is."""
        due = time.monotonic() + seconds
        self._termination.wait(seconds)
        late_s = time.monotonic() - due
        if (
            self._tolerated_ms is not None
            and seconds
            and self._judged_now
            and not self._termination.requested
        ):
            self._wakes = self._wakes.also(late_s * 1000, self._tolerated_ms)

    @property
    def _judged_now(self) -> bool:
        judged_from_ms = self._history.live.builder.judged_from_ms
        running = self._jmeter.state is JMeterState.RUNNING
        return running and judged_from_ms is not None and time.time() * 1000 >= judged_from_ms

    @property
    def _ended(self) -> bool:
        return self._deadline != math.inf

    def _look(self) -> None:
        """Read what JMeter has written."""
        self._look_around()
        if (
            self._termination.requested and not self._ended
        ):  # first: all that JMeter wrote is there to be read
            self._deadline = time.monotonic() + _DELIVERY_S
            _log.info("JMeter is gone")
        state = self._jmeter.state
        self._jmeter.follow()
        if self._jmeter.state is not state:
            _log.info("JMeter: %s", self._jmeter.state.value)
        damage = self._history.live.damage
        if self._ended:
            self._history.finish()
        else:
            self._history.follow()
        if self._history.live.damage != damage:
            _log.error("the results cannot be read: %s", self._history.live.damage)

    def _look_around(self) -> None:
        """When JMeter has ended, nothing spoils its results any more."""
        before = self._faults.fault
        if not self._ended:
            self._faults.look()
        if self._faults.fault is not before:
            _log.error("the results cannot be trusted: %s", self._faults.fault)

    def _exchange(self) -> float:
        """Push once; returns the seconds to wait before the next push."""
        push = self._next_push()
        try:
            reply = self._operator.push(push)
        except RunOverError as error:
            return self._leave(error)
        except UnavailableError as error:
            return self._be_patient(error)
        self._retry_s = _FIRST_RETRY_S
        moved = reply.want != self._want
        self._heed(reply)
        if moved and reply.want < self._history.blocks:
            return 0.0
        return _ACKNOWLEDGE_S if self._ended else _PUSH_EVERY_S

    def _leave(self, why: RunOverError) -> float:
        """End, but not before JMeter has: nobody else here would stop the load."""
        if self._over:
            _log.info("end: %s", why)
            self._delivered = True
            return 0.0
        if self._stop_ms is None:
            _log.info("%s", why)
            self._record_stop()
        return _PUSH_EVERY_S

    def _next_push(self) -> Push:
        batch = self._history.batch(self._want) if self._want is not None else ()
        complete = self._want is not None and self._want + len(batch) >= self._history.blocks
        return Push(batch, self._heartbeat(), self._last_word() if self._ended and complete else None)

    def _heartbeat(self) -> Heartbeat:
        read = self._history.live.builder
        state = JMeterState.ENDED if self._ended else self._jmeter.state
        return Heartbeat(
            jmeter=state,
            rows=read.rows,
            first_start_ms=read.first_start_ms,
            last_end_ms=read.last_end_ms,
            fault=self._faults.fault,
            hosts=read.hosts.counts,
            wakes=self._wakes if self._tolerated_ms is not None else None,
        )

    def _last_word(self) -> LastWord:
        read = self._history.live
        threads = read.builder.threads
        held = threads.held() if threads is not None else ()
        return LastWord(
            blocks=read.builder.blocks,
            rows=read.builder.rows,
            errors=read.builder.errors,
            end=self._load_end(),
            truncated=read.truncated,
            ran_ms=self._jmeter.ran_ms,
            held=held[0] if held else None,
            held_above=held[1:],
            plan=self._plan(),
        )

    def _plan(self) -> KeptPlan | None:
        """All workers play the same; one copy is enough."""
        plan = self._folder.plan
        return plan if plan is None or self._worker == 0 else plan.told()

    def _load_end(self) -> LoadEnd:
        if self._jmeter.state is not JMeterState.ENDED:
            return LoadEnd.DIED
        return LoadEnd.COMPLETED if self._stop_ms is None else LoadEnd.STOPPED

    def _heed(self, reply: Reply) -> None:
        if self._want is not None and reply.want < self._want:
            _log.info("the operator wants the blocks again from %d", reply.want)
        self._want = reply.want
        if reply.final_acknowledged:
            _log.info("end: the operator has all %d blocks", self._history.blocks)
            self._delivered = True
        elif reply.stop and self._stop_ms is None and not self._over:
            self._record_stop()

    def _record_stop(self) -> None:
        """All rows read by now ended before the stop, whatever the two clocks say."""
        last_end_ms = self._history.live.builder.last_end_ms or 0
        self._stop_ms = max(time.time_ns() // 1_000_000, last_end_ms)
        try:
            self._stop_ms = self._folder.record_stop(self._stop_ms)
        except OSError as error:  # a full disk above all: the more reason to stop
            _log.warning("the stop is not recorded: %s", error)
        self._history.stop_at(self._stop_ms)
        _log.info("stop JMeter")

    @property
    def _over(self) -> bool:
        """Whether JMeter's test has ended, be it by itself."""
        return self._ended or self._jmeter.state is JMeterState.ENDED

    def _press_stop(self) -> None:
        if self._stop_ms is not None and not self._over:
            stop_test(self._port)

    def _be_patient(self, error: UnavailableError) -> float:
        """Tell of a new trouble once, and wait longer each time."""
        if self._retry_s == _FIRST_RETRY_S:
            _log.warning("try again: %s", error)
        pause = self._retry_s
        self._retry_s = min(2 * self._retry_s, _LAST_RETRY_S)
        return pause


def _builder(brief: Brief, worker: int, folder: ResultsFolder) -> BlockBuilder:
    judged_ms = brief.duration_ms - brief.ramp_up_ms
    offered = brief.offered[worker] if brief.offered else None
    return BlockBuilder(
        thresholds=brief.thresholds,
        ramp_up_ms=brief.ramp_up_ms,
        stop_ms=folder.stop_ms,
        transactions=brief.transactions,
        host=brief.host,
        threads=ThreadUse(offered, judged_ms) if offered is not None else None,
        level=_steady if offered is None else lambda moment_ms: offered.piece_at(moment_ms).level,
    )


def _steady(_: int) -> int:
    return 0
