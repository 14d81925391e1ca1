"""A gate that only watches, from its first test to a person's override."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hack.kube import Object, condition
from tests.e2e.arena import GATE, SLOW, Arena, outcome


def test_what_is_observed_is_judged_and_left_and_a_person_may_let_it_stand(arena: Arena):
    arena.gate_manifest["spec"] |= {"initial": "Test", "mode": "Observe"}
    arena.apply_app()
    arena.operator.start()
    arena.apply("PerfGate")
    first = arena.wait_for_end()
    assert outcome(first) == ("Completed", "Pass", "ObjectivesMet")
    assert action(first) == ("Hold", "ObserveOnly")
    good = first["status"]["revision"]
    arena.wait_for_known_good(good)

    arena.release("2", *SLOW)
    slow = arena.template()
    second = arena.wait_for_end(number=2)
    assert outcome(second) == ("Completed", "Fail", "ObjectiveFailed")
    assert action(second) == ("Hold", "ObserveOnly")
    assert arena.template() == slow
    assert arena.gate()["status"]["knownGood"] == good

    devperfops(arena, "override", GATE, "--reason", "the sale begins", "--expires", "1h")
    gate = arena.wait_for_gate("overridden", lambda gate: condition(gate, "Passed")["reason"] == "Overridden")
    assert gate["status"]["knownGood"] == second["status"]["revision"]
    assert gate["status"]["override"]["reason"] == "the sale begins"
    assert "the sale begins" in devperfops(arena, "describe", GATE)
    assert len(arena.runs()) == 2


def action(run: Object) -> tuple[str, str]:
    taken = run["status"]["action"]
    return taken["type"], taken["reason"]


def devperfops(arena: Arena, *arguments: str) -> str:
    argv = [str(Path(sys.executable).parent / "devperfops"), *arguments, "-n", arena.namespace]
    environment = {**os.environ, "KUBECONFIG": str(arena.kube.kubeconfig)}
    return subprocess.run(argv, env=environment, check=True, capture_output=True, text=True).stdout
