"""What a gate's quota policy says, from the texts of a ConfigMap."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from devperfops_operator.api.perfrun import Verdict as Judged
from devperfops_operator.domain.judgement import decided
from devperfops_operator.domain.quota.answer import QuotaAnswer, checked
from devperfops_operator.domain.quota.finding import Verdict
from devperfops_operator.domain.quota.gating import under_quota, unknown
from devperfops_operator.domain.quota.kept import Stored, of_config_map, of_resources
from devperfops_operator.domain.verdict import Reason

NOW = datetime(2026, 11, 28, tzinfo=UTC)
EXAMPLE = Path(__file__).parents[4] / "examples/quota"
FILES = {
    name: (EXAMPLE / name).read_text()
    for name in ("policy.yaml", "load-test.yaml", "production.yaml", "peaks.yaml")
}
WAIVER = (EXAMPLE / "waiver.yaml").read_text()
RAISED = FILES["production.yaml"].replace("limit: 1000", "limit: 2400")


def answered(**changes: str | None) -> QuotaAnswer:
    """`changes`: by key, with _ for a dot and a hyphen: None leaves it out."""
    named = {key.replace("__", "-").replace("_", "."): text for key, text in changes.items()}
    data = {key: text for key, text in (FILES | named).items() if text is not None}
    return kept_in("january", data, NOW)


def kept_in(name: str, data: dict[str, str] | None, now: datetime) -> QuotaAnswer:
    return checked(lambda: of_config_map(name, data), now).answer


def test_a_regression_is_told_with_the_limits_and_what_to_do() -> None:
    answer = answered()
    assert (answer.verdict, answer.blocks) == (Verdict.REGRESSION, True)
    assert answer.message.startswith(
        "quota policy january: production grants less than is asked of it: ledger.googleapis.com/read_calls: "
    )
    assert "1,000" in answer.message


def test_what_is_granted_needs_no_words() -> None:
    assert answered(production_yaml=RAISED) == QuotaAnswer(Verdict.PASS, blocks=True, message="")


def test_in_mode_warn_it_is_only_told() -> None:
    answer = answered(policy_yaml=FILES["policy.yaml"].replace("mode: Enforce", "mode: Warn"))
    assert (answer.verdict, answer.blocks) == (Verdict.REGRESSION, False)


def test_a_waiver_counts_until_it_expires_and_is_told() -> None:
    answer = answered(waiver_yaml=WAIVER)
    assert answer.verdict is Verdict.PASS
    assert "read_calls is waived by Ada Byron until 2027-01-15 00:00 UTC" in answer.message
    late = kept_in("january", {**FILES, "waiver.yaml": WAIVER}, datetime(2027, 1, 15, 0, 0, 1, tzinfo=UTC))
    assert late.verdict is Verdict.REGRESSION
    assert late.message.endswith(
        "waiver read-calls-asked-for by Ada Byron until 2027-01-15 00:00 UTC does not count any more"
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"production_yaml": None}, "ConfigMap january has no key production.yaml"),
        ({"policy_yaml": None}, "ConfigMap january does not hold one QuotaPolicy"),
        ({"more_yaml": FILES["policy.yaml"]}, "ConfigMap january does not hold one QuotaPolicy"),
        ({"production_yaml": "{"}, "january/production.yaml:1: cannot be read"),
        ({"peaks_yaml": "kind: Other"}, "peaks.yaml has 0 documents of kind QuotaPeaks; write one"),
        (
            {"production_yaml": FILES["production.yaml"].replace("limit: 1000", "limit: lots")},
            'spec.limits[0].limit: "lots" is not a number',
        ),
        (
            {"policy_yaml": FILES["policy.yaml"].replace("file: production.yaml", "google: {project: p}")},
            "the operator reads files only, and environment production is none",
        ),
        (
            {
                "production_yaml": FILES["production.yaml"].replace(
                    "spec:", "spec:\n  observedAt: 2026-11-26T00:00:00Z"
                )
            },
            "the limits were read on 2026-11-26 00:00 UTC, more than 24.0 hours ago",
        ),
    ],
)
def test_what_cannot_be_read_is_neither_a_pass_nor_a_regression(
    changes: dict[str, str | None], words: str
) -> None:
    answer = answered(**changes)
    assert answer.verdict is Verdict.ERROR
    assert words in answer.message
    assert "\n" not in answer.message


def test_a_missing_config_map_is_named() -> None:
    answer = kept_in("january", None, NOW)
    assert answer.verdict is Verdict.ERROR
    assert "ConfigMap january does not exist; create it" in answer.message


RESOURCE = yaml.safe_load(FILES["policy.yaml"])["spec"]
WAIVED = Stored(
    "asked-for",
    {
        "service": "ledger.googleapis.com",
        "metric": "read_calls",
        "reason": "asked for",
        "approver": "Ada Byron",
        "expires": "2027-01-15T00:00:00Z",
    },
)


def by_resource(*waivers: Stored, files: dict[str, str] | None = FILES, **changes: object) -> QuotaAnswer:
    """Of a QuotaPolicy with these fields changed; None takes one away."""
    spec = {**RESOURCE, "configMap": "january", **changes}
    policy = Stored("january", {name: value for name, value in spec.items() if value is not None})
    return checked(lambda: of_resources("january", policy, waivers, files), NOW).answer


def test_a_resource_is_answered_in_the_words_of_a_file() -> None:
    assert by_resource() == answered()
    assert by_resource(WAIVED) == answered(waiver_yaml=WAIVER)
    assert by_resource(mode="Warn") == answered(
        policy_yaml=FILES["policy.yaml"].replace("mode: Enforce", "mode: Warn")
    )


def test_a_waiver_of_what_the_policy_does_not_compare_is_none_of_its_business() -> None:
    elsewhere = Stored("other", {**WAIVED.spec, "metric": "writes"})
    asked = of_resources(
        "january",
        Stored(
            "january",
            {**RESOURCE, "services": [{"name": "ledger.googleapis.com", "metrics": ["read_calls"]}]},
        ),
        [elsewhere, WAIVED],
        FILES,
    )
    assert [each.name for each in asked.waivers] == ["asked-for"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            by_resource(configMap=None),
            "QuotaPolicy january names file load-test.yaml but no ConfigMap; write spec.configMap",
        ),
        (by_resource(files=None), "ConfigMap january does not exist; create it with a key load-test.yaml"),
        (by_resource(files={}), "ConfigMap january has no key load-test.yaml"),
        (
            by_resource(serving={"name": "production", "google": {"project": "p"}}),
            "the operator reads files only, and environment production is none",
        ),
        (
            by_resource(needs=[{**RESOURCE["needs"][0], "from": "02-30"}]),
            'QuotaPolicy january: spec.needs[0].from: "02-30" is not a day of the year',
        ),
        (by_resource(scope=1), "QuotaPolicy january: spec.scope: there is no such field"),
        (
            checked(lambda: of_resources("january", None, [], None), NOW).answer,
            "QuotaPolicy january does not exist; create it",
        ),
    ],
)
def test_a_resource_that_cannot_be_used_says_why(answer: QuotaAnswer, words: str) -> None:
    assert answer.verdict is Verdict.ERROR
    assert words in answer.message


MET = decided(Reason.OBJECTIVES_MET, "all objectives are met")


@pytest.mark.parametrize(
    ("answer", "reason", "message"),
    [
        (None, "ObjectivesMet", "all objectives are met"),
        (QuotaAnswer(Verdict.PASS, blocks=True, message=""), "ObjectivesMet", "all objectives are met"),
        (
            QuotaAnswer(Verdict.WARN, blocks=True, message="look"),
            "ObjectivesMet",
            "all objectives are met; look",
        ),
        (
            QuotaAnswer(Verdict.REGRESSION, blocks=False, message="less"),
            "ObjectivesMet",
            "all objectives are met; less",
        ),
        (
            QuotaAnswer(Verdict.REGRESSION, blocks=True, message="less"),
            "QuotaRegression",
            "less; otherwise all objectives are met",
        ),
        (
            QuotaAnswer(Verdict.ERROR, blocks=False, message="what"),
            "QuotaUnknown",
            "what; otherwise all objectives are met",
        ),
    ],
)
def test_only_a_pass_needs_the_quota(answer: QuotaAnswer | None, reason: str, message: str) -> None:
    judgement = under_quota(MET, answer)
    assert (judgement.reason, judgement.message) == (reason, message)
    failed = decided(Reason.OBJECTIVE_FAILED, "too slow")
    assert under_quota(failed, answer) == failed


def test_only_what_cannot_be_read_ends_a_run_before_its_load() -> None:
    assert unknown(None) is None
    assert unknown(QuotaAnswer(Verdict.REGRESSION, blocks=True, message="less")) is None
    judgement = unknown(QuotaAnswer(Verdict.ERROR, blocks=True, message="what"))
    assert judgement is not None
    assert (judgement.verdict, judgement.reason) == (Judged.ERROR, "QuotaUnknown")
