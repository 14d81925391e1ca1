"""What the agent must know of JMeter 5: its properties, its log's marks, its control port."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from devperfops_operator.wire.brief import Brief
from devperfops_operator.wire.measurement import JMeterState

_PORT: Final = "jmeterengine.nongui.port"
_LAST_PORT: Final = "jmeterengine.nongui.maxport"
_COLUMNS: Final = (
    *("assertion_results_failure_message", "bytes", "connect_time", "data_type", "idle_time", "label"),
    *("latency", "print_field_names", "response_code", "response_message", "sent_bytes", "successful"),
    *("thread_counts", "thread_name", "time", "url"),
)
_RESULTS: Final = {
    "jmeter.save.saveservice.autoflush": "true",  # rows are read while the test runs
    "jmeter.save.saveservice.default_delimiter": ",",
    "jmeter.save.saveservice.output_format": "csv",
    "jmeter.save.saveservice.timestamp_format": "ms",
    "jmeterengine.force.system.exit": "true",  # Open Model lingers for a minute else
    "sampleresult.timestamp.start": "true",
} | {f"jmeter.save.saveservice.{column}": "true" for column in _COLUMNS}

_BEGIN: Final = b"StandardJMeterEngine: Running the test!"
_END: Final = b"StandardJMeterEngine: Notifying test listeners of end of test"
_LOGGED_AT: Final = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}")
_CHUNK: Final = 1 << 16
_LONGEST_LINE: Final = 1 << 12


def worker_properties(brief: Brief, worker: int) -> dict[str, str]:
    """JMeter's properties for this worker. The result file's form is not the orders' to choose."""
    port = str(control_port(brief))
    return {**brief.properties, **brief.shares[worker], **_RESULTS, _PORT: port, _LAST_PORT: port}


def control_port(brief: Brief) -> int:
    """The UDP port JMeter listens on for `StopTestNow`.

    Raises:
        ValueError: the orders name one that is no port.
    """
    port = int(brief.properties.get(_PORT, "4445"))
    if not 0 < port < 2**16:
        raise ValueError(f"{_PORT} must be a port, not {port}")
    return port


def properties_text(properties: Mapping[str, str]) -> str:
    """As a Java properties file, in ASCII."""
    return "".join(f"{_escaped(key)}={_escaped(value)}\n" for key, value in sorted(properties.items()))


def stop_test(port: int) -> None:
    """Ask JMeter to end at once. There is no answer, and too early it is lost: ask again until it ends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        control.sendto(b"StopTestNow", ("127.0.0.1", port))


class JMeterLog:
    """Follows jmeter.log for the marks of a test's begin and end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._tail = b""
        self._began: datetime | None = None
        self._ended: datetime | None = None
        self.state = JMeterState.WAITING

    @property
    def ran_ms(self) -> int | None:
        """From begin to end of the test, in milliseconds; None: not over, or the log has no times."""
        if self._began is None or self._ended is None:
            return None
        return max(round((self._ended - self._began) / timedelta(milliseconds=1)), 0)

    def follow(self) -> None:
        """Read what is new."""
        try:
            log = self._path.open("rb")
        except FileNotFoundError:
            return
        with log:
            log.seek(self._offset)
            while chunk := log.read(_CHUNK):
                self._offset += len(chunk)
                *lines, tail = (self._tail + chunk).split(b"\n")
                self._tail = tail[-_LONGEST_LINE:]
                for line in lines:
                    self._read(line)

    def _read(self, line: bytes) -> None:
        if _END in line:
            self.state, self._ended = JMeterState.ENDED, _logged_at(line)
        elif _BEGIN in line and self.state is JMeterState.WAITING:
            self.state, self._began = JMeterState.RUNNING, _logged_at(line)


def _logged_at(line: bytes) -> datetime | None:
    """By the wall clock of JMeter's container, whose time zone the line does not tell."""
    found = _LOGGED_AT.match(line)
    try:
        return datetime.fromisoformat(found[0].decode()) if found is not None else None
    except ValueError:
        return None


def _escaped(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_./-]", _escape, text)


def _escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
