"""The week that examples/shop plays: a real Prometheus takes it, `devperfops profile` finds it, the shop's gate plays it."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from click.testing import CliRunner

from devperfops_operator.cli.app import app
from hack.cluster.settings import CHECKOUT
from tests.integration.monitoring import free_port, prometheus

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def week() -> ModuleType:
    spec = importlib.util.spec_from_file_location("week", CHECKOUT / "examples/shop/metrics/week.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def url(week: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a Prometheus that has taken the week."""
    folder = tmp_path_factory.mktemp("prometheus")
    with prometheus(folder, free_port(), "--web.enable-otlp-receiver") as url:
        week.await_ready(url)
        assert week.send(url, int(time.time())) > 30_000
        yield url


@pytest.mark.parametrize("service", ["orders", "carts", "catalogue"])
def test_its_busiest_hour_is_found_again(week: ModuleType, url: str, tmp_path: Path, service: str) -> None:
    """Without a mapping, and without a doubt: as a gate takes it."""
    done = CliRunner().invoke(app, ["profile", url, "--match", f'app="{service}"', "-o", "yaml"])
    assert done.exit_code == 0, done.stderr
    assert "warning" not in done.stderr
    spec = yaml.safe_load(done.stdout)["spec"]
    assert (spec["peak"]["day"], spec["peak"]["hour"]) == ("Fri", 20)

    users = [each for each in week.ENDPOINTS if each.app == service and each.steep]
    rates: dict[str, float] = {}
    for each in users:
        name = f"{each.method} {each.route}"
        rates[name] = rates.get(name, 0.0) + each.rate
    whole = sum(rates.values())
    assert spec["peak"]["rate"] == pytest.approx(whole, rel=0.05)
    found = {f"{each['method']} {each['route']}": each["peak"]["share"] for each in spec["endpoints"]}
    assert found.keys() == rates.keys()
    assert sum(abs(found[name] - rates[name] / whole) for name in rates) / 2 <= 0.02

    file = tmp_path / "profile.yaml"
    file.write_text(done.stdout)
    assert CliRunner().invoke(app, ["lint", str(file)]).exit_code == 0


def test_a_week_that_is_sent_again_has_the_same_samples(week: ModuleType) -> None:
    """So that, whenever the demo is played, the load is the same."""
    endpoint = week.ENDPOINTS[0]
    now = int(time.time()) // week.DAY * week.DAY + week.HOUR
    first, later = list(week.counted(endpoint, now)), list(week.counted(endpoint, now + week.HOUR))
    assert later[: len(first)] == first
    assert later[-1].moment == now + week.HOUR
