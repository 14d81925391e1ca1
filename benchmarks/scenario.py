"""`devperfops scenario` on the documents of 2,639 public APIs."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Row
from benchmarks.judge import Judge
from devperfops_operator.scenario.chains import plan
from devperfops_operator.scenario.dependencies import How
from devperfops_operator.scenario.document import read
from devperfops_operator.scenario.errors import DocumentError, Unusable
from devperfops_operator.scenario.jmx import jmx
from devperfops_operator.scenario.model import Operation
from devperfops_operator.scenario.naming import items, template_key
from devperfops_operator.scenario.overlay import Overlay
from devperfops_operator.scenario.survey import Survey
from devperfops_operator.wire.jmx import problems
from hack import openapi_corpus

_MINUTES_BAR, _VALID_BAR, _IDS_BAR = 10.0, 0.99, 0.80
_JUDGED_FOR_S: Final = 20
_MUST_READ: Final = ("NumOfThreads", "RampUp", "Duration", "TPM", "ServerName", "ServerPort", "Scheme")
_ASKED: Final = frozenset({How.LINK, How.CREATED, How.LISTED, How.NAMED})
"""Ways to know an id from an earlier answer."""


@dataclass
class Counted:
    """Of any number of documents. `faults`: what should not have been."""

    documents: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    judged: Counter[str] = field(default_factory=Counter)
    ids: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def add(self, other: Counted) -> None:
        self.documents += other.documents
        self.operations += other.operations
        self.judged += other.judged
        self.ids += other.ids
        self.faults += other.faults


def measure(documents: int) -> list[Row]:
    """Of the corpus's first so many, spread evenly over it."""
    every = openapi_corpus.ensure()
    files = every[:: max(1, len(every) // documents)]
    began = time.monotonic()
    made = _all(planned, files)
    minutes = (time.monotonic() - began) / 60
    told = _all(judged, files)
    for fault in (made.faults + told.faults)[:20]:
        print(f"  {fault}")
    return _rows(made, told, minutes, len(files))


def _rows(made: Counted, told: Counted, minutes: float, files: int) -> list[Row]:
    operations = told.judged
    valid = operations["valid"] / max(1, operations.total())
    total = told.ids["own"]
    asked, known = told.ids["own: answered"] / max(1, total), told.ids["own: known"] / max(1, total)
    whole = told.ids["all: answered"] / max(1, told.ids["all"])
    outcomes = f"{made.documents['plan']:,} plans, {made.documents['reason']:,} reasons"
    reasons = ", ".join(f"{count:,} {why}" for why, count in operations.most_common() if why != "valid")
    return [
        Row(
            f"documents of {files:,} that give a plan which `lint` takes, or a reason",
            f"{outcomes}, {len(made.faults)} faults",
            "all",
            not made.faults,
            "`python -m benchmarks peers`",
        ),
        Row(
            f"operations of {operations.total():,} whose values fit their own schemas, by jsonschema",
            f"{valid:.2%} ({reasons})",
            f">= {_VALID_BAR:.0%}",
            valid >= _VALID_BAR,
        ),
        Row(
            f"ids of {total:,} things created and read (POST c, GET c/{{id}}) known from an earlier answer",
            f"{asked:.1%}; {known:.1%} with names of our own",
            f">= {_IDS_BAR:.0%}",
            asked >= _IDS_BAR,
            "nobody but Schemathesis tries",
        ),
        Row(
            f"all {told.ids['all']:,} ids in the paths of these reads, their parents' too",
            f"{whole:.1%}; {told.ids['all: known'] / max(1, told.ids['all']):.1%} with names of our own",
            "-",
            kept=True,
        ),
        Row(
            "operations played without any data",
            f"{made.operations['played']:,} of {made.operations.total():,}: "
            f"{made.operations['played'] / max(1, made.operations.total()):.0%}; "
            f"{made.operations['needs data']:,} need data, {made.operations['left out']:,} left out by rule",
            "-",
            kept=True,
        ),
        Row(
            "the whole corpus, read, planned and written",
            f"{minutes:.1f} min on {os.cpu_count()} cores",
            f"<= {_MINUTES_BAR:.0f} min",
            minutes <= _MINUTES_BAR,
        ),
    ]


def _all(work: Callable[[Path], Counted], files: Sequence[Path]) -> Counted:
    """The largest first, so that no process is left alone with one."""
    by_size = sorted(files, key=lambda file: file.stat().st_size, reverse=True)
    total = Counted()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for each in pool.map(work, by_size, chunksize=1):
            total.add(each)
    return total


def planned(file: Path) -> Counted:
    """What a document gives; a fault is an exception, or a plan that lint does not take."""
    counted = Counted()
    try:
        made = plan(read(json.loads(file.read_bytes())))
        wrong = problems(jmx(made), _MUST_READ)
    except DocumentError:
        counted.documents["reason"] += 1
        return counted
    except Exception as error:  # noqa: BLE001  that is what is counted
        counted.faults.append(f"{file.name}: {type(error).__name__}: {error}")
        return counted
    counted.documents["plan"] += 1
    counted.faults += [f"{file.name}: {each}" for each in wrong]
    counted.operations["played"] += len(made.steps)
    for each in made.skipped:
        counted.operations["needs data" if each.reason.startswith("needs data") else "left out"] += 1
    return counted


def judged(file: Path) -> Counted:
    """Whether the values of all its operations fit; a fault is one that does not."""
    counted = Counted()
    try:
        root = json.loads(file.read_bytes())
        survey = Survey.of(read(root), Overlay(), columns=(), seed=1)
    except DocumentError:
        return counted
    judge = Judge(root)
    counted.judged["unreadable"] += len(survey.offer.unreadable)
    for operation in survey.offer.operations:
        verdict = _within(partial(_verdict, survey, judge, operation))
        counted.judged[verdict.partition(":")[0]] += 1
        if verdict.startswith("invalid"):
            counted.faults.append(f"{file.name}: {operation.key}: {verdict}")
    _count_ids(survey, counted)
    return counted


def _verdict(survey: Survey, judge: Judge, operation: Operation) -> str:
    try:
        material = survey.materials.of(operation)
    except Unusable:
        return "told as not possible"
    pairs = [(each.parameter.schema, each.value) for each in material.parameters]
    if operation.body is not None:
        pairs.append((operation.body.schema, material.body))
    for schema, value in pairs:
        try:
            refusal = judge.refused(schema, value)
        except Exception as error:  # noqa: BLE001  the document's own fault, mostly
            return f"not judged: {type(error).__name__}"
        if refusal is not None:
            return f"invalid: {refusal[:200]}"
    return "valid"


def _within(work: Callable[[], str]) -> str:
    """Python's patterns may take for ever."""

    def stop(*_: Any) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(_JUDGED_FOR_S)
    try:
        return work()
    except TimeoutError:
        return "not judged: too slow"
    finally:
        signal.alarm(0)


def _count_ids(survey: Survey, counted: Counted) -> None:
    for operation in reads(survey.fit):
        ids = survey.resolver.ids(operation)
        own = gap_names(operation)[-1]
        for name in gap_names(operation):
            for kind in ("all", "own") if name == own else ("all",):
                counted.ids[kind] += 1
                source = ids.sources.get(name)
                counted.ids[f"{kind}: known"] += source is not None
                counted.ids[f"{kind}: answered"] += source is not None and source.how in _ASKED


def reads(operations: Sequence[Operation]) -> Iterator[Operation]:
    """`GET c/{id}` where there is `POST c`."""
    creates = {template_key(each.path) for each in operations if each.method == "POST"}
    for each in operations:
        key = template_key(each.path)
        if each.method == "GET" and key.endswith("/{}") and key.removesuffix("/{}") in creates:
            yield each


def gap_names(operation: Operation) -> list[str]:
    return [name for name, _ in items(operation.path)]
