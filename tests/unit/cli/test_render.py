"""Screens from fixed statuses: what a person reads, in any width, with the status's own words."""

from __future__ import annotations

import io

import pytest
from rich.console import Console, RenderableType
from rich.spinner import Spinner

from devperfops_operator.api.objective import Origin
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import ResetStatus
from devperfops_operator.cli.console import console, show, trimmed, unfolded
from devperfops_operator.cli.render.gate import gate_screen
from devperfops_operator.cli.render.markdown import markdown
from devperfops_operator.cli.render.progress import progress_block, progress_line, step_row
from devperfops_operator.cli.render.run import Objectives, run_result, run_screen
from devperfops_operator.cli.render.tables import gates_table, runs_table
from devperfops_operator.cli.render.words import plain
from devperfops_operator.cli.timeline import Narrator
from devperfops_operator.wire.measurement import LoadEnd
from tests.unit.cli import samples

WIDTHS = [40, 72, 90, 110, 200]
ESCAPE = "\x1b"


def _folded_together(text: str) -> str:
    """Without the line breaks and indents that a width makes."""
    return " ".join(text.split())


def _on_terminal(renderable: RenderableType, width: int) -> str:
    screen = io.StringIO()
    Console(file=screen, width=width, force_terminal=True, color_system="truecolor").print(renderable)
    return screen.getvalue()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_run_says_what_happened_and_why_in_any_width(width):
    text = trimmed(run_screen(samples.failed(), samples.clock(60)), width)
    assert all(len(line) <= width for line in text.splitlines())
    told = _folded_together(text)
    for part in (
        "podinfo-5f2c1a9b3d-1 Fail ObjectiveFailed",
        samples.FAILURE,
        "Rollback to 9ab31c2e11",
        samples.ROLLED_BACK,
        "5f2c1a9b3d, trigger Rollout",
        "1,201 samples (412 judged)",
        "p99 = 2.31 s",
        "after 44s",
    ):
        assert part in told


@pytest.mark.parametrize("width", WIDTHS)
def test_a_gate_shows_its_state_its_latest_run_and_the_runs_before(width):
    runs = [samples.failed(), samples.run("podinfo-9ab31c2e11-1", phase="Completed", verdict="Pass")]
    text = trimmed(gate_screen(samples.gate(), runs, samples.clock(60)), width)
    assert all(len(line) <= width for line in text.splitlines())
    told = _folded_together(text)
    for part in (
        "Not passed (ObjectiveFailed)",
        samples.FAILURE,
        "Known good 9ab31c2e11",
        "Rollback to 9ab31c2e11",
        "p99 = 2.31 s",
        "Address http://podinfo ",
    ):
        assert part in told
    assert "podinfo-9ab31c2e11-1" in told


def test_a_gate_shows_where_what_jmeter_needs_comes_from():
    gate = samples.gate()
    stored = gate.spec.to_json()
    stored["load"]["jmeter"] |= {
        "plan": {"pvc": "plans", "key": "shop/checkout.jmx"},
        "data": {"configMap": "people", "shards": [{"file": "users.csv"}]},
        "propertiesFrom": [{"secret": "login"}],
        "plugins": {"pvc": "jars"},
        "image": "registry.example/jmeter:5",
    }
    gate = PerfGate.from_json({"metadata": gate.metadata.to_json(), "spec": stored})
    told = _folded_together(trimmed(gate_screen(gate, [], samples.clock(60))))
    for part in (
        "Plan shop/checkout.jmx in PersistentVolumeClaim plans",
        "Data ConfigMap people; workers share users.csv",
        "Secrets login",
        "Plugins PersistentVolumeClaim jars",
        "Image registry.example/jmeter:5",
    ):
        assert part in told


def test_a_gate_shows_which_database_it_resets_from_what():
    gate = samples.gate()
    postgres = {"image": "postgres:15", "database": "shop", "template": "shop_golden"}
    stored = gate.spec.to_json() | {"data": {"postgres": postgres}}
    gate = PerfGate.from_json({"metadata": gate.metadata.to_json(), "spec": stored})
    told = _folded_together(trimmed(gate_screen(gate, [], samples.clock(60))))
    assert "Reset database shop from shop_golden before each load, within 10m" in told


