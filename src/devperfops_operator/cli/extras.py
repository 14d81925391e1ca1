"""What a command needs beyond the operator's own packages."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

from devperfops_operator.cli.errors import Trouble

_ANALYSIS: Final = frozenset({"numpy"})
_GOOGLE: Final = frozenset({"google", "google_auth_httplib2", "googleapiclient", "httplib2"})


@contextmanager
def analysis_extra() -> Iterator[None]:
    """Around imports that need the extra `analysis`.

    Raises:
        Trouble: it is not installed.
    """
    with _extra("analysis", _ANALYSIS):
        yield


@contextmanager
def google_extra() -> Iterator[None]:
    """Around imports that need the extra `google`. Raises Trouble likewise."""
    with _extra("google", _GOOGLE):
        yield


@contextmanager
def _extra(name: str, modules: Collection[str]) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in modules:
            raise
        raise Trouble(f"this command needs {package}: pip install 'devperfops-operator[{name}]'.") from error
