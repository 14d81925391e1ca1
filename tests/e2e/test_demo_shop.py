"""What `make demo-shop` promises: a plan from the app's own document, a load from its metrics, on data that are reset."""

from __future__ import annotations

import io

import pytest
import yaml
from rich.console import Console

from hack.demo import production, sample, setup
from hack.demo.sample import SHOP
from hack.demo.setup import Choice
from hack.demo.story import Story
from hack.demo.timeline import Timeline
from hack.kube import Object
from tests.e2e.conftest import World
from tests.e2e.database import Database

MIX = {"GET /orders": 0.45, "GET /orders/{orderId}": 0.30, "POST /orders": 0.25}
"""Of Friday, 20:00, by examples/shop/metrics/week.py."""
RATE = 20


@pytest.mark.usefixtures("demo_namespaces")
def test_what_shows_under_productions_load_is_caught_and_rolled_back(world: World):
    """Adopted; sound: Pass; N+1 requests, and a lock: Fail, rolled back. The gate counts the orders before each load."""
    kube = world.kube
    images = setup.provide_images(Choice(None, None, insecure=False), SHOP.images)
    setup.remove(kube)
    setup.install_operator(kube, images)
    setup.install_prometheus(kube, images, SHOP)
    heard = io.StringIO()
    timeline = Timeline(Console(file=heard, width=160))
    production.tell(kube, timeline)
    assert "Peak     20 requests/s on Fri 20:00 UTC" in heard.getvalue()
    data = kube.get("ConfigMap", production.PROFILE, sample.NAMESPACE)["data"]
    profile = yaml.safe_load(data["profile.yaml"])["spec"]

    story = Story(kube, timeline, setup.with_images(sample.shop(), images), sample=SHOP)
    story.adopt()
    sound = story.sound_release("1.1")
    orders = Database(kube, sample.NAMESPACE).sql("SELECT count(*) FROM orders")
    assert int(orders) > 20000, "the load has ordered, so the next one needs the reset"
    stands_for(sound, profile)
    each_by_itself, locked = SHOP.regressions
    slow = story.slow_release("2", each_by_itself, before="1.1")
    waiting = story.slow_release("3", locked, before="1.1")

    for run in (sound, slow, waiting):
        assert "ResettingData" in [entry["phase"] for entry in run["status"]["timeline"]]
        assert run["status"]["resolved"]["load"] == sound["status"]["resolved"]["load"]
    listed = objective(slow, "list")
    assert listed["exceedances"] > listed["samples"] / 2, "on a busy machine so slow that requests fail, too"
    ordered = objective(waiting, "order")
    assert ordered["exceedances"] > ordered["samples"] / 2, "each waits for all before it"


def objective(run: Object, name: str) -> Object:
    return next(each for each in run["status"]["objectives"] if each["name"] == name)


def stands_for(run: Object, profile: Object) -> None:
    """The busiest hour is what was played: by the gate's word, and by what JMeter counted."""
    peak = profile["peak"]
    assert (peak["day"], peak["hour"]) == ("Fri", 20)
    assert peak["rate"] == pytest.approx(RATE, rel=0.05)
    status = run["status"]
    load, coverage = status["resolved"]["load"], status["coverage"]
    assert load["rate"] == status["load"]["plannedRate"] == f"{round(60 * peak['rate'])}/m"
    assert per_minute(status["load"]["achievedRate"]) == pytest.approx(60 * peak["rate"], rel=0.05)
    shares = {each["name"]: each["perMillion"] / 1e6 for each in load["endpoints"]}
    assert shares == pytest.approx(MIX, abs=0.02)
    played = {each["name"]: each["requests"] / coverage["requests"] for each in coverage["endpoints"]}
    assert played == pytest.approx(shares, abs=0.05)
    assert float(coverage["distance"].removesuffix("%")) < 5
    assert (coverage["exercised"], coverage["unseen"]) == ("100%", "0%")


def per_minute(rate: str) -> float:
    return float(rate.removesuffix("/m"))
