"""What the documents show is accepted."""

import re
from pathlib import Path

import pytest

from devperfops_operator.api.lint import Severity, lint

ROOT = Path(__file__).parents[2]
BLOCKS = [
    (f"{name}:{text.count(chr(10), 0, block.start()) + 1}", block[1])
    for name in ("README.md", "docs/gates.md", "docs/quota.md", "docs/slo.md", "docs/profile.md")
    for text in [(ROOT / name).read_text()]
    for block in re.finditer(r"```yaml\n(.*?)```", text, re.DOTALL)
]


@pytest.mark.parametrize(("place", "manifest"), BLOCKS, ids=[place for place, _ in BLOCKS])
def test_a_manifest_in_the_documents_has_no_error(place: str, manifest: str) -> None:
    found = lint([(place, manifest)], lambda *_: [])
    assert [each for each in found if each.severity is Severity.ERROR] == []


def test_there_are_manifests_to_check() -> None:
    assert len(BLOCKS) >= 4
