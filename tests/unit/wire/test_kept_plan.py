"""A test plan comes back to the byte, or not at all and with the reason."""

from __future__ import annotations

import json
import random
import zlib
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.wire.kept_plan import LARGEST_PACKED, LARGEST_PLAN, KeptPlan


@given(st.binary(max_size=10_000))
def test_a_plan_comes_back_to_the_byte(plan: bytes) -> None:
    kept = KeptPlan.of(plan, None)
    again = KeptPlan.from_json(json.loads(json.dumps(kept.to_json())))
    assert again == kept
    assert again.unpacked() == plan
    assert again.sha256 == sha256(plan).hexdigest()


def test_a_plan_that_packs_well_may_have_any_size_that_can_be_played() -> None:
    plan = b"<HTTPSamplerProxy/>" * (LARGEST_PLAN // 19)
    assert KeptPlan.of(plan, None).unpacked() == plan


def test_one_that_is_too_large_is_told_with_what_to_do() -> None:
    plan = random.Random(1).randbytes(LARGEST_PACKED + 1)
    kept = KeptPlan.of(plan, None)
    assert (kept.packed, kept.size) == (None, len(plan))
    assert (
        kept.unkept
        == "compressed it has 192 KiB, and 192 KiB are the most; keep data in files beside the plan"
    )
    assert KeptPlan.from_json(kept.to_json()) == kept


def test_one_with_a_secret_is_not_kept() -> None:
    kept = KeptPlan.of(b"hunter2", "Header Authorization")
    assert kept.packed is None
    assert kept.unkept is not None
    assert kept.unkept.startswith("Header Authorization has a secret in it; ")


def test_what_is_told_has_no_bytes() -> None:
    kept = KeptPlan.of(b"plan", None)
    assert kept.told() == KeptPlan(kept.sha256, 4)
    with pytest.raises(ValueError, match="not here"):
        kept.told().unpacked()


@pytest.mark.parametrize(
    "packed",
    [b"", b"nonsense", zlib.compress(b"other"), zlib.compress(b"plan")[:-3], zlib.compress(bytes(1 << 26))],
)
def test_other_bytes_are_found(packed: bytes) -> None:
    kept = replace(KeptPlan.of(b"plan", None), packed=packed)
    if packed == zlib.compress(b"plan")[:-3]:
        assert kept.unpacked() == b"plan"  # the checksum of the plan itself is what counts
        return
    with pytest.raises(ValueError, match="damaged"):
        kept.unpacked()


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": "A" * 64},
        {"sha256": "a" * 63},
        {"sha256": None},
        {"size": -1},
        {"size": LARGEST_PLAN + 1},
        {"packed": "not base64!"},
        {"packed": "A" * (LARGEST_PACKED * 2)},
        {"unkept": "x" * 301},
        {"unkept": 3},
    ],
    ids=str,
)
def test_what_no_agent_says_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  of several decoders
        KeptPlan.from_json(KeptPlan.of(b"plan", None).to_json() | change)
