"""The report as JUnit's XML: a test case for each finding. Pure."""

from __future__ import annotations

import re
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from devperfops_operator.cli.render.quota.shown import Shown, asked, finding_notes, outcome, waiver_note
from devperfops_operator.domain.quota.finding import Finding, Verdict

_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(shown: Shown) -> str:
    """A regression is a failure, an error an error; what is waived, or only told (mode Warn), is skipped."""
    suite = Element("testsuite", name=_text(f"quota {shown.policy}"), timestamp=shown.at.isoformat())
    for finding in shown.sorted:
        _case(suite, finding, shown)
    for kind, count in {
        "tests": len(shown.report.findings),
        "failures": len(suite.findall("*/failure")),
        "errors": len(suite.findall("*/error")),
        "skipped": len(suite.findall("*/skipped")),
    }.items():
        suite.set(kind, str(count))
    root = Element("testsuites")
    root.append(suite)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _case(suite: Element, finding: Finding, shown: Shown) -> None:
    name = f"{finding.title}: {asked(finding, shown)}"
    case = SubElement(suite, "testcase", classname=_text(finding.service or "quota"), name=_text(name))
    notes = "\n".join(finding_notes(finding))
    if finding.waiver:
        SubElement(case, "skipped", message=_text(waiver_note(finding.waiver)))
    elif finding.verdict is Verdict.ERROR:
        _told(case, "error", finding, notes)
    elif finding.verdict is Verdict.REGRESSION and shown.blocks:
        _told(case, "failure", finding, notes)
    elif finding.verdict is Verdict.REGRESSION:
        SubElement(case, "skipped", message=_text(f"mode Warn: {finding.cause}"))
    else:
        SubElement(case, "system-out").text = _text(notes)


def _told(case: Element, kind: str, finding: Finding, notes: str) -> None:
    SubElement(case, kind, type=outcome(finding), message=_text(finding.cause)).text = _text(notes)


def _text(text: str) -> str:
    """Without what no XML may have."""
    return _NO_XML.sub(" ", text)
