from __future__ import annotations


class DemoFailed(Exception):
    """Something did not happen as told; the text says what."""


def expect(told: bool, instead: str) -> None:  # noqa: FBT001
    """Hold the story to its word.

    Raises:
        DemoFailed: it did not happen as told.
    """
    if not told:
        raise DemoFailed(instead)
