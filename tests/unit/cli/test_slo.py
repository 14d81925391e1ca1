"""`devperfops slo`: screens, documents, pictures, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml
from click.testing import CliRunner, Result

from devperfops_operator.cli.app import app
from hack.cluster.settings import CHECKOUT

EXAMPLE = CHECKOUT / "examples/slo"
SHOP = (EXAMPLE / "graph.yaml", EXAMPLE / "openslo.yaml")
LOOSE = """\
apiVersion: devperfops.io/v1alpha1
kind: ServiceGraph
metadata: {name: loose}
spec:
  roots: [{service: front, sla: [p99 < 2s]}]
  services:
  - name: front
    latency: [{expect: p99.9 < 100ms, source: SLO}]
    calls: [{to: "cart <b>&"}]
  - name: "cart <b>&"
    latency: [{expect: p99 < 3s, source: SLO}]
"""


def run(command: str, *arguments: object, files=SHOP) -> Result:
    named = [part for file in files for part in ("-f", str(file))]
    return CliRunner().invoke(app, ["slo", command, *named, *map(str, arguments)])


@pytest.fixture
def loose(tmp_path: Path) -> Path:
    file = tmp_path / "graph.yaml"
    file.write_text(LOOSE)
    return file


def test_the_shop_is_judged_sla_by_sla_with_its_sums() -> None:
    done = run("check")
    assert done.exit_code == 0
    assert "front-end GET /catalogue: p99 < 500ms  Guaranteed" in done.stdout
    assert "front-end POST /orders: p99 < 2s  Plausible" in done.stdout
    assert "which is no p99 of the whole" in done.stdout
    assert done.stdout.endswith("3 guaranteed, 1 plausible\n")
    assert done.stderr == ""


def test_a_contradiction_ends_with_1_and_names_the_hop(loose: Path) -> None:
    done = run("check", files=[loose])
    assert done.exit_code == 1
    assert "cart <b>& (SLO: p99 < 3s) may break it alone" in done.stdout


def test_json_has_the_sum_in_numbers() -> None:
    document = json.loads(run("check", "-o", "json").stdout)
    assert document["schema"] == "devperfops.io/slo/v1"
    first = document["slas"][0]
    assert (first["standing"], first["allowed"], first["by"]) == ("Guaranteed", 0.01, [])
    assert sum(line["share"] for line in first["sum"]["lines"]) == pytest.approx(first["sum"]["share"])
    assert sum(line["ms"] for line in first["sum"]["lines"]) == pytest.approx(first["sum"]["ms"])


def test_the_derived_objectives_of_the_shop_guarantee_all_its_slas(tmp_path: Path) -> None:
    derived = tmp_path / "derived.yaml"
    derived.write_text(run("derive", "-o", "openslo").stdout)
    done = run("check", files=[EXAMPLE / "graph.yaml", derived])
    assert done.stdout.endswith("4 guaranteed\n")


def test_derive_says_how_each_sla_was_divided_and_what_is_not_kept_yet(tmp_path: Path) -> None:
    done = run("derive")
    assert done.exit_code == 0
    assert "front-end POST /orders: p99 < 2s among 7 hops: 1.04 x their measured times" in done.stdout
    strict = tmp_path / "strict.yaml"
    strict.write_text((EXAMPLE / "graph.yaml").read_text().replace("p99 < 500ms", "p99 < 100ms"))
    assert "not kept yet" in run("derive", files=[strict, EXAMPLE / "openslo.yaml"]).stdout
    objectives = json.loads(run("derive", "-o", "json").stdout)["objectives"]
    assert objectives[0]["hop"] == "front-end GET /catalogue"


def test_derive_names_hops_of_which_nothing_is_known() -> None:
    done = run("derive", files=[EXAMPLE / "graph.yaml"])
    assert done.exit_code == 2
    assert "nothing is promised or measured of cart, shipping (its time)" in done.stderr


def test_mermaid_has_every_hop_and_marks_the_one_at_fault(loose: Path) -> None:
    drawn = run("graph", files=[loose]).stdout
    assert drawn.startswith("flowchart LR\n")
    assert 'n1["cart #lt;b#gt;&"]:::contradicted' in drawn
    assert "n0 --> n1" in drawn


def test_the_svg_is_well_formed_and_nothing_overlaps(loose: Path) -> None:
    for files in (SHOP, [loose]):
        drawing = ET.fromstring(run("graph", "-o", "svg", files=files).stdout)
        boxes = [each.attrib for each in drawing.iter("{http://www.w3.org/2000/svg}rect")][1:]
        places = [tuple(float(box[key]) for key in ("x", "y", "width", "height")) for box in boxes]
        assert len(places) == len({(x, y) for x, y, _, _ in places})
        for x, y, width, height in places:
            assert not any(x < right < x + width and y < below < y + height for right, below, _, _ in places)
            assert x + width < float(drawing.attrib["width"])
            assert y + height < float(drawing.attrib["height"])


def test_a_wrong_graph_ends_with_2_and_tells_file_line_and_field(loose: Path) -> None:
    loose.write_text(LOOSE.replace("calls: [{to: ", "calls: [{fraction: 2%%, to: "))
    done = run("check", files=[loose])
    assert done.exit_code == 2
    assert f"{loose}:9: error: spec.services[0].calls[0].fraction:" in done.stderr


def test_one_graph_is_needed(loose: Path) -> None:
    done = run("check", files=[EXAMPLE / "openslo.yaml"])
    assert done.exit_code == 2
    assert "0 ServiceGraphs where one is needed" in done.stderr
    assert run("check", files=[loose, *SHOP]).exit_code == 2


def test_a_promise_for_a_stranger_is_told_and_left_out(loose: Path) -> None:
    done = run("check", files=[loose, EXAMPLE / "openslo.yaml"])
    assert done.exit_code == 1
    assert "the graph has no service cart, shipping" in done.stderr


def test_the_openslo_documents_of_the_example_are_as_the_specification_asks() -> None:
    for document in yaml.safe_load_all((EXAMPLE / "openslo.yaml").read_text()):
        assert document["apiVersion"] == "openslo/v1"
        assert {"service", "timeWindow", "budgetingMethod", "objectives"} <= set(document["spec"])