MYSQL = {
    "image": "mariadb:10.11",
    "database": "shop",
    "dump": "/golden/shop.sql",
    "volumes": [{"pvc": "golden", "mountPath": "/golden"}],
}


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"mysql": MYSQL}, "database shop from /golden/shop.sql"),
        ({"mongodb": MYSQL}, "database shop from /golden/shop.sql"),
        ({"http": {"url": "http://db/reset?key=k"}}, "data by POST http://db/reset"),
        (
            {"volumeSnapshot": {"snapshot": "golden", "claim": "data"}, "quiesce": [{"name": "db"}]},
            "volume data from snapshot golden",
        ),
    ],
)
def test_a_gate_shows_how_its_data_are_reset(data: dict, told: str):
    gate = samples.gate()
    stored = {**gate.spec.to_json(), "data": data}
    gate = PerfGate.from_json({"metadata": gate.metadata.to_json(), "spec": stored})
    screen = _folded_together(trimmed(gate_screen(gate, [], samples.clock(60))))
    assert f"Reset {told} before each load, within 10m" in screen


def test_a_gate_shows_what_its_load_is_made_of_and_what_is_asked_beside_it():
    gate = samples.gate()
    stored = gate.spec.to_json()
    stored["load"]["jmeter"]["plan"] = {"openAPI": {"path": "/openapi.json"}}
    stored |= {"data": {"job": {"image": "reset:1"}}, "quota": {"configMap": "january"}}
    gate = PerfGate.from_json({"metadata": gate.metadata.to_json(), "spec": stored})
    told = _folded_together(trimmed(gate_screen(gate, [], samples.clock(60))))
    for part in (
        "Plan made from what the target answers at /openapi.json",
        "Reset data by a container of reset:1 before each load, within 10m",
        "Quota policy in ConfigMap january",
    ):
        assert part in told


def test_a_gate_shows_which_documents_say_how_it_is_loaded_and_what_it_must_hold():
    gate = samples.gate()
    stored = gate.spec.to_json()
    del stored["load"]["jmeter"]["rate"], stored["load"]["jmeter"]["threads"]
    stored["load"] |= {"workers": 2, "profile": {"configMap": "traffic", "scale": 1.5, "season": "sale"}}
    stored["objectives"] = [{"sloRef": {"configMap": "slos", "slo": "web-latency", "target": "99%"}}]
    gate = PerfGate.from_json({"metadata": gate.metadata.to_json(), "spec": stored})
    told = _folded_together(trimmed(gate_screen(gate, [], samples.clock(60))))
    for part in (
        "Load production's busiest hour in the season sale x 1.5 (ConfigMap traffic) on 2 workers",
        "Objectives as SLO web-latency (99%) in ConfigMap slos",
        "Tested on every rollout, and by hand",
    ):
        assert part in told


def test_a_gates_screen_fits_a_screen():
    text = trimmed(gate_screen(samples.gate(), [samples.failed()] * 5, samples.clock(60)), 110)
    assert len(text.splitlines()) <= 50


def test_a_stalled_gate_says_first_what_is_missing():
    first, second, *_ = trimmed(gate_screen(samples.gate(stalled=True), [], samples.clock(60))).splitlines()
    assert first == "podinfo  Stalled (PlanNotFound)"
    assert second == "ConfigMap scenario does not exist; create it with the test plan"


def test_a_gate_no_operator_has_seen_is_told_as_such():
    gate = samples.gate()
    unseen = gate.model_copy(update={"status": type(gate.status)()})
    assert trimmed(gate_screen(unseen, [], samples.clock(0))).startswith(
        "podinfo  not seen by the operator yet\n"
    )


@pytest.mark.parametrize("width", [72, 130])
def test_an_objective_tells_where_its_threshold_comes_from_and_whether_it_decides(width):
    lenient = {**samples.ERRORS, "critical": False, "origin": "Assumed", "verdict": "Fail"}
    cart = {**samples.LATENCY, "origin": "SLA", "transaction": "GET /cart"}
    run = samples.run(objectives=[cart, lenient])
    told = _folded_together(trimmed(Objectives(run), width))
    assert "p99 < 2s of GET /cart (SLA)" in told
    assert "availability: errors < 0.5% (Assumed, not critical)" in told


