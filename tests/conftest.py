"""Layers of tests that a machine may not be able to run: skipped with the reason there, a failure in CI."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hack.cluster import builds, settings

HERE = Path(__file__).parent


def _why_no_api_server() -> str | None:
    if sys.platform != "linux":
        return f"etcd and kube-apiserver are run on Linux only, this is {sys.platform}"
    cache = settings.cache()
    built = all(builds.executable(cache, each).exists() for each in (builds.ETCD, builds.KUBERNETES))
    if not built and shutil.which("go") is None:
        return "Go is not on PATH, and etcd and kube-apiserver are not built yet"
    return None


def _why_no_cluster() -> str | None:
    if os.geteuid() != 0:
        return "the local cluster needs root"
    return _why_no_api_server()


_LAYERS: dict[str, Callable[[], str | None]] = {"integration": _why_no_api_server, "e2e": _why_no_cluster}


def _layer(item: pytest.Item) -> str:
    return item.path.relative_to(HERE).parts[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE) and _layer(item) in _LAYERS:
            item.add_marker(_layer(item))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture of the layer is made."""
    if not item.path.is_relative_to(HERE) or _layer(item) not in _LAYERS:
        return
    if reason := _LAYERS[_layer(item)]():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            f"{_layer(item)} tests cannot run here: {reason}"
        )
