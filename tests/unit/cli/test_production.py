"""`devperfops scenario --profile`: a plan beside what production does."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from devperfops_operator.cli.app import app
from devperfops_operator.wire.jmx import problems
from tests.profiles import document

DOCUMENT = Path(__file__).parents[3] / "examples" / "scenario" / "openapi.yaml"


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    file = tmp_path / "profile.yaml"
    file.write_text(yaml.safe_dump(document()))
    return file


def run(*args: object) -> Result:
    return CliRunner().invoke(app, ["scenario", str(DOCUMENT), *map(str, args)])


def test_a_plan_has_productions_mix_and_rate_and_says_what_it_lacks(profile: Path, tmp_path: Path) -> None:
    target = tmp_path / "scenario.jmx"
    result = run("--profile", profile, "-o", target)
    assert result.exit_code == 0, result.stderr
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "GET /customers 41.7% 20 100%" in lines
    assert "GET /orders/{orderId} 25% 12 20%, 3 times in each" in lines
    assert "POST /customers 8.3% added 20%" in lines
    assert "GET /reports 10% the document has no such operation" in lines
    assert any(
        line.startswith("The busiest hour is Fri 12:00 UTC with 40 requests/s; times 1.") for line in lines
    )
    assert "In a gate: jmeter: {threads: 480, rampUp: 1m20s, rate: 2880/m}" in lines
    assert problems(target.read_bytes(), {"NumOfThreads", "Duration", "TPM", "RampUp"}) == []
    assert b"${__P(NumOfThreads,480)}" in target.read_bytes()


def test_scale_season_and_stall_change_the_load(profile: Path) -> None:
    arguments = ("--profile", profile, "--scale", "1.5", "--season", "sale", "--stall", "2s", "--json")
    found = json.loads(run(*arguments).stdout)["production"]
    assert (found["scale"], found["perMinute"], found["threads"]) == (4.5, 12960, 432)
    assert found["lacking"][0]["endpoint"] == "GET /reports"
    assert 0 < found["distance"] < 1


def test_users_think_times_are_played_unless_an_overlay_says_others(profile: Path, tmp_path: Path) -> None:
    thinking = document()
    following = {"share": 0.5, "count": 50}
    thinking["spec"]["sessions"] = {
        "from": "2026-06-01T00:00:00Z",
        "to": "2026-06-02T00:00:00Z",
        "lines": 100,
        "unread": 0,
        "outside": 0,
        "sessions": 50,
        "requests": 2,
        "seconds": 3,
        "starts": [{"endpoint": "GET /api/customers", "share": 1}],
        "after": [
            {
                "endpoint": "GET /api/customers",
                "count": 100,
                "ends": 0,
                "next": [
                    {"endpoint": "POST /api/orders", "thinkMs": 3000, **following},
                    {"endpoint": "GET /api/orders/{id}", "thinkMs": 1500, **following},
                ],
            }
        ],
    }
    profile.write_text(yaml.safe_dump(thinking))
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("thinkTime:\n  GET /orders/{orderId}: 100ms\n")
    target = tmp_path / "scenario.jmx"
    arguments = ("--profile", profile, "--overlay", overlay, "-o", target, "--json")
    found = json.loads(run(*arguments).stdout)["production"]
    delays = [line for line in target.read_text().splitlines() if "ConstantTimer.delay" in line]
    assert [delay.strip() for delay in delays] == [
        '<stringProp name="ConstantTimer.delay">3000</stringProp>',
        '<stringProp name="ConstantTimer.delay">100</stringProp>',
    ]
    assert found["threads"] == 480 + 4 * 3 + 2, "two more for 12 reads a second that wait 0.1 s"


@pytest.mark.parametrize(
    ("season", "message"),
    [
        ("summer", 'there is no season "summer"; it has sale, easter'),
        ("easter", "nobody knows the factor of easter"),
    ],
)
def test_a_season_that_is_not_known_is_told(profile: Path, season: str, message: str) -> None:
    result = run("--profile", profile, "--season", season)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_stale_profile_is_refused_unless_somebody_accepts_it(profile: Path) -> None:
    profile.write_text(yaml.safe_dump(document(timedelta(days=45))))
    refused = run("--profile", profile)
    assert refused.exit_code == 2
    assert "stale: the newest traffic in it is 45 days old" in refused.stderr
    assert "--accept-doubts" in refused.stderr
    assert run("--profile", profile, "--accept-doubts").exit_code == 0


def test_a_profile_of_another_api_is_told(profile: Path) -> None:
    other = document()
    for endpoint in other["spec"]["endpoints"]:
        endpoint["route"] = f"/other{endpoint['route']}"
    profile.write_text(yaml.safe_dump(other))
    result = run("--profile", profile)
    assert result.exit_code == 2
    assert "the profile has GET /other/api/customers" in result.stderr


def test_what_is_no_profile_is_told_with_its_line(profile: Path) -> None:
    profile.write_text("apiVersion: devperfops.io/v1alpha1\nkind: LoadProfile\nmetadata: {}\n")
    result = run("--profile", profile)
    assert result.exit_code == 2
    assert "profile.yaml:3: metadata.name: is missing" in result.stderr
