"""What `make demo-shop` promises: a plan from the app's own document, a load on data that are reset, no line by hand."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from hack.demo import sample, setup
from hack.demo.sample import SHOP
from hack.demo.setup import Choice
from hack.demo.story import Story
from hack.demo.timeline import Timeline
from tests.e2e.conftest import World
from tests.e2e.database import Database


@pytest.mark.usefixtures("demo_namespaces")
def test_a_request_for_each_line_is_caught_and_rolled_back(world: World):
    """Adopted; sound: Pass; N+1 requests: Fail, rolled back. The gate itself counts the orders before each load."""
    kube = world.kube
    images = setup.provide_images(Choice(None, None, insecure=False), SHOP.images)
    setup.remove(kube)
    setup.install_operator(kube, images)
    timeline = Timeline(Console(file=io.StringIO(), width=160))
    story = Story(kube, timeline, setup.with_images(sample.shop(), images), sample=SHOP)
    story.adopt()
    sound = story.sound_release("1.1")
    orders = Database(kube, sample.NAMESPACE).sql("SELECT count(*) FROM orders")
    assert int(orders) > 20000, "the load has ordered, so the next one needs the reset"
    slow = story.slow_release("2", before="1.1")

    for run in (sound, slow):
        assert "ResettingData" in [entry["phase"] for entry in run["status"]["timeline"]]
    listed = next(each for each in slow["status"]["objectives"] if each["name"] == "list")
    assert listed["exceedances"] > listed["samples"] / 2, "on a busy machine so slow that requests fail, too"
