"""`devperfops quota`: the accountants' story, what each form shows, and what is said of files that are wrong."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
import yaml
from click.testing import CliRunner, Result

from devperfops_operator.api.lint import PlanReader, lint
from devperfops_operator.cli.app import app

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples/quota"


def quota(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["quota", *map(str, arguments)])


class Firm:
    """A copy of the example, whose files the story changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "quota"
        shutil.copytree(EXAMPLE, self.folder)

    def check(self, *more: object) -> Result:
        return quota("check", "-f", self.folder / "policy.yaml", *more)

    def verdicts(self, *more: object) -> dict[str, str]:
        found = json.loads(self.check("-o", "json", *more).stdout)["findings"]
        return {f"{each['rule']} {each['metric']}": each["verdict"] for each in found}

    def replace(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def waive(self, days: float) -> Path:
        """The example's waiver, which expires in so many days."""
        path = self.folder / "waiver.yaml"
        waiver = yaml.safe_load(path.read_text())
        waiver["spec"]["expires"] = (datetime.now(UTC) + timedelta(days=days)).isoformat()
        path.write_text(yaml.safe_dump(waiver))
        return path


@pytest.fixture
def firm(tmp_path: Path) -> Firm:
    return Firm(tmp_path)


def test_the_accountants_story(firm: Firm) -> None:
    blocked = firm.check()
    assert blocked.exit_code == 1
    assert (
        "load-test has 2,400/min, production has 1,000/min: what was tested may be refused there"
        in blocked.stdout
    )
    assert "with a safety of 1.2 that is 1,740/min; production has 1,000/min" in blocked.stdout
    assert "-> raise it to at least 2,400/min in " in blocked.stdout
    assert firm.verdicts()["peak write_calls"] == "Pass"

    waived = firm.check("-f", firm.waive(days=7))
    assert waived.exit_code == 0
    assert "waived by Ada Byron until " in waived.stdout
    assert firm.verdicts("-f", firm.waive(days=7))["peak read_calls"] == "Waived"

    expired = firm.check("-f", firm.waive(days=-1))
    assert expired.exit_code == 1
    assert "Waiver read-calls-asked-for expired at " in expired.stdout

    firm.replace("production.yaml", "limit: 1000}", "limit: 2400}")
    raised = firm.check("-f", firm.waive(days=7))
    assert raised.exit_code == 0
    assert "Waiver read-calls-asked-for waives nothing now; remove it" in raised.stdout
    assert set(firm.verdicts().values()) == {"Pass"}


def test_a_policy_that_only_warns_tells_and_lets_pass(firm: Firm) -> None:
    firm.replace("policy.yaml", "mode: Enforce", "mode: Warn")
    done = firm.check()
    assert done.exit_code == 0
    assert "Regression" in done.stdout
    assert "it is only told, as the policy's mode is Warn" in done.stdout


def test_what_passes_is_shown_when_asked_for(firm: Firm) -> None:
    assert "write_calls" not in firm.check().stdout
    assert "write_calls" in firm.check("--all").stdout


def test_a_drop_since_the_snapshot_is_a_regression(firm: Firm) -> None:
    policy, snapshot = firm.folder / "policy.yaml", firm.folder / "approved.json"
    taken = quota("snapshot", "-f", policy, snapshot)
    assert taken.exit_code == 0
    assert "3 limits of load-test, 3 limits of production; sha256:" in taken.stdout
    assert firm.verdicts("--snapshot", snapshot)["snapshot storage"] == "Pass"
    assert quota("diff", snapshot, "-f", policy).exit_code == 0

    firm.replace("production.yaml", "limit: 2000", "limit: 1500")
    assert firm.verdicts("--snapshot", snapshot)["snapshot storage"] == "Regression"
    done = quota("diff", snapshot, "-f", policy)
    assert done.exit_code == 1
    assert "1 limit changed, 1 of them lowered or gone" in done.stdout
    (change,) = json.loads(quota("diff", snapshot, "-f", policy, "--json").stdout)["changes"]
    assert (change["before"], change["after"], change["lower"]) == ("2000", "1500", True)


def test_two_snapshots_are_compared_without_a_policy(firm: Firm) -> None:
    for name, limit in (("old", "1000"), ("new", "2400")):
        firm.replace("production.yaml", "limit: 1000}", f"limit: {limit}}}")
        quota("snapshot", "-f", firm.folder / "policy.yaml", firm.folder / f"{name}.json")
    done = quota("diff", firm.folder / "old.json", firm.folder / "new.json")
    assert done.exit_code == 0
    assert "1,000/min" in done.stdout
    assert quota("diff", firm.folder / "old.json").exit_code == 2


def test_a_snapshot_changed_by_hand_is_refused(firm: Firm) -> None:
    snapshot = firm.folder / "approved.json"
    quota("snapshot", "-f", firm.folder / "policy.yaml", snapshot)
    snapshot.write_text(snapshot.read_text().replace('"2000"', '"1000"'))
    done = firm.check("--snapshot", snapshot)
    assert done.exit_code == 2
    assert "somebody changed it" in done.stderr


def test_a_snapshot_of_another_environment_is_refused(firm: Firm) -> None:
    snapshot = firm.folder / "approved.json"
    quota("snapshot", "-f", firm.folder / "policy.yaml", snapshot)
    firm.replace("policy.yaml", "name: production", "name: production-eu")
    done = firm.check("--snapshot", snapshot)
    assert done.exit_code == 2
    assert "is a snapshot of production, not of production-eu" in done.stderr


@pytest.mark.parametrize("mode", ["Warn", "Enforce"])
def test_limits_read_long_ago_are_an_error(firm: Firm, mode: str) -> None:
    firm.replace("policy.yaml", "mode: Enforce", f"mode: {mode}")
    firm.replace("production.yaml", "spec:\n", "spec:\n  observedAt: 2026-01-01T00:00:00Z\n")
    done = firm.check()
    assert done.exit_code == 2
    assert "neither a pass nor a regression" in done.stdout


def test_a_release_that_calls_more_than_production_grants_is_blocked_by_its_runs_report(firm: Firm) -> None:
    policy, report = firm.folder / "consumption.yaml", firm.folder / "report.json"
    blocked = quota("check", "-f", policy, "--report", report)
    assert blocked.exit_code == 1
    assert "1.44 calls per request (1.43 to 1.45; 1.2 at the known-good revision)" in blocked.stdout
    assert "this revision needs 1,440/min at the peak of 1,000 requests a minute (January, " in blocked.stdout
    assert "440/min more" in blocked.stdout
    assert "an estimate: the peak is declared, and was not measured" in blocked.stdout

    firm.replace("production.yaml", "limit: 1000", "limit: 1440")
    assert quota("check", "-f", policy, "--report", report).exit_code == 0
    without = quota("check", "-f", policy)
    assert without.exit_code == 0
    assert "is not known: no report of a run was given: --report" in without.stdout


UNREADABLE = json.dumps(
    {
        "schema": "devperfops.io/report/v1",
        "consumption": {"figures": [{"name": "a", "counts": "Calls", "perRequest": "much"}]},
    }
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is not JSON"),
        ("{}", "is no report (devperfops.io/report/v1); write one: devperfops report RUN -o json"),
        (
            UNREADABLE,
            "consumption cannot be used",
        ),
    ],
)
def test_a_report_that_is_none_is_an_error(firm: Firm, text: str, told: str) -> None:
    report = firm.folder / "report.json"
    report.write_text(text)
    found = quota("check", "-f", firm.folder / "consumption.yaml", "--report", report)
    assert found.exit_code == 2
    assert told in " ".join(found.stderr.split())


