"""The report for a pull request: the status's own words, and nothing in them is markup."""

from __future__ import annotations

import re

from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.cli.render.markdown import markdown
from tests.unit.cli import samples


def unescaped(text: str) -> str:
    return re.sub(r"\\([\\`*_{}\[\]<>#|~@&])", r"\1", text)


def test_it_says_what_the_status_says() -> None:
    text = unescaped(markdown(samples.failed(), samples.clock(60)))
    assert text.startswith("## Fail: podinfo-5f2c1a9b3d-1\n")
    assert f"**ObjectiveFailed**: {samples.FAILURE}\n" in text
    assert "| Fail | p99 < 2s | p99 = 2.31 s | 7.5243% | 11.4% | 1% | 412 |" in text
    assert samples.ROLLED_BACK in text


def test_every_table_has_as_many_cells_in_each_row_whatever_the_texts_hold() -> None:
    hostile = "a | b <img src=x> [x](http://x) @team\n# heading `code`"
    run = samples.failed()
    entry = run.status.timeline[0].model_copy(update={"message": hostile})
    status = run.status.model_copy(update={"message": hostile, "timeline": (entry,)})
    text = markdown(PerfRun(metadata=run.metadata, spec=run.spec, status=status), samples.clock(60))
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1, table
    assert "\n# heading" not in text
    assert not re.search(r"(?<!\\)[<@\[`]", text.replace("\\\\", ""))


def test_what_looks_like_an_entity_is_no_mention_and_stays_as_it_is() -> None:
    said = "sum(rate(x{path='/?a=1&lt=2'}[1m])) asks &commat;everybody"
    text = markdown(samples.run(phase="Completed", message=said), samples.clock(60))

    assert re.search(r"(?<!\\)&", text) is None
    assert said in unescaped(text)


def test_a_run_that_has_just_begun_has_a_report_too() -> None:
    assert markdown(samples.run(), samples.clock(1)).startswith("## Pending: ")
