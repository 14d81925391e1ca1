"""What a report shows, and the words and cells that its forms share. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from devperfops_operator.api.quota import Mode
from devperfops_operator.cli.render.words import NONE, counted
from devperfops_operator.domain.quota.entry import Limit, limit_text
from devperfops_operator.domain.quota.finding import Finding, Report, Rule, Verdict, Waiver

WAIVED: Final = "Waived"
_ORDER: Final = (Verdict.ERROR, Verdict.REGRESSION, Verdict.WARN, Verdict.PASS)


@dataclass(frozen=True, slots=True)
class Shown:
    """A report and what it is about. `file`: of the policy; `baseline`, `serving`: names."""

    policy: str
    file: str
    mode: Mode
    baseline: str
    serving: str
    at: datetime
    report: Report

    @property
    def blocks(self) -> bool:
        """Whether regressions do."""
        return self.mode is Mode.ENFORCE

    @property
    def sorted(self) -> list[Finding]:
        """What asks most of a person first."""
        return sorted(
            self.report.findings, key=lambda each: (each.waiver is not None, _ORDER.index(each.verdict))
        )

    @property
    def noteworthy(self) -> list[Finding]:
        """All that is not just as it should be."""
        return [each for each in self.sorted if each.verdict is not Verdict.PASS]


def outcome(finding: Finding) -> str:
    return WAIVED if finding.waiver else finding.verdict.value


def asked(finding: Finding, shown: Shown) -> str:
    """What the rule asks of serving."""
    return {
        Rule.BASELINE: f"{shown.baseline} <= {shown.serving}",
        Rule.PEAK: "peak fits",
        Rule.SNAPSHOT: "not below the snapshot",
        Rule.NEED: "need is granted",
        Rule.CONSUMPTION: "consumption at the peak is granted",
        Rule.READING: "can be read",
    }[finding.rule]


def amount(limit: Limit | None, finding: Finding) -> str:
    return NONE if limit is None or finding.unit is None else limit_text(limit, finding.unit)


COLUMNS: Final = ("verdict", "limit", "rule", "asked", "granted", "peak", "headroom")


def cells(finding: Finding) -> tuple[str, ...]:
    """As `COLUMNS`. Asked is what is held against serving: the baseline's limit, a snapshot's, a need."""
    return (
        outcome(finding),
        finding.title,
        finding.rule.value,
        amount(finding.wanted, finding),
        amount(finding.limit, finding),
        amount(finding.peak, finding),
        amount(finding.headroom, finding),
    )


def summary(report: Report) -> str:
    """`12 checks: 10 pass, 1 regression, 1 waived`."""
    counts = Counter(outcome(each) for each in report.findings)
    words = {
        "Pass": "pass",
        "Warn": "to look at",
        "Regression": "regression",
        "Error": "error",
        WAIVED: "waived",
    }
    parts = [
        f"{counts[key]:,} {_plural(key, word, counts[key])}" for key, word in words.items() if counts[key]
    ]
    return f"{counted(len(report.findings), 'check')}: {', '.join(parts)}"


def _plural(key: str, word: str, count: int) -> str:
    return f"{word}s" if key in {"Regression", "Error"} and count > 1 else word


def conclusion(shown: Shown) -> str:
    """What follows, in a sentence."""
    match shown.report.verdict:
        case Verdict.ERROR:
            return "Not everything could be checked: this is neither a pass nor a regression."
        case Verdict.REGRESSION if shown.blocks:
            return f"Do not promote: {shown.serving} grants less than is asked of it."
        case Verdict.REGRESSION:
            less = f"{shown.serving} grants less than is asked of it"
            return f"{less}; it is only told, as the policy's mode is Warn."
        case _ if any(each.waiver for each in shown.report.findings):
            return f"{shown.serving} grants what is asked of it, but for what is waived."
        case _:
            return f"{shown.serving} grants what is asked of it."


def waiver_notes(report: Report) -> Iterator[str]:
    for waiver in report.expired:
        yield f"Waiver {waiver.name} expired at {_day(waiver.expires)} and does not count: {_said(waiver)}"
    for waiver in report.unneeded:
        yield f"Waiver {waiver.name} waives nothing now; remove it: {_said(waiver)}"


def waiver_note(waiver: Waiver) -> str:
    return f"waived by {waiver.approver} until {_day(waiver.expires)} ({waiver.name}): {waiver.reason}"


def _said(waiver: Waiver) -> str:
    return f"{waiver.service}/{waiver.metric}, by {waiver.approver}: {waiver.reason}"


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M %Z").strip()


def finding_notes(finding: Finding) -> Sequence[str]:
    """Why, what to do, and who lets it be."""
    waived = [waiver_note(finding.waiver)] if finding.waiver else []
    return [finding.cause, *([f"-> {finding.remedy}"] if finding.remedy and not waived else []), *waived]
