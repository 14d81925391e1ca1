"""The chart's copies are not stale, and its versions are the project's. What it renders: tests/integration."""

import tomllib
from pathlib import Path

import yaml

from hack import helm_chart
from hack.helm_chart import CHART

ROOT = Path(__file__).parents[2]


def test_its_copies_are_not_stale():
    stale = [file.name for file, text in helm_chart.files().items() if file.read_text() != text]
    assert stale == [], "run `make install-yaml`"


def test_its_versions_are_the_projects():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert (chart["version"], chart["appVersion"]) == (project, project)