def test_a_run_that_measured_nothing_is_told(firm: Firm) -> None:
    report = firm.folder / "report.json"
    report.write_text('{"schema": "devperfops.io/report/v1", "consumption": null}')
    found = quota("check", "-f", firm.folder / "consumption.yaml", "--report", report)
    assert "the run of report.json has not measured it" in found.stdout


def test_junit_has_a_failure_for_each_regression(firm: Firm) -> None:
    suite = fromstring(firm.check("-o", "junit").stdout)[0]
    failures = [each.get("name") for each in suite if each.find("failure") is not None]
    assert len(failures) == int(suite.get("failures", "")) >= 2
    assert "ledger.googleapis.com/read_calls: load-test <= production" in failures
    waived = fromstring(firm.check("-o", "junit", "-f", firm.waive(days=1)).stdout)[0]
    assert (waived.get("failures"), waived.get("skipped")) == ("0", str(len(failures)))


def test_sarif_names_the_policy_and_suppresses_what_is_waived(firm: Firm) -> None:
    (run,) = json.loads(firm.check("-o", "sarif").stdout)["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {"quota/baseline", "quota/peak"} <= {result["ruleId"] for result in run["results"]} <= rules
    assert all(result["level"] == "error" for result in run["results"] if result["ruleId"] != "quota/need")
    (run,) = json.loads(firm.check("-o", "sarif", "-f", firm.waive(days=1)).stdout)["runs"]
    assert all(result["suppressions"] for result in run["results"] if result["level"] == "error")


def test_markdown_is_a_table_with_escaped_texts(firm: Firm) -> None:
    firm.replace("policy.yaml", "name: january", "name: ja|nu*ary")
    text = firm.check("-o", "markdown").stdout
    assert text.startswith("## Quota ja\\|nu\\*ary: Regression\n")
    assert "| Verdict | Limit | Rule | Asked | Granted | Peak | Headroom |" in text


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("policy.yaml", 'safety: "1.2"', "safty: 1.2", r"policy.yaml:10: spec.safty: there is no such field"),
        ("policy.yaml", 'safety: "1.2"', "safety: -1", r'spec.safety: "-1" is negative'),
        ("policy.yaml", 'safety: "1.2"', "safety: 0", r'spec.safety: "0" is not above 0'),
        ("policy.yaml", "mode: Enforce", "mode: Block", r"\"Block\" is none of 'Warn' or 'Enforce'"),
        ("policy.yaml", "from: 01-01", "from: 31-01", r'policy.yaml:16: spec.needs\[0\].from: "31-01" is not a day'),
        ("policy.yaml", "from: 01-01\n    ", "", "from and to belong together"),
        ("policy.yaml", "safety:", "services: [{name: storage}]\n  safety:", r"needs\[0\]: .*is not among spec.services"),
        ("policy.yaml", "file: production.yaml", "file: staging.yaml", "cannot read .*staging.yaml: No such file"),
        ("policy.yaml", ", file: production.yaml", "", "spec.serving: needs one of file, kubernetes, envoy, google, aws and azure"),
        ("policy.yaml", "name: production", "name: load-test", "baseline and serving have the same name"),
        ("policy.yaml", "kind: QuotaPolicy", "kind: QuotaPolice", "there are 0 documents of kind QuotaPolicy"),
        ("policy.yaml", "v1alpha1", "v1", "none of 'devperfops.io/v1alpha1'"),
        ("production.yaml", "limit: 1000}", "limit: -1}", r"production.yaml:6: spec.limits\[0\].limit: .* write unlimited"),
        ("production.yaml", "limit: 1000}", "limit: lots}", r'"lots" is not a number'),
        ("production.yaml", "1/min/{project}", "1/month", r'spec.limits\[0\].unit: "1/month" is not a unit'),
        ("production.yaml", "write_calls", "read_calls", "has a limit for the same dimensions and unit already"),
        ("production.yaml", "limit: 1000}", "limit: 1000", "production.yaml:.*: cannot be read"),
        ("peaks.yaml", "peak: 1450", "peek: 1450", r"spec.peaks\[0\].peek: there is no such field"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_told_with_line_field_and_remedy(
    firm: Firm, file: str, old: str, new: str, said: str
) -> None:
    firm.replace(file, old, new)
    done = firm.check()
    assert done.exit_code == 2
    assert done.stdout == ""
    assert re.search(said, done.stderr)


def test_json_is_read_too_and_told_by_its_fields(firm: Firm) -> None:
    firm.replace("policy.yaml", "file: production.yaml", "file: production.json")
    limits = yaml.safe_load((firm.folder / "production.yaml").read_text())
    file = firm.folder / "production.json"
    file.write_text(json.dumps(limits))
    assert firm.verdicts()["baseline read_calls"] == "Regression"
    for old, new, said in (
        (
            '"limit": 1000',
            '"limit": "many"',
            r'production.json:1: spec.limits[0].limit: "many" is not a number',
        ),
        ('"limit": 1000', '"limit": 1000, "limit": 2400', "limit is written twice"),
        ('"limit": 1000', '"limit":', "production.json:1: cannot be read: Expecting value"),
    ):
        file.write_text(json.dumps(limits).replace(old, new))
        assert said in firm.check().stderr


def test_a_waiver_needs_a_zone_and_an_approver(firm: Firm) -> None:
    for old, new, said in (
        ("expires: 2027-01-15T00:00:00Z", "expires: 2027-01-15", "write date, time and zone"),
        ("approver: Ada Byron", "approver: ''", "approver: is empty"),
    ):
        shutil.copy(EXAMPLE / "waiver.yaml", firm.folder)
        firm.replace("waiver.yaml", old, new)
        done = firm.check("-f", firm.folder / "waiver.yaml")
        assert done.exit_code == 2
        assert said in done.stderr


def test_lint_knows_the_documents(firm: Firm) -> None:
    paths = [*EXAMPLE.glob("*.yaml"), *EXAMPLE.glob("kubernetes/*.yaml")]
    files = [(str(each), each.read_text()) for each in paths]
    reader = PlanReader(lambda *_: [], lambda _: None)
    assert lint(files, reader) == []
    firm.replace("waiver.yaml", "reason:", "reasons:")
    waiver = firm.folder / "waiver.yaml"
    found = lint([(str(waiver), waiver.read_text())], reader)
    assert {(each.path, each.line) for each in found} == {("spec", 5), ("spec.reasons", 8)}


def test_rate_limits_are_compared_from_the_files_that_configure_them(firm: Firm) -> None:
    policy = firm.folder / "envoy/policy.yaml"
    done = quota("check", "-f", policy)
    assert done.exit_code == 1
    assert "load-test has 100/s, production has 60/s" in done.stdout
    assert "-> raise it to at least 600/min in " in done.stdout
    for file, old, new in (("local", "60", "100"), ("ratelimit", "500", "600")):
        path = firm.folder / f"envoy/production/{file}.yaml"
        path.write_text(path.read_text().replace(f"{old}, ", f"{new}, ").replace(f"{old}}}", f"{new}}}"))
    assert quota("check", "-f", policy).exit_code == 0
    path.write_text("domain: [")
    broken = quota("check", "-f", policy)
    assert broken.exit_code == 2
    assert "ratelimit.yaml: cannot be read as YAML in line 1." in broken.stderr
    path.unlink()
    assert "cannot read " in quota("check", "-f", policy).stderr


CI: Mapping[str, str] = {
    "github.yaml": "jobs",
    "gitlab-ci.yaml": "quota",
    "cloudbuild.yaml": "steps",
    "tekton.yaml": "spec",
}


@pytest.mark.parametrize(("file", "key"), CI.items(), ids=CI.keys())
def test_a_ready_step_is_sound_and_calls_a_command_there_is(file: str, key: str) -> None:
    text = (EXAMPLE / "ci" / file).read_text()
    assert key in yaml.safe_load(text)
    commands = [line.strip().removeprefix("- ") for line in text.splitlines() if "devperfops quota" in line]
    assert commands
    for line in commands:
        words = line[line.index("devperfops quota") :].split()
        assert words[2] == "check"
        assert words[words.index("-o") + 1] in {"text", "markdown", "json", "junit", "sarif"}
