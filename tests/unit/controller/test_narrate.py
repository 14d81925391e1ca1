"""What people are told: once while it stands, and again when it comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devperfops_operator.controller.keys import Key, Subject
from devperfops_operator.controller.narrate import Narrator

KEY = Key(Subject.GATE, "shop", "front-end")


class Events:
    """Stands for the API server, which forgets events after an hour."""

    def __init__(self) -> None:
        self.created: list[str] = []

    async def create(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        self.created.append(manifest["metadata"]["name"])
        return dict(manifest)


def event(name: str) -> dict[str, Any]:
    return {"kind": "Event", "metadata": {"name": name, "namespace": "shop"}}


async def test_what_stands_is_told_once() -> None:
    events = Events()
    narrator = Narrator(events)

    for _ in range(3):
        await narrator.tell(KEY, [event("plan-not-found")])

    assert events.created == ["plan-not-found"]


async def test_what_comes_back_is_told_again() -> None:
    events = Events()
    narrator = Narrator(events)

    for name in ("plan-not-found", "known-good", "plan-not-found"):
        await narrator.tell(KEY, [event(name)])

    assert events.created == ["plan-not-found", "known-good", "plan-not-found"]


async def test_a_run_tells_each_line_of_its_timeline_once() -> None:
    events = Events()
    narrator = Narrator(events)

    for length in (1, 2, 3):
        await narrator.tell(KEY, [event(str(line)) for line in range(length)])

    assert events.created == ["0", "1", "2"]
