"""Which operation a request is for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from benchmarks.peers.request import Request
from devperfops_operator.scenario.model import Operation

_GAP: Final = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True)
class Asked:
    """A request and the operation that it is for; `gaps` by the names in the operation's path."""

    operation: Operation
    request: Request
    gaps: Mapping[str, str]


def asked(operations: Sequence[Operation], requests: Sequence[Request]) -> list[Asked]:
    """The first request of each operation; where several fit a path, the one that says most of it."""
    routes = sorted(map(_Route, operations), key=lambda route: route.literal, reverse=True)
    found: dict[str, Asked] = {}
    for request in requests:
        route = next((each for each in routes if each.fits(request)), None)
        if route is not None:
            found.setdefault(route.operation.key, Asked(route.operation, request, route.gaps(request)))
    return list(found.values())


class _Route:
    """An operation's path, behind whatever base path."""

    def __init__(self, operation: Operation) -> None:
        template = operation.path.partition("?")[0]
        literals = [re.escape(unquote(each)) for each in _GAP.split(template)]
        self.operation = operation
        self.literal = sum(map(len, literals))
        self._names = [each[1:-1] for each in _GAP.findall(template)]
        self._pattern = re.compile(".*" + "([^/]+)".join(literals))

    def fits(self, request: Request) -> bool:
        return request.method == self.operation.method and self._found(request) is not None

    def gaps(self, request: Request) -> Mapping[str, str]:
        found = self._found(request)
        return dict(zip(self._names, map(unquote, found.groups()), strict=True)) if found else {}

    def _found(self, request: Request) -> re.Match[str] | None:
        return self._pattern.fullmatch(unquote(re.sub("%2F", "%252F", request.path, flags=re.IGNORECASE)))
