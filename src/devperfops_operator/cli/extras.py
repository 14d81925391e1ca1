"""What a command needs beyond the operator's own packages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from devperfops_operator.cli.errors import Trouble


@contextmanager
def analysis_extra() -> Iterator[None]:
    """Around imports that need the extra `analysis`.

    Raises:
        Trouble: it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "numpy":
            raise
        raise Trouble(
            f"this command needs {error.name}: pip install 'devperfops-operator[analysis]'."
        ) from error