def test_an_objective_without_a_bound_shows_none():
    gauge = {
        **samples.LATENCY,
        "name": "cpu",
        "expect": "value < 0.8 for 95%",
        "observed": "value = 0.62 in the middle, 97.5% of 40 points in bounds",
        "bound": None,
    }
    told = _folded_together(trimmed(Objectives(samples.run(objectives=[gauge])), 72))
    assert "cpu: value < 0.8 for 95% value = 0.62 in the middle, 97.5% of 40 points in bounds" in told
    assert "(bound -, allowed 1%)" in told


def test_a_gate_tells_the_same_of_its_objectives():
    gate = samples.gate()
    lenient = gate.spec.objectives[0].model_copy(update={"critical": False, "origin": Origin.SLA})
    spec = gate.spec.model_copy(update={"objectives": (lenient, *gate.spec.objectives[1:])})
    text = trimmed(gate_screen(gate.model_copy(update={"spec": spec}), [], samples.clock(60)), 110)
    assert "p99 < 2s (SLA, not critical); availability: errors < 0.5%" in text


def test_a_gate_whose_target_follows_git_tells_what_a_fail_brings():
    gate = samples.gate()
    target = gate.status.target.model_copy(update={"git_owner": "Flux Kustomization flux-system/apps"})
    owned = gate.model_copy(update={"status": gate.status.model_copy(update={"target": target})})
    assert "Fail: Rollback; " in trimmed(gate_screen(gate, [], samples.clock(60)), 160)
    text = trimmed(gate_screen(owned, [], samples.clock(60)), 160)
    assert "Fail: Hold (Flux Kustomization flux-system/apps owns the target); " in text


def test_objectives_stand_in_a_table_where_there_is_room_and_below_each_other_where_not():
    wide = trimmed(Objectives(samples.running()), 110).splitlines()
    assert wide[0].split() == [
        "VERDICT",
        "OBJECTIVE",
        "OBSERVED",
        "EXCEEDANCES",
        "BOUND",
        "ALLOWED",
        "SAMPLES",
    ]
    assert wide[1].split() == [
        "-",
        "p99",
        "<",
        "2s",
        "p99",
        "=",
        "2.31",
        "s",
        "7.5243%",
        "11.4%",
        "1%",
        "412",
    ]
    narrow = trimmed(Objectives(samples.running()), 72)
    assert "VERDICT" not in narrow
    assert "exceedances 7.5243% (bound 11.4%, allowed 1%) of 412 samples" in _folded_together(narrow)


def test_an_objective_that_held_needs_no_sentence_and_one_that_did_not_has_it_once():
    text = trimmed(run_result(samples.failed()))
    assert text.count(samples.FAILURE) == 1
    own = {**samples.ERRORS, "verdict": "Inconclusive", "message": "919 samples are needed, 412 were judged"}
    held = {**samples.LATENCY, "verdict": "Pass", "message": "0 of 412 judged samples were slower"}
    text = trimmed(run_result(samples.run(message="not enough evidence", objectives=[own, held])))
    assert "availability: errors < 0.5%: 919 samples are needed, 412 were judged" in text
    assert "were slower" not in text


def test_a_run_that_goes_on_tells_its_last_step():
    text = trimmed(run_screen(samples.running(), samples.clock(45)))
    assert text.splitlines()[:2] == [
        "podinfo-5f2c1a9b3d-1  Running",
        "100 threads send 3000/m to podinfo.demo.svc",
    ]


def test_a_run_without_any_status_can_be_shown():
    text = trimmed(run_screen(samples.run(), samples.clock(3)))
    assert text.startswith("podinfo-5f2c1a9b3d-1  Pending\n")
    assert "not read yet, trigger not known yet" in text


