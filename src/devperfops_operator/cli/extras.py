"""What a command needs beyond the operator's own packages."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from devperfops_operator.cli.errors import Trouble

_ANALYSIS: Final = frozenset({"numpy"})
_AWS: Final = frozenset({"awscrt", "_awscrt"})
_AZURE: Final = frozenset({"azure"})
_GOOGLE: Final = frozenset({"google", "google_auth_httplib2", "googleapiclient", "httplib2"})


def analysis_extra() -> AbstractContextManager[None]:
    """Around imports that need the extra `analysis`.

    Raises:
        Trouble: it is not installed.
    """
    return _extra("analysis", _ANALYSIS)


def aws_extra() -> AbstractContextManager[None]:
    """Around imports that need the extra `aws`. Raises Trouble likewise."""
    return _extra("aws", _AWS)


def azure_extra() -> AbstractContextManager[None]:
    """Around imports that need the extra `azure`. Raises Trouble likewise."""
    return _extra("azure", _AZURE)


def google_extra() -> AbstractContextManager[None]:
    """Around imports that need the extra `google`. Raises Trouble likewise."""
    return _extra("google", _GOOGLE)


@contextmanager
def _extra(name: str, modules: Collection[str]) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in modules:
            raise
        raise Trouble(f"this command needs {package}: pip install 'devperfops-operator[{name}]'.") from error
