"""A TCP proxy that a test can close and open again, slow down, and point elsewhere: an API server that is away
for a while, or slow, on the same port."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Proxy:
    """Passes bytes on; `close` ends every connection and refuses new ones, `open` listens again.

    What the target says arrives `delay_s` later. `target` counts for new connections.
    """

    def __init__(self, target: tuple[str, int], *, host: str = "127.0.0.1", delay_s: float = 0.0) -> None:
        self.target = target
        self.delay_s = delay_s
        self._host = host
        self._listener: socket.socket | None = None
        self._connections: list[socket.socket] = []
        self.port = 0

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        listener = socket.create_server((self._host, self.port))
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._start(self._accept, listener)

    def close(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            listener.close()
        while self._connections:
            _end(self._connections.pop())

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self.target)
            except OSError:
                _end(near)
                continue
            self._connections += [near, far]
            self._start(_pass_on, near, far)
            self._start(self._pass_on_late, far, near)

    def _pass_on_late(self, source: socket.socket, sink: socket.socket) -> None:
        """Later, but no slower: what follows does not wait for what went before."""
        chunks: queue.Queue[tuple[float, bytes]] = queue.Queue()
        self._start(_send_when_due, chunks, sink)
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                chunks.put((time.monotonic() + self.delay_s, data))
        chunks.put((time.monotonic() + self.delay_s, b""))
        _end(source)

    @staticmethod
    def _start(work: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=work, args=arguments, daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    _end(source)
    _end(sink)


def _send_when_due(chunks: queue.Queue[tuple[float, bytes]], sink: socket.socket) -> None:
    """The last chunk is empty."""
    with contextlib.suppress(OSError):
        while True:
            due, data = chunks.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not data:
                break
            sink.sendall(data)
    _end(sink)


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
