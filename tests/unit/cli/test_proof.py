"""What `prove` shows, and which faults it takes."""

from datetime import timedelta
from fractions import Fraction

import click
import pytest

from devperfops_operator.api.perfrun import Verdict
from devperfops_operator.cli.console import trimmed
from devperfops_operator.cli.options import Percent
from devperfops_operator.cli.render.proof import Proof, proof_document, proof_screen
from devperfops_operator.domain.blindness import BlindSpot
from devperfops_operator.evidence.injection import Injection
from devperfops_operator.evidence.proof import Trials, Tried


def trials(injection, failed, by="p99 < 2s"):
    caught = [Tried(Verdict.FAIL, second=180, by=by)] * failed
    return Trials(injection, [*caught, *[Tried(Verdict.PASS)] * (200 - failed)], 4)


PROOF = Proof(
    gate="shop",
    past=["shop-1", "shop-2", "shop-3", "shop-4"],
    judged=timedelta(minutes=10),
    unchanged=trials(Injection(), 0),
    injected=[
        trials(Injection(delay=Fraction(20, 100)), 184),
        trials(Injection(delay=Fraction(10, 100)), 0),
        trials(Injection(errors=Fraction(2, 100)), 200, by="errors < 0.5%"),
    ],
    blind=[BlindSpot("POST /checkout", 12, "no critical objective is about it")],
    untried=["value < 0.8 for 95%"],
)


def test_a_release_manager_reads_what_would_be_caught():
    screen = trimmed(proof_screen(PROOF))
    assert [line.split("  ")[0] for line in screen.splitlines()[:4]] == [
        "INJECTED",
        "a delay of 20%",
        "a delay of 10%",
        "errors of 2%",
    ]
    assert "a delay of 20% would be caught in 3m, in 92% of 200 injected runs" in screen
    assert "a delay of 10% would not be caught (in none of 200 injected runs)" in screen
    assert "errors of 2% would be caught in 3m, in 100% of 200 injected runs" in screen
    assert "an unchanged one would pass in 100% (98% to 100%) and fail in 0%" in screen
    assert "POST /checkout: 12 samples in a run; no critical objective is about it" in screen
    assert "4 past runs in which nothing was found wrong; so few tell little of how runs differ" in screen
    assert "Not tried, as runs do not keep what Prometheus or a baseline told: value < 0.8 for 95%" in screen


def test_a_program_reads_the_same():
    document = proof_document(PROOF)
    first, second, third = document["injected"]
    assert (first["delay"], first["errors"], first["medianSeconds"], first["by"]) == (
        "20%",
        "0%",
        180,
        "p99 < 2s",
    )
    assert first["caught"]["share"] == 0.92
    assert first["caught"]["low"] < 0.92 < first["caught"]["high"]
    assert (second["caught"]["share"], second["medianSeconds"], second["by"]) == (0.0, None, None)
    assert third["by"] == "errors < 0.5%"
    assert document["unchanged"]["pass"]["share"] == 1.0
    assert document["blind"] == [
        {"transaction": "POST /checkout", "samples": 12, "because": "no critical objective is about it"}
    ]


@pytest.mark.parametrize(
    ("text", "share"), [("20%", Fraction(1, 5)), ("0.5%", Fraction(1, 200)), ("200%", Fraction(2))]
)
def test_a_fault_is_a_percentage(text, share):
    assert Percent(most=1000).convert(text, None, None) == share


@pytest.mark.parametrize("text", ["20", "0%", "1001%", "-5%", "%", "1/2%", ""])
def test_what_is_none_is_refused(text):
    with pytest.raises(click.BadParameter, match="write for example 20%"):
        Percent(most=1000).convert(text, None, None)