def test_tables_name_the_namespace_only_where_there_are_several():
    one = samples.gate()
    meta = one.metadata.model_copy(update={"namespace": "other"})
    assert "NAMESPACE" not in trimmed(gates_table([one, one], samples.clock(60)))
    assert "NAMESPACE" in trimmed(
        gates_table([one, one.model_copy(update={"metadata": meta})], samples.clock(60))
    )


def test_a_run_has_one_line_in_the_table():
    header, line = trimmed(runs_table([samples.failed()], samples.clock(300))).splitlines()
    assert header.split() == ["NAME", "GATE", "TRIGGER", "OUTCOME", "REASON", "REVISION", "AGE"]
    assert line.split() == [
        "podinfo-5f2c1a9b3d-1",
        "podinfo",
        "Rollout",
        "Fail",
        "ObjectiveFailed",
        "5f2c1a9b3d",
        "5m",
    ]


def test_tables_are_not_folded_on_a_narrow_terminal():
    screen = io.StringIO()
    terminal = Console(file=screen, width=30, force_terminal=True, color_system=None)
    show(unfolded(terminal), runs_table([samples.failed()], samples.clock(60)))
    assert "podinfo-5f2c1a9b3d-1  podinfo  Rollout  Fail" in screen.getvalue()


def test_progress_says_how_far_how_much_and_how_it_stands():
    line = progress_line(samples.running(), samples.clock(45))
    assert line == (
        "25s of 1m30s: 100 threads, 2987/m of 3000/m planned, 1,201 samples (412 judged), 0 errors; "
        "p99 < 2s: p99 = 2.31 s (exceedances 7.5243%, allowed 1%); "
        "availability: errors < 0.5%: 0% errors (exceedances 0%, allowed 0.5%)"
    )


def test_workers_that_ended_alike_share_a_line_where_there_are_many():
    def shown(workers_at_all: int, count: int) -> list[str]:
        (one,) = samples.failed().status.workers
        ends = [LoadEnd.DIED if index == 2 else LoadEnd.COMPLETED for index in range(workers_at_all)]
        workers = [one.model_copy(update={"index": n, "end": end}) for n, end in enumerate(ends)]
        status = samples.failed().status.model_copy(update={"workers": tuple(reversed(workers))})
        run = samples.failed().model_copy(update={"status": status})
        text = trimmed(run_screen(run, samples.clock(60)))
        return text[text.index("JMETER  ") :].splitlines()[1 : count + 1]

    assert [line.split() for line in shown(3, count=3)] == [
        ["Completed", "1,201", "412", "0", "0"],
        ["Completed", "1,201", "412", "0", "1"],
        ["Died", "1,201", "412", "0", "2"],
    ]
    assert [line.split() for line in shown(64, count=2)] == [
        ["Completed", "75,663", "25,956", "0", "0-1,", "3-63"],
        ["Died", "1,201", "412", "0", "2"],
    ]


@pytest.mark.parametrize("width", [80, 120])
def test_workers_that_ended_here_and_there_leave_room_for_their_figures(width: int):
    (one,) = samples.failed().status.workers
    ends = [LoadEnd.DIED if index % 2 else LoadEnd.COMPLETED for index in range(64)]
    workers = tuple(one.model_copy(update={"index": n, "end": end}) for n, end in enumerate(ends))
    status = samples.failed().status.model_copy(update={"workers": workers})
    shown = _on_terminal(
        run_screen(samples.failed().model_copy(update={"status": status}), samples.clock(60)), width
    )
    lines = [line.split()[:4] for line in shown.splitlines()]
    assert ["Completed", "38,432", "13,184", "0"] in lines
    assert ["Died", "38,432", "13,184", "0"] in lines
    assert "62" in shown
    assert "63" in shown


def test_several_workers_are_told_with_the_threads():
    line = progress_line(samples.running(workers=4), samples.clock(45))
    assert str(line).startswith("25s of 1m30s: 100 threads on 4 workers, 2987/m of 3000/m planned")


def test_progress_never_goes_beyond_its_end():
    assert str(progress_line(samples.running(), samples.clock(4000))).startswith("1m30s of 1m30s:")


