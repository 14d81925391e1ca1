from pathlib import Path

import pytest

from devperfops_operator.agent.jmeter import JMeterLog
from devperfops_operator.wire.measurement import JMeterState
from tests.unit.agent.played import BEGIN, END, RAN_MS

TEXT = f"{'x' * 9_000}\n{BEGIN}2026-11-23 14:26:40,000 INFO o.a.j.r.Summariser: summary\n{END}".encode()


@pytest.mark.parametrize("cut", [9_001, 9_020, len(TEXT) - 40, len(TEXT) - 1])
def test_the_marks_and_their_times_are_found_wherever_the_log_is_cut(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "jmeter.log"
    log = JMeterLog(path)
    log.follow()
    assert (log.state, log.ran_ms) == (JMeterState.WAITING, None)
    path.write_bytes(TEXT[:cut])
    log.follow()
    assert log.ran_ms is None
    path.write_bytes(TEXT)
    log.follow()
    assert (log.state, log.ran_ms) == (JMeterState.ENDED, RAN_MS)


@pytest.mark.parametrize("time", ["", "14:26:31 ", "2026-13-99 14:26:31,621 "])
def test_a_log_of_another_form_tells_no_times(tmp_path: Path, time: str) -> None:
    path = tmp_path / "jmeter.log"
    path.write_text("".join(f"{time}{mark.split(' ', 2)[2]}" for mark in (BEGIN, END)))
    log = JMeterLog(path)
    log.follow()
    assert (log.state, log.ran_ms) == (JMeterState.ENDED, None)
