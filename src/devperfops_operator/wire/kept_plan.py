"""The test plan a worker's JMeter got: its checksum, and its bytes where they can be kept with the run."""

from __future__ import annotations

import re
import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final, Self

from devperfops_operator.wire import decode

LARGEST_PLAN: Final = 4 << 20
"""Bytes of a test plan; parsed, it takes a multiple of it."""
LARGEST_PACKED: Final = 192 << 10
"""Bytes that are kept of one, compressed."""
DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_REASON: Final = 300
_FIELDS: Final = ("sha256", "size", "packed", "unkept")


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """`packed`: its bytes, compressed; None: they are not told. `unkept`: why they never are."""

    sha256: str
    size: int
    packed: bytes | None = None
    unkept: str | None = None

    @classmethod
    def of(cls, plan: bytes, secret: str | None) -> Self:
        """`secret`: where in the plan one is written; None: there is none."""
        digest, packed = sha256(plan).hexdigest(), zlib.compress(plan, 9)
        if secret is not None:
            why = f"{secret} has a secret in it; give it as a property from a Secret (propertiesFrom)"
            return cls(digest, len(plan), unkept=why[:_REASON])
        if len(packed) > LARGEST_PACKED:
            why = (
                f"compressed it has {len(packed) >> 10} KiB, and {LARGEST_PACKED >> 10} KiB are the most; "
                "keep data in files beside the plan"
            )
            return cls(digest, len(plan), unkept=why)
        return cls(digest, len(plan), packed)

    def told(self) -> Self:
        """Without the bytes."""
        return replace(self, packed=None)

    def unpacked(self) -> bytes:
        """The plan's own bytes. Raises ValueError: they are not here, or are not those that were played."""
        if self.packed is None:
            raise ValueError("the test plan's bytes are not here")
        unpacker = zlib.decompressobj()
        try:
            plan = unpacker.decompress(self.packed, LARGEST_PLAN + 1)
        except zlib.error as error:
            raise ValueError(f"the test plan is damaged: {error}") from error
        if len(plan) != self.size or sha256(plan).hexdigest() != self.sha256:
            raise ValueError("the test plan is damaged: its checksum is not that of the plan that was played")
        return plan

    def to_json(self) -> dict[str, Any]:
        packed = None if self.packed is None else b64encode(self.packed).decode("ascii")
        return {"sha256": self.sha256, "size": self.size, "packed": packed, "unkept": self.unkept}

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        """Raises ValueError."""
        plan = decode.grown(raw, "plan", _FIELDS, ())
        digest, unkept, packed = plan["sha256"], plan["unkept"], plan["packed"]
        if not DIGEST.fullmatch(decode.text(digest, "sha256", at_most=64)):
            raise ValueError(f"sha256 must be 64 hexadecimal digits, not {digest!r}")
        if packed is not None:
            text = decode.text(packed, "packed", at_most=4 * (LARGEST_PACKED // 3 + 1))
            packed = b64decode(text, validate=True)
        return cls(
            sha256=digest,
            size=decode.count(plan["size"], "size", at_most=LARGEST_PLAN),
            packed=packed,
            unkept=None if unkept is None else decode.text(unkept, "unkept", at_most=_REASON),
        )
