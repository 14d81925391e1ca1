from __future__ import annotations

import os

import pytest


def require_layer(name: str, problem: str | None) -> None:
    """Go on only if a layer of tests can run (`problem` is None): else skip with the reason, or fail in CI."""
    if problem is None:
        return
    reason = f"the {name} layer cannot run here: {problem}"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason} (in CI a skipped layer is a failure)", pytrace=False)
    pytest.skip(reason)
