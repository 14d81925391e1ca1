"""Images whose programs see another clock than the machine's, which nobody may set: others work here too.

The time of day is shifted in the agent and in JMeter alike, and the monotonic clock is left alone; that is what
setting a node's clock does to them. The kubelet and the operator do not see it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hack.cluster import commands, packages, settings
from hack.kube import Object
from tests.e2e.node import results
from tests.e2e.registry import registry_with

_SOURCE = Path(__file__).with_suffix(".c")
_LIBRARY = "srv/clock.so"
_FILE = "clock"
_SHIFT = f"/devperfops/results/{_FILE}"


@contextmanager
def with_clock(image: str) -> Iterator[str]:
    """The name of an image like that one, whose clock can be set."""
    with registry_with(image, {_LIBRARY: _built()}, {"LD_PRELOAD": f"/{_LIBRARY}"}) as registry:
        yield registry.image


def set_clock(pod: Object, seconds: int) -> None:
    """Let the pod's clock jump so far ahead, or back."""
    part = results(pod) / f".{_FILE}"
    part.write_text(str(seconds))
    part.replace(results(pod) / _FILE)


def _built() -> bytes:
    packages.ensure(settings.cache(), {"gcc": "gcc", "/usr/include/stdlib.h": "libc6-dev"})
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "clock.so"
        commands.run(
            ["gcc", "-shared", "-fPIC", "-O2", f'-DSHIFT_FILE="{_SHIFT}"', f"-o{library}", str(_SOURCE)]
        )
        return library.read_bytes()