def test_there_is_no_progress_before_the_load_and_after_it():
    assert progress_line(samples.run(phase="Preparing"), samples.clock(5)) is None
    assert progress_line(samples.failed(), samples.clock(60)) is None


@pytest.mark.parametrize(
    "run", [samples.running(), samples.run(phase="Preparing")], ids=["running", "preparing"]
)
def test_the_moving_part_fits_a_narrow_terminal(run):
    text = trimmed(progress_block(run, samples.clock(45), Spinner("dots")), 60)
    assert all(len(line) <= 60 for line in text.splitlines())
    assert run.status.phase in text


def test_a_step_is_one_line_with_the_timelines_words():
    line = Narrator().run(samples.failed())[2]
    assert trimmed(step_row(line, samples.clock(0))) == (
        f"14:03:39  podinfo-5f2c1a9b3d-1  Acting  ObjectiveFailed  {samples.FAILURE}\n"
    )
    assert trimmed(step_row(line, samples.clock(0), subjects=("podinfo-5f2c1a9b3d-1",))) == (
        f"14:03:39  Acting  ObjectiveFailed  {samples.FAILURE}\n"
    )


def test_a_terminal_gets_colours_and_a_pipe_does_not(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert f"{ESCAPE}[1;31mFail" in _on_terminal(run_result(samples.failed()), 110)
    pipe = io.StringIO()
    show(console(pipe), run_result(samples.failed()))
    assert ESCAPE not in pipe.getvalue()
    assert not any(line.endswith(" ") for line in pipe.getvalue().splitlines())


def test_no_color_is_honoured_on_a_terminal(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert f"{ESCAPE}[1;31m" not in _on_terminal(run_result(samples.failed()), 110)


def test_lines_in_a_pipe_are_not_folded(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    pipe = io.StringIO()
    show(console(pipe), run_screen(samples.failed(), samples.clock(60)))
    assert samples.FAILURE in pipe.getvalue()


def test_text_from_the_cluster_cannot_move_the_cursor_or_be_markup():
    assert plain("a\x1b[2Jb\rc\nd\x07") == "a [2Jb c d "
    shown = trimmed(run_result(samples.run(message="[red]spec.objectives[0].expect\x1b[2J is wrong[/red]")))
    assert "[red]spec.objectives[0].expect [2J is wrong[/red]" in shown
    assert ESCAPE not in shown


@pytest.mark.parametrize(
    ("seconds", "age"),
    [(0, "0s"), (119, "119s"), (120, "2m"), (7199, "119m"), (7200, "2h"), (172_800, "2d"), (-5, "0s")],
)
def test_ages(seconds, age):
    assert samples.clock(seconds).age(samples.BEGAN) == age


def test_a_gate_shows_where_its_primary_stands():
    primary = {"name": "podinfo-primary", "templateHash": "bb", "message": "2 of 2 pods serve the revision"}
    unseen, promoted, other = (
        samples.promoting(status) for status in (None, {**primary, "revision": "9ab31c2e11"}, primary)
    )
    told = [
        _folded_together(trimmed(gate_screen(each, [], samples.clock(60)), 200))
        for each in (unseen, promoted, other)
    ]
    assert "Promoted to Deployment podinfo-primary, not seen by the operator yet" in told[0]
    assert "podinfo-primary, runs revision 9ab31c2e11; 2 of 2 pods serve the revision" in told[1]
    assert "podinfo-primary, runs a template this gate has not promoted; 2 of 2" in told[2]
    rows = trimmed(gates_table([promoted, samples.gate()], samples.clock(60)), 200)
    assert "PRIMARY" in rows
    assert "podinfo-primary (9ab31c2e11)" in rows
    assert "PRIMARY" not in trimmed(gates_table([samples.gate()], samples.clock(60)), 200)


def test_a_gate_and_a_run_without_load_show_whose_traffic_is_judged():
    gate = samples.gate()
    stored = gate.to_json()["spec"]
    del stored["load"]
    stored |= {"live": {"duration": "30m"}, "prometheus": "monitoring"}
    gate = PerfGate.from_json({"metadata": gate.metadata.to_json(), "spec": stored})
    told = _folded_together(trimmed(gate_screen(gate, [], samples.clock(60))))
    assert "Traffic of real users, judged for 30m from the rollout's end on" in told
    assert "Plan" not in told

    live = {"judgedFrom": samples.at(5), "endsAt": samples.at(1805)}
    run = samples.run(phase="Running", live=live)
    line = progress_line(run, samples.clock(45))
    assert str(line).startswith("40s of 30m: of real users, 14:03:05 to 14:33:05, 30m planned")
    assert "Traffic of real users, 14:03:05" in _folded_together(trimmed(run_screen(run, samples.clock(45))))


def test_a_run_shows_what_its_traffic_covers_and_the_worst_endpoints():
    coverage = {
        "requests": 640, "usual": 6000, "volume": "10.7%", "exercised": "50%", "known": 2, "distance": "5%",
        "chance": "2%", "unseen": "20%",
        "endpoints": [
            {"name": "GET /cart", "weight": "20%", "requests": 12, "needed": 299},
            {"name": "GET /rare", "weight": "0.2%", "requests": 0, "needed": 0},
        ],
    }  # fmt: skip
    run = samples.run(phase="Completed", verdict="Inconclusive", reason="CoverageTooLow", coverage=coverage)
    told = _folded_together(trimmed(run_screen(run, samples.clock(60))))
    assert "640 requests of 6,000 usual (10.7%); 50% of 2 known endpoints exercised, mix 5%" in told
    assert "GET /cart 20% 12 299" in " ".join(told.split())
    assert "| GET /cart | 20% | 12 | 299 |" in markdown(run, samples.clock(60))


def test_a_run_shows_what_its_requests_took_and_what_to_ask_for():
    consumption = {
        "figures": [
            {"name": "ledger/calls", "counts": "Calls", "perRequest": "1.44", "told": "1.44 calls per request"},
            {"name": "ledger/writes", "counts": "Calls", "doubts": ["`writes_total` matches no series"]},
        ],
        "forecasts": [
            {"name": "ledger/calls", "verdict": "Regression", "asked": "1,440/min", "granted": "1,000/min",
             "message": "ask for 440/min more at once"},
            {"name": "ledger/all", "verdict": "Pass", "asked": "1/min", "message": "that is granted"},
        ],
        "gap": "it is away",
    }  # fmt: skip
    run = samples.run(phase="Completed", verdict="Pass", consumption=consumption)
    told = " ".join(_folded_together(trimmed(run_screen(run, samples.clock(60)))).split())
    assert "ledger/calls 1.44 calls per request ledger/writes not known" in told
    assert "Regression ledger/calls 1,440/min 1,000/min" in told
    assert "Not measured: it is away" in told
    assert "ledger/writes is no measurement: `writes_total` matches no series" in told
    assert "ledger/calls: ask for 440/min more at once" in told
    assert "that is granted" not in told
    text = markdown(run, samples.clock(60))
    assert "| Regression | ledger/calls | 1,440/min | 1,000/min |" in text
    assert "- ledger/calls: ask for 440/min more at once" in text


def test_a_gate_shows_what_it_wants_covered():
    gate = samples.gate()
    stored = {
        **gate.to_json()["spec"],
        "prometheus": "monitoring",
        "coverage": {"traffic": "requests_total", "by": ["method", "route"], "minVolume": "5%"},
    }
    gate = PerfGate.from_json({"metadata": gate.metadata.to_json(), "spec": stored})
    told = _folded_together(trimmed(gate_screen(gate, [], samples.clock(60))))
    assert (
        "5% of the usual requests, 90% of the endpoints, 5% unseen at most (by method, route, 2 weeks" in told
    )


def test_a_run_shows_what_it_still_owes_back():
    owed = {"kind": "StatefulSet", "name": "db", "replicas": 2}
    reset = ResetStatus.from_json({"workloads": [owed], "problem": "scale is forbidden"})
    told = _folded_together(trimmed(run_screen(samples.run(reset=reset), samples.clock(60))))
    assert "Owes back StatefulSet db its 2 replicas: scale is forbidden" in told
