"""`devperfops quota raise` at a server that has GitHub's rules: one pull request, whatever happens between."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from devperfops_operator.cli.app import app
from tests.unit.adapters.github_server import TOKEN, GitHub
from tests.unit.adapters.loopback import Answer, Request, serving

EXAMPLE = Path(__file__).parents[3] / "examples/quota"
FILE = "quotas/production.yaml"
TEXT = (EXAMPLE / "production.yaml").read_text()


@dataclass
class Firm:
    github: GitHub
    api: str
    folder: Path

    def quota_raise(self, *more: str, env: dict[str, str] | None = None, path: str = FILE) -> Result:
        words = ["raise", "-f", f"{self.folder}/policy.yaml", "--repository", "acme/infra", "--path", path]
        given = {"GITHUB_TOKEN": TOKEN, "GH_TOKEN": "", "GITHUB_API_URL": self.api, **(env or {})}
        done = CliRunner().invoke(app, ["quota", *words, *more], env=given)
        assert TOKEN not in done.output
        return done

    @property
    def branch(self) -> str:
        (name,) = set(self.github.branches) - {"main"}
        return name


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[Firm]:
    shutil.copytree(EXAMPLE, tmp_path / "quota")
    github = GitHub({FILE: TEXT, "README.md": "infrastructure"})
    with serving(github.answer) as api:
        yield Firm(github, api, tmp_path / "quota")


def test_what_is_lacking_is_asked_for_by_one_pull_request(firm: Firm) -> None:
    done = firm.quota_raise()
    assert done.exit_code == 0, done.output
    assert "Opened https://github.example/acme/infra/pull/1" in done.stdout
    assert firm.github.branches["main"][FILE] == TEXT
    changed = firm.github.branches[firm.branch]
    assert changed == {FILE: TEXT.replace("limit: 1000", "limit: 2400"), "README.md": "infrastructure"}
    (pull,) = firm.github.pulls
    assert pull["title"] == "Raise quota: ledger.googleapis.com/read_calls to 2400"
    assert "load-test has 2,400/min, production has 1,000/min" in pull["body"]

    again = firm.quota_raise()
    assert again.exit_code == 0
    assert "Open already: https://github.example/acme/infra/pull/1" in again.stdout
    assert len(firm.github.pulls) == 1


def test_merged_it_is_to_be_applied_and_applied_nothing_lacks(firm: Firm) -> None:
    firm.quota_raise()
    firm.github.branches["main"] = dict(firm.github.branches[firm.branch])
    firm.github.pulls[0].update(state="closed", merged_at="2026-12-10T08:00:00Z")
    merged = firm.quota_raise()
    assert (merged.exit_code, "declares enough already: apply it" in merged.stdout) == (0, True)
    production = firm.folder / "production.yaml"
    production.write_text(firm.github.branches["main"][FILE])
    assert firm.quota_raise().stdout == "Production lacks nothing.\n"
    assert len(firm.github.pulls) == 1


def test_what_people_closed_stays_closed(firm: Firm) -> None:
    firm.quota_raise()
    firm.github.pulls[0]["state"] = "closed"
    done = firm.quota_raise()
    assert done.exit_code == 2
    assert (
        "pull/1 was closed without a merge: reopen it, or change quotas/production.yaml by hand"
        in done.stderr
    )
    assert len(firm.github.pulls) == 1


@pytest.mark.parametrize("step", ["POST /git/refs", f"PUT /contents/{FILE}", "POST /pulls"])
def test_what_a_failure_left_is_finished_by_the_next_call(firm: Firm, step: str) -> None:
    def away(_: Request) -> Answer | None:
        return Answer(502, {"message": "Server Error"}) if firm.github.seen[-1] == step else None

    firm.github.before = away
    done = firm.quota_raise()
    assert (done.exit_code, "Server Error: do it again later" in done.stderr) == (2, True)
    firm.github.before = lambda _: None
    assert firm.quota_raise().exit_code == 0
    assert len(firm.github.pulls) == 1
    assert firm.github.branches[firm.branch][FILE] == TEXT.replace("limit: 1000", "limit: 2400")


def test_somebody_who_was_faster_is_not_overwritten(firm: Firm) -> None:
    def meanwhile(request: Request) -> None:
        if request.method == "PUT":
            firm.github.branches[firm.branch][FILE] = TEXT + "# of somebody else\n"

    firm.github.before = meanwhile
    done = firm.quota_raise()
    assert (done.exit_code, "does not match" in done.stderr) == (2, True)
    firm.github.before = lambda _: None
    assert firm.quota_raise().exit_code == 0
    assert firm.github.branches[firm.branch][FILE].endswith("# of somebody else\n")
    assert "limit: 2400" in firm.github.branches[firm.branch][FILE]


def test_two_calls_at_once_open_one(firm: Firm) -> None:
    firm.quota_raise()
    url = firm.github.pulls[0]["html_url"]
    hidden = iter([Answer(200, [])])

    def late(_: Request) -> Answer | None:
        return next(hidden, None) if firm.github.seen[-1] == "GET /pulls" else None

    firm.github.before = late
    done = firm.quota_raise()
    assert f"Open already: {url}" in done.stdout
    assert len(firm.github.pulls) == 1


@pytest.mark.parametrize(
    ("more", "env", "said"),
    [
        ((), {"GITHUB_TOKEN": "ghs_other"}, "Bad credentials: GitHub does not take the token"),
        ((), {"GITHUB_TOKEN": ""}, "there is no token: set GITHUB_TOKEN or GH_TOKEN"),
        ((), {"GITHUB_TOKEN": "two words"}, "holds more than a token"),
        ((), {"GITHUB_API_URL": "http://github.example"}, "would be sent in the clear"),
        ((), {"GITHUB_API_URL": "http://127.0.0.1:1"}, "GitHub cannot be reached"),
        (("--base", "next"), {}, "Not Found: correct repository, path and base"),
        (("--path", "quotas/none.yaml"), {}, "Not Found: correct repository, path and base"),
        (("--path", "README.md"), {}, "README.md has neither QuotaLimits nor ResourceQuotas"),
        (("--path", "../secret"), {}, "is not a path in the repository"),
        (("--repository", "acme"), {}, "is not OWNER/NAME"),
        (("--repository", "acme/other"), {}, "Not Found: correct repository"),
        (("--token-file", "/dev/null"), {}, "/dev/null"),
    ],
)
def test_what_is_in_the_way_is_said_and_nothing_is_written(
    firm: Firm, more: tuple[str, ...], env: dict[str, str], said: str
) -> None:
    done = firm.quota_raise(*more, env=env)
    assert done.exit_code == 2
    assert said in done.stderr
    assert set(firm.github.branches) == {"main"}


def test_a_token_that_may_only_read_says_what_it_needs(firm: Firm) -> None:
    firm.github.writes = False
    done = firm.quota_raise()
    assert done.exit_code == 2
    assert "give the token the permissions contents and pull requests, read and write" in done.stderr


def test_a_token_of_a_file_and_a_change_that_is_only_shown(firm: Firm, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    done = firm.quota_raise("--token-file", str(file), "--dry-run", env={"GITHUB_TOKEN": ""})
    assert done.exit_code == 0
    assert "+  - {service: ledger.googleapis.com" in done.stdout
    assert set(firm.github.branches) == {"main"}
    assert {seen.split()[0] for seen in firm.github.seen} == {"GET"}


def test_what_the_file_does_not_declare_is_left_to_people(firm: Firm) -> None:
    firm.github.branches["main"][FILE] = TEXT.replace("metric: read_calls", "metric: other_calls")
    done = firm.quota_raise()
    assert (done.exit_code, "read_calls: quotas/production.yaml does not declare it" in done.stdout) == (
        1,
        True,
    )
    assert firm.github.pulls == []


def test_what_could_not_be_checked_is_no_lack(firm: Firm) -> None:
    policy = firm.folder / "production.yaml"
    policy.write_text(TEXT.replace("limit: 1000", "limit: unknown"))
    done = firm.quota_raise()
    assert (done.exit_code, "not everything could be checked" in done.stderr) == (2, True)
    assert firm.github.seen == []
