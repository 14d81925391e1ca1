"""What a run leaves behind can be judged again, and goes with the run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from devperfops_operator.domain.manifests.common import RECORD_LABEL
from hack.kube import wait_for
from tests.e2e.arena import GATE, SLOW, Arena, outcome


def test_a_failed_release_fails_again_when_it_is_replayed(arena: Arena):
    arena.start()
    arena.release("2", *SLOW)
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Fail", "ObjectiveFailed")
    name, revision = run["metadata"]["name"], run["status"]["revision"]
    (record,) = arena.kube.list("ControllerRevision", arena.namespace, RECORD_LABEL)
    assert record["metadata"]["name"] == run["status"]["record"]["name"]

    program = [str(Path(sys.executable).parent / "devperfops"), "backtest", GATE, "-n", arena.namespace]
    told = subprocess.run(
        [*program, "--kubeconfig", str(arena.kube.kubeconfig)], capture_output=True, text=True, check=True
    ).stdout
    assert re.search(rf"{name} +{revision} +Fail +Fail +\d+s +.* does not hold", told)
    assert "0 of 1 run would pass now, unlike then" in told
    assert "stimated" not in told

    arena.kube.delete("PerfRun", name, arena.namespace)
    wait_for(
        "the record to go with its run",
        lambda: not arena.kube.list("ControllerRevision", arena.namespace, RECORD_LABEL),
        seconds=60,
    )
