"""`devperfops jtl` beside JMeter's own report of the same file: equal where both mean the same."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from devperfops_operator.cli.app import app
from hack import jmeter
from tests.conftest import require_layer
from tests.unit.analysis.jtl.test_report import drawn
from tests.unit.wire.jtl_text import jtl

LINE = 1e-12  # JMeter's means are running ones, its rates go through other divisions


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Requests and transactions of different names, as in a test plan; quoted and broken lines among them."""
    rows = drawn(7, 3_000, 5)
    for each in rows:
        if str(each["responseMessage"]).startswith("Number of samples"):
            each["label"] = f"transaction {each['label']}"
        each |= {"grpThreads": 1, "allThreads": 1, "Latency": 1, "IdleTime": 0, "Connect": 0}
        each |= {"bytes": each.get("bytes", 0), "sentBytes": each.get("sentBytes", 0)}
    written = tmp_path_factory.mktemp("jtl") / "run.jtl"
    written.write_bytes(jtl(*rows))
    return written


@pytest.fixture(scope="module")
def ours(file: Path) -> Any:
    done = CliRunner().invoke(app, ["jtl", str(file), "--json"])
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def theirs(file: Path) -> Path:
    """The folder of JMeter's report."""
    require_layer("JMeter", jmeter.problem())
    report = file.parent / "report"
    command = ["java", "-jar", str(jmeter.jar(jmeter.ensure())), "-g", str(file), "-o", str(report)]
    subprocess.run(command, cwd=file.parent, check=True, capture_output=True, timeout=120)
    return report


def by_name(document: Any) -> dict[str, Any]:
    return {each["name"]: each for each in document["transactions"]} | {"Total": document["total"]}


def table(report: Path, name: str) -> list[list[Any]]:
    """The rows of one of the report's tables; the total first."""
    text = (report / "content/js/dashboard.js").read_text()
    found = re.search(rf'createTable\(\$\("#{name}"\), (\{{.*?\}}), function', text)
    assert found, name
    content = json.loads(found[1])
    overall = content.get("overall") or {}
    return [each["data"] for each in [overall, *content["items"]] if each.get("data")]


def test_statistics_are_equal(ours: Any, theirs: Path) -> None:
    statistics = json.loads((theirs / "statistics.json").read_text())
    mine = by_name(ours)
    assert set(mine) == set(statistics)
    pairs: dict[str, Callable[[Any], Any]] = {
        "sampleCount": lambda it: it["samples"],
        "errorCount": lambda it: it["errors"],
        "minResTime": lambda it: it["minMs"],
        "maxResTime": lambda it: it["maxMs"],
        "meanResTime": lambda it: it["meanMs"],
        "throughput": lambda it: it["throughput"],
        "receivedKBytesPerSec": lambda it: it["receivedBytesPerSecond"] / 1024,
        "sentKBytesPerSec": lambda it: it["sentBytesPerSecond"] / 1024,
    }
    for name, figures in statistics.items():
        assert {key: value(mine[name]) for key, value in pairs.items()} == pytest.approx(
            {key: figures[key] for key in pairs}, rel=LINE
        )


def test_apdex_of_each_transaction_is_equal(ours: Any, theirs: Path) -> None:
    _total, *rows = table(theirs, "apdexTable")
    assert {each[3]: each[0] for each in rows} == {
        each["name"]: each["apdex"] for each in ours["transactions"]
    }


def test_the_most_frequent_errors_are_equal(ours: Any, theirs: Path) -> None:
    """JMeter leaves Transaction Controllers out of this table by default."""
    mine = {name: found for name, found in by_name(ours).items() if not found.get("controller")}
    rows = table(theirs, "top5ErrorsBySamplerTable")
    assert {each[0] for each in rows} == {name for name, found in mine.items() if found["errors"]}
    for name, samples, errors, *pairs in rows:
        found = mine[name]
        assert (samples, errors) == (found["samples"], found["errors"])
        told = {plain(kind): count for kind, count in zip(pairs[::2], pairs[1::2], strict=True) if kind}
        assert told == {each["type"]: each["count"] for each in found["topErrors"]}


def plain(kind: str) -> str:
    """JMeter escapes what it shows, for HTML and then for JSON."""
    return str(json.loads(f'"{kind}"')).replace("&quot;", '"')
