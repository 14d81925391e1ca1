"""A log gets every step and progress now and then; a terminal keeps what goes on below the steps."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from devperfops_operator.cli.console import console
from devperfops_operator.cli.screens import LogScreen, TerminalScreen, screen
from devperfops_operator.cli.timeline import Narrator
from tests.unit.cli import samples


class Watch:
    """A clock the test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def log():
    return io.StringIO()


def test_a_log_tells_progress_at_most_every_ten_seconds(log):
    watch = Watch()
    shown = LogScreen(console(log), ("podinfo-5f2c1a9b3d-1",), watch)
    for watch.now in (0.0, 3.0, 9.9, 10.0, 15.0, 25.0):
        shown.progress(samples.running())
    lines = log.getvalue().splitlines()
    assert len(lines) == 3
    assert all("2987/m of 3000/m planned" in line for line in lines)


def test_a_log_tells_nothing_of_a_run_without_load(log):
    shown = LogScreen(console(log))
    shown.progress(samples.run(phase="Preparing"))
    shown.progress(samples.failed())
    assert log.getvalue() == ""


def test_a_log_has_no_escapes_and_one_line_a_step(log):
    shown = screen(console(log), "podinfo-5f2c1a9b3d-1")
    assert isinstance(shown, LogScreen)
    with shown:
        for line in Narrator().run(samples.failed()):
            shown.step(line)
        shown.note("the Kubernetes API answers again.")
    lines = log.getvalue().splitlines()
    assert len(lines) == 6
    assert "\x1b" not in log.getvalue()
    assert lines[3].endswith(f"Acting  RolledBack  {samples.ROLLED_BACK}")
    assert lines[5].endswith("the Kubernetes API answers again.")


def test_a_terminal_shows_what_goes_on_until_it_has_ended():
    terminal = io.StringIO()
    target = Console(file=terminal, force_terminal=True, force_interactive=True, width=100, color_system=None)
    shown = screen(target)
    assert isinstance(shown, TerminalScreen)
    with shown:
        shown.progress(samples.running())
        shown.step(Narrator().run(samples.failed())[3])
        during = terminal.getvalue()
        shown.progress(samples.failed())
        shown.step(Narrator().run(samples.failed())[4])
    assert "podinfo-5f2c1a9b3d-1  Running" in during
    assert "1,201 samples (412 judged)" in during
    after = terminal.getvalue()[len(during) :]
    assert "Completed  the load has ended" in " ".join(after.split(" "))
    assert "1,201 samples" not in after.split("Completed  Completed")[-1]
