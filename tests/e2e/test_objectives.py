"""Every kind of objective in one run."""

from __future__ import annotations

from hack.kube import Object, condition
from tests.e2e.arena import Arena, outcome

_CONTROLLER = (
    '<TransactionController guiclass="TransactionControllerGui" testclass="TransactionController" testname="visit">'
    '<boolProp name="TransactionController.includeTimers">false</boolProp></TransactionController>'
)


def test_every_kind_of_objective_is_judged_in_one_run(arena: Arena):
    _wrap_the_front_page_in_a_transaction(arena)
    gauge = f'max(go_goroutines{{namespace="{arena.namespace}", app="podinfo"}})'
    arena.gate_manifest["spec"]["objectives"] += [
        {"name": "page", "expect": "errors < 1%", "transaction": "GET /", "origin": "SLA"},
        {"name": "visit", "expect": "p95 < 1s", "transaction": "visit"},
        {"name": "goroutines", "expect": "value < 10000 for 95%", "query": gauge},
        {
            "name": "dream",
            "expect": "value > 10000 for 95%",
            "query": gauge,
            "critical": False,
            "origin": "Assumed",
        },
        {"name": "basket", "expect": "p95 < 1s", "transaction": "GET /basket", "critical": False},
    ]
    arena.start_with_prometheus()
    arena.release("2")
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Pass", "ObjectivesMet"), run["status"].get("message")

    judged = {each["name"]: each for each in run["status"]["objectives"]}
    verdicts = {name: (each["verdict"], each["critical"]) for name, each in judged.items()}
    assert verdicts == {
        "p95 < 1s": ("Pass", True),
        "errors < 1%": ("Pass", True),
        "availability": ("Pass", True),
        "page": ("Pass", True),
        "visit": ("Pass", True),
        "goroutines": ("Pass", True),
        "dream": ("Fail", False),
        "basket": ("Inconclusive", False),
    }
    load = run["status"]["load"]
    assert "stopRequestedAt" not in load, "what is not critical ends no load"
    total = load["judgedSamples"]
    assert judged["p95 < 1s"]["samples"] == judged["page"]["samples"] == total, "controllers are in no total"
    # A controller's row begins later than its request where that waited, so a few straddle the ramp's end.
    assert 0 < judged["visit"]["samples"] <= total + load["threads"]
    assert judged["goroutines"]["samples"] >= 4
    assert "in the middle, 100% of" in judged["goroutines"]["observed"]

    told = run["status"]["message"]
    assert told.startswith("all critical objectives are met: ")
    assert "warning (not critical): value > 10000 for 95% does not hold" in told
    assert (
        "warning (not critical): p95 < 1s of GET /basket: no judged sample has this name; "
        "the samplers are called GET /"
    ) in told
    arena.wait_for_gate("Passed in the words of its run", lambda gate: _passed(gate) == ("True", told))


def _passed(gate: Object) -> tuple[str, str]:
    passed = condition(gate, "Passed")
    return passed.get("status", ""), passed.get("message", "")


def _wrap_the_front_page_in_a_transaction(arena: Arena) -> None:
    plan: Object = next(each for each in arena.app if each["kind"] == "ConfigMap")
    (key,) = plan["data"]
    before, sampler, after = plan["data"][key].partition("<HTTPSamplerProxy ")
    sampler, end, rest = (sampler + after).partition("</HTTPSamplerProxy>\n        <hashTree/>\n")
    assert end, "the example's plan has changed its shape"
    plan["data"][key] = f"{before}{_CONTROLLER}<hashTree>{sampler}{end}</hashTree>{rest}"
