"""Processes that outlive the command that started them.

A pid alone proves nothing: the kernel reuses it. So each started process is remembered
by pid, start time, executable and boot, and is only ever signalled when all four agree.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hack.cluster import commands
from hack.cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Iterator

_DELETED: Final = " (deleted)"


@dataclass(frozen=True)
class Spec:
    """How a process is to run. `files` are the configuration files it reads: path -> content."""

    name: str
    argv: tuple[str, ...]
    files: Mapping[Path, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    """Beside PATH and HOME, which is all a process gets of its starter's."""

    @property
    def digest(self) -> str:
        """Changes when the process has to be started anew."""
        files = {str(path): text for path, text in self.files.items()}
        text = json.dumps([self.argv, files, dict(self.environment)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Identity:
    """What tells a process from any other, also from a later one with its pid."""

    pid: int
    started: int
    """Clock ticks since the boot."""
    executable: str
    boot: str


@dataclass(frozen=True)
class Record:
    """A started process, as remembered on disk."""

    identity: Identity
    digest: str

    def to_json(self) -> str:
        return json.dumps({"identity": asdict(self.identity), "digest": self.digest})

    @classmethod
    def from_json(cls, text: str) -> Record | None:
        """Read a record; None when it is cut or foreign (a crash while it was written)."""
        try:
            fields = json.loads(text)
            return cls(Identity(**fields["identity"]), fields["digest"])
        except (ValueError, TypeError, KeyError):
            return None


def start_time(stat: str) -> int | None:
    """The start time in a /proc/PID/stat line (ticks); None for a zombie.

    The program's name, in parentheses, may hold spaces and parentheses itself.
    """
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def boot_id() -> str:
    """Names this boot of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def identify(pid: int) -> Identity | None:
    """Who has this pid now; None when nobody, or only a zombie."""
    process = Path(f"/proc/{pid}")
    try:
        started = start_time((process / "stat").read_text())
        executable = str((process / "exe").readlink()).removesuffix(_DELETED)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    return None if started is None else Identity(pid, started, executable, boot_id())


def running_as(argv: Sequence[str]) -> list[Identity]:
    """The processes with exactly these arguments."""
    cmdline = "".join(f"{argument}\0" for argument in argv).encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if (folder / "cmdline").read_bytes() == cmdline and (identity := identify(int(folder.name))):
                found.append(identity)
    return found


class ProcessTable:
    """The processes of one folder: records in `run`, output in `log`."""

    def __init__(self, run: Path, log: Path) -> None:
        self._run = run
        self._log = log

    def identity(self, name: str) -> Identity | None:
        """The living process of that name, or None."""
        record = self._record(name)
        return record.identity if record and identify(record.identity.pid) == record.identity else None

    def ensure(self, spec: Spec) -> None:
        """Have the process run as described.

        One that runs with other arguments or configuration files is stopped first.
        """
        record = self._record(spec.name)
        if record and record.digest == spec.digest and self.identity(spec.name):
            return
        self.stop([spec.name], patience=5)
        # A start that was killed before it could write its record.
        _end(running_as(spec.argv), patience=5)
        for path, text in spec.files.items():
            write_if_different(path, text)
        self._start(spec)

    def stop(self, names: Iterable[str], *, patience: float) -> None:
        """Ask the processes to end; kill what is left after `patience` seconds."""
        names = list(names)
        _end([identity for name in names if (identity := self.identity(name))], patience)
        for name in names:
            self._reap(name)
            self._path(name).unlink(missing_ok=True)

    def failure(self, name: str) -> str:
        """The end of a process's output, for a message."""
        log = self.log(name)
        return (
            f"{log} ends:\n{commands.tail(log.read_text(errors='replace'))}" if log.exists() else "no output"
        )

    def log(self, name: str) -> Path:
        return self._log / f"{name}.log"

    def _start(self, spec: Spec) -> None:
        self._run.mkdir(parents=True, exist_ok=True)
        self._log.mkdir(parents=True, exist_ok=True)
        append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        try:
            pid = os.posix_spawnp(
                spec.argv[0],
                spec.argv,
                _environment(spec),
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, str(self.log(spec.name)), append, 0o644),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                ],
                setsid=True,
            )
        except FileNotFoundError:
            raise ClusterError(f"{spec.name}: the program {spec.argv[0]} is missing") from None
        _wait_for_exec(pid)
        if identity := identify(pid):
            write_if_different(self._path(spec.name), Record(identity, spec.digest).to_json())

    def _record(self, name: str) -> Record | None:
        try:
            return Record.from_json(self._path(name).read_text())
        except FileNotFoundError:
            return None

    def _path(self, name: str) -> Path:
        return self._run / f"{name}.process"

    def _reap(self, name: str) -> None:
        """Collect the exit code if the process is a child of this one."""
        if record := self._record(name):
            with suppress(ChildProcessError):
                os.waitpid(record.identity.pid, os.WNOHANG)


def _wait_for_exec(pid: int) -> None:
    """`posix_spawn` returns while the kernel still exchanges the program: until then it passes for us."""
    ours = Path("/proc/self/cmdline").read_bytes()
    with suppress(FileNotFoundError, ProcessLookupError):
        while identify(pid) and Path(f"/proc/{pid}/cmdline").read_bytes() in {b"", ours}:
            time.sleep(0.001)


def write_if_different(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Write a file at once, and only when it changes: kube-proxy exits when its own is written."""
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.new")
    scratch.write_text(text)
    scratch.chmod(mode)
    scratch.rename(path)


def wait_for_end(identity: Identity) -> None:
    """Return when the process has ended, however it ends."""
    with _opened([identity]) as pidfds:
        _left(pidfds, None)


def _environment(spec: Spec) -> dict[str, str]:
    """A daemon must not depend on who started it."""
    own = commands.environment()
    return {"PATH": own["PATH"], "HOME": own.get("HOME", "/"), **spec.environment}


def _end(identities: Iterable[Identity], patience: float) -> None:
    with _opened(identities) as pidfds:
        for pidfd in pidfds:
            _signal(pidfd, signal.SIGTERM)
        for pidfd in _left(pidfds, patience):
            _signal(pidfd, signal.SIGKILL)
        _left(pidfds, 5.0)


@contextmanager
def _opened(identities: Iterable[Identity]) -> Iterator[list[int]]:
    """Handles of those processes that still are who they were; a handle never means another one."""
    pidfds = []
    try:
        for identity in identities:
            with suppress(ProcessLookupError):
                pidfds.append(os.pidfd_open(identity.pid))
                if identify(identity.pid) != identity:
                    os.close(pidfds.pop())
        yield pidfds
    finally:
        for pidfd in pidfds:
            os.close(pidfd)


def _signal(pidfd: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, number)


def _left(pidfds: Iterable[int], seconds: float | None) -> list[int]:
    """The processes that have not ended within the time (None: wait without limit)."""
    deadline = None if seconds is None else time.monotonic() + seconds
    poll = select.poll()
    left = set(pidfds)
    for pidfd in left:
        poll.register(pidfd, select.POLLIN)
    while left:
        remaining = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
        ended = poll.poll(remaining)
        if not ended:
            break
        for pidfd, _ in ended:
            poll.unregister(pidfd)
            left.discard(pidfd)
    return list(left)
