"""Which hosts samples went to: names only, since the rest of a URL may hold what nobody should read."""

from __future__ import annotations

import re
from typing import Final

HOSTS: Final = 8
"""Different hosts beside the target that a worker tells apart; the rest is `(other)`."""
HOST_LENGTH: Final = 253
"""Characters kept of a host's name."""
OTHERS: Final = "(other)"
_HOST: Final = re.compile(r"[^:/?#]+://(?:[^/?#]*@)?(\[[^\]/?#]*\]|[^:/?#]*)")


def host_of(url: str) -> str:
    """The host of an absolute URL, in lower case; empty: it names none."""
    found = _HOST.match(url)
    return found[1].lower().removesuffix(".")[:HOST_LENGTH] if found is not None else ""


class HostCounts:
    """How many samples went to the target and how many elsewhere. Names of the target count as one."""

    def __init__(self, target: str) -> None:
        self._target = target.lower().removesuffix(".")
        self.counts = {target: 0} if target else {}
        self._called = target

    def add(self, host: str) -> None:
        """One more sample to this host, as `host_of` gives it; empty: to none, which is not counted."""
        if host:
            name = self._name_of(host)
            self.counts[name] = self.counts.get(name, 0) + 1

    def _name_of(self, host: str) -> str:
        if _same(host, self._target):
            return self._called
        return host if host in self.counts or len(self.counts) <= HOSTS else OTHERS


def _same(host: str, target: str) -> bool:
    """`cart`, `cart.shop` and `cart.shop.svc.cluster.local` are one: short names are completed."""
    if host == target:
        return True
    shorter, longer = sorted((host, target), key=len)
    return bool(shorter) and longer.startswith(f"{shorter}.")
