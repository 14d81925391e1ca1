"""The shop's production, which no demo has: a week of its users, played, and the profile made of it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.markup import escape

from hack.demo import sample
from hack.demo.errors import DemoFailed, expect
from hack.demo.sample import SHOP
from hack.demo.timeline import Timeline
from hack.kube import Kube, KubeError, condition, kubectl, wait_for

PROFILE: Final = "orders-profile"
"""The ConfigMap that the shop's gate names."""
_WEEK: Final = "played-week"
_WEEK_SECONDS: Final = 180
_FORWARDED: Final = re.compile(r"Forwarding from (127\.0\.0\.1:\d+) ")


def tell(kube: Kube, timeline: Timeline) -> None:
    """From no traffic at all to what the gate plays.

    Raises:
        DemoFailed: the week cannot be played, or no profile made.
    """
    timeline.chapter("Production, a week of users: from its metrics to a load profile")
    with timeline.step("a week of the shop's users is played into Prometheus, since a demo cannot wait"):
        wait_for("the week is played", lambda: _played(kube), seconds=_WEEK_SECONDS)
    with _forwarded(kube) as url:
        argv = ["devperfops", "profile", url, "--match", f'app="{SHOP.app}"']
        argv += ["--config-map", PROFILE, "-n", sample.NAMESPACE]
        timeline.tell(f"[bold]$ {escape(shlex.join(argv))}[/]")
        for line in _made(kube, argv).splitlines():
            timeline.tell(f"  {escape(line)}")


def _played(kube: Kube) -> bool:
    job = kube.get("Job", _WEEK, sample.MONITORING)
    failed = condition(job, "Failed")
    expect(
        failed.get("status") != "True",
        f"the week cannot be played: {failed.get('message')}; "
        f"see `kubectl logs job/{_WEEK} -n {sample.MONITORING}`",
    )
    return condition(job, "Complete").get("status") == "True"


def _made(kube: Kube, argv: list[str]) -> str:
    """All that the command says.

    Raises:
        DemoFailed: it makes none.
    """
    program = Path(sys.executable).with_name(argv[0])
    environment = {**os.environ, "KUBECONFIG": str(kube.kubeconfig)}
    done = subprocess.run(
        [program, *argv[1:]],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )
    if done.returncode:
        raise DemoFailed(f"{shlex.join(argv)}: {done.stdout.strip()}")
    return done.stdout


@contextmanager
def _forwarded(kube: Kube) -> Iterator[str]:
    """Prometheus under an address of this machine.

    Raises:
        KubeError: kubectl does not forward to it.
    """
    argv = [kubectl(), "--kubeconfig", str(kube.kubeconfig), "--namespace", sample.MONITORING]
    forwarding = [*argv, "port-forward", "--address=127.0.0.1", "service/prometheus", ":9090"]
    with subprocess.Popen(forwarding, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            told = process.stdout.readline() if process.stdout else ""
            found = _FORWARDED.search(told)
            if found is None:
                raise KubeError(f"{' '.join(forwarding)}: {told.strip()}")
            yield f"http://{found[1]}"
        finally:
            process.terminate()
