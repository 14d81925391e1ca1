"""What `trend` shows."""

from devperfops_operator.cli.console import trimmed
from devperfops_operator.cli.render.trend import History, sparkline, trend_document, trend_screen
from devperfops_operator.domain.trend import Change, Trend
from tests.unit.cli import samples

FIGURES = {
    "p50": [40.0] * 12,
    "p95": [200.0] * 8 + [300.0] * 4,
    "errors": [0.0] * 8 + [0.01] * 4,
    "throughput": [50.0] * 12,
}
CHANGES = [Change(8, "p95", 200.0, 300.0), Change(8, "errors", 0.0, 0.01)]


def history(runs=12, changes=CHANGES):
    figures = {name: values[:runs] for name, values in FIGURES.items()}
    named = [samples.run(f"shop-{number}", revision=f"rev{number}") for number in range(runs)]
    return History("shop", named, Trend(figures, changes))


def test_a_change_is_told_with_its_run_its_revision_and_both_levels():
    screen = trimmed(trend_screen(history()))
    assert "with shop-8 (revision rev8): p95 from 200 ms to 300 ms (+50%); errors from 0% to 1%" in screen
    (row,) = [line.split() for line in screen.splitlines() if line.startswith("p95")]
    assert row == ["p95", "200", "ms", "300", "ms", "300", "ms", "▁▁▁▁▁▁▁▁████", "shop-8"]


def test_nothing_to_tell_is_told():
    assert "none in 12 runs that chance does not explain" in trimmed(trend_screen(history(changes=[])))
    few = trimmed(trend_screen(history(5, [])))
    assert "5 runs of 12 that it takes to tell a change from chance" in few


def test_a_program_reads_every_runs_figures():
    document = trend_document(history())
    assert document["runs"][8] == {
        "name": "shop-8",
        "revision": "rev8",
        "figures": {"p50": 40.0, "p95": 300.0, "errors": 0.01, "throughput": 50.0},
    }
    assert document["changes"][0] == {
        "run": "shop-8",
        "revision": "rev8",
        "figure": "p95",
        "before": 200.0,
        "after": 300.0,
    }


def test_a_sparkline_has_a_bar_for_each_value():
    assert sparkline([1.0, 2.0, 8.0]) == "▁▂█"
    assert sparkline([3.0, 3.0]) == "▁▁"
