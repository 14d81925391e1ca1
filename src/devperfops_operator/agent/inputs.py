"""What the pod finds on its volumes: checked, and made ready, before JMeter reads it.

What stands on a volume may be anybody's, so nothing is read that lies outside of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from devperfops_operator.agent.jmeter import properties_text
from devperfops_operator.wire import jmx
from devperfops_operator.wire.brief import Inputs, Shard
from devperfops_operator.wire.kept_plan import LARGEST_PLAN, KeptPlan
from devperfops_operator.wire.layout import DATA, PLAN, PLUGINS, PRIVATE, PRIVATE_PROPERTIES, SECRETS, SOURCE
from devperfops_operator.wire.refusal import Refusal, RefusalReason


class RefusedError(Exception):
    """There will be no load; `refusal` says why."""

    def __init__(self, reason: RefusalReason, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(reason, message)


def check_plan(inputs: Inputs, root: Path) -> None:
    """Raises RefusedError: the plan JMeter would get is missing or unusable."""
    path = _within(root / PLAN, inputs.plan)
    if path is None:
        message = f"{inputs.plan_source} has no file {inputs.plan}; set plan.key"
        raise RefusedError(RefusalReason.PLAN_NOT_FOUND, message)
    found = _plan_problems(path, inputs)
    if found:
        message = f"{inputs.plan} in {inputs.plan_source} {found[0]}"
        raise RefusedError(RefusalReason.PLAN_INVALID, message)


def kept_plan(inputs: Inputs, root: Path) -> KeptPlan:
    """The plan as it is now. Raises RefusedError: it has become none since it was checked."""
    check_plan(inputs, root)
    plan = (root / PLAN / inputs.plan).read_bytes()
    # One that is made reads its secrets as properties; examples in the document may look like some.
    return KeptPlan.of(plan, None if inputs.made else jmx.written_secret(plan))


def share_data(inputs: Inputs, root: Path, *, worker: int, workers: int) -> None:
    """Give this worker its part of the shared files, beside all the others.

    Raises:
        RefusedError: a file is missing, or there are more workers than lines.
    """
    if not inputs.shards:
        return
    source, data = root / SOURCE, root / DATA
    shared = {shard.file for shard in inputs.shards}
    for entry in source.iterdir():
        if entry.name not in shared and not entry.name.startswith(".."):  # a ConfigMap has "..data"
            _replace_by_link(data / entry.name, entry)
    for shard in inputs.shards:
        path = _within(source, shard.file)
        if path is None:
            message = f"{inputs.data_source} has no file {shard.file} for workers to share; set data.shards"
            raise RefusedError(RefusalReason.DATA_NOT_FOUND, message)
        lines = _write_part(path, data / shard.file, shard, worker, workers)
        if lines < workers:
            message = (
                f"{shard.file} in {inputs.data_source} has lines for {lines} of {workers} workers, "
                "and no two may have the same; write more lines or fewer workers"
            )
            raise RefusedError(RefusalReason.DATA_INVALID, message)


def write_secret_properties(inputs: Inputs, root: Path) -> None:
    """Make the keys of the Secrets properties, in a file of their own that JMeter reads.

    Raises:
        RefusedError: a Secret is missing, or holds what is no text. No value is ever told.
    """
    if not inputs.secrets:
        return
    properties: dict[str, str] = {}
    for name in inputs.secrets:
        properties |= _secret(root / SECRETS / name, name)
    file = os.open(root / PRIVATE / PRIVATE_PROPERTIES, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "w", encoding="ascii") as target:
        target.write(properties_text(properties))


def check_plugins(inputs: Inputs, root: Path) -> None:
    """Raises RefusedError: there is no plugin where plugins should be."""
    if inputs.plugins_source and not any((root / PLUGINS).glob("*.jar")):
        message = f"{inputs.plugins_source} has no .jar file at its root; put the plugins there"
        raise RefusedError(RefusalReason.PLUGINS_NOT_FOUND, message)


def _secret(folder: Path, name: str) -> dict[str, str]:
    """The mount of a Secret that does not exist is an empty folder."""
    files = [file for file in folder.iterdir() if not file.name.startswith("..")]
    if not files:
        message = f"Secret {name} does not exist or is empty; create it with a key for each property"
        raise RefusedError(RefusalReason.SECRET_NOT_FOUND, message)
    properties = {}
    for file in files:
        try:
            properties[file.name] = file.read_text("utf-8")
        except UnicodeDecodeError:
            message = f"Secret {name}: the value of {file.name} is not text, so it cannot become a property"
            raise RefusedError(RefusalReason.SECRET_INVALID, message) from None
    return properties


def _plan_problems(path: Path, inputs: Inputs) -> list[str]:
    try:
        if path.stat().st_size > LARGEST_PLAN:
            return [f"has more than {LARGEST_PLAN >> 20} MiB; keep data in files beside the plan"]
        return jmx.problems(path.read_bytes(), inputs.reads)
    except OSError as error:
        return [f"cannot be read: {error.strerror}; let user {os.getuid()} read it"]


def _within(folder: Path, name: str) -> Path | None:
    """The file, if it is one and no link leads out of the folder."""
    inside, path = os.path.realpath(folder), Path(os.path.realpath(folder / name))
    return path if path.is_relative_to(inside) and path.is_file() else None


def _replace_by_link(link: Path, target: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _write_part(source: Path, target: Path, shard: Shard, worker: int, workers: int) -> int:
    """Returns how many lines there are for all workers together."""
    total = 0
    with source.open("rb") as whole, target.open("wb") as part:
        if shard.header:
            part.write(whole.readline())
        for line in _lines(whole):
            if total % workers == worker:
                part.write(line)
            total += 1
    return total


def _lines(whole: Iterable[bytes]) -> Iterator[bytes]:
    """Without blank ones; every one with its end."""
    return (line if line.endswith(b"\n") else line + b"\n" for line in whole if line.strip())
