from __future__ import annotations

from devperfops_operator.wire.refusal import Refusal, RefusalReason

KUBELET_KEEPS = 4096  # bytes of a termination message


def test_a_refusal_that_quotes_a_strange_file_still_arrives_whole() -> None:
    """A plan's root element may be called by thousands of letters beyond 16 bits."""
    told = Refusal(RefusalReason.PLAN_INVALID, "\U00010000" * 5_000).to_json().encode()

    assert len(told) <= KUBELET_KEEPS
    assert Refusal.from_json(told.decode()).reason is RefusalReason.PLAN_INVALID
