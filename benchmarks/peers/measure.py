"""`devperfops scenario`, openapi-generator and Taurus on the same documents."""

from __future__ import annotations

import json
import os
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final, Self

from benchmarks.figures import Row, percentile
from benchmarks.peers import judging
from benchmarks.peers.request import FROM_AN_ANSWER
from benchmarks.peers.routes import asked
from benchmarks.peers.tools import RefusedError, Tool, all_of_them
from benchmarks.scenario import gap_names, reads
from devperfops_operator.scenario.document import read
from devperfops_operator.scenario.model import Offer
from devperfops_operator.scenario.overlay import Overlay
from devperfops_operator.scenario.survey import Survey
from hack import openapi_corpus

_DIALECTS: Final = ("2.0", "3.0", "3.1")


@dataclass
class Tally:
    """Of one tool and any number of documents."""

    counts: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.counts += other.counts
        self.seconds += other.seconds

    def share(self, of: str, whole: str) -> float:
        return self.counts[of] / max(1, self.counts[whole])

    def told(self, of: str, whole: str) -> str:
        return f"{self.counts[of]:,} of {self.counts[whole]:,}: {self.share(of, whole):.0%}"


def measure(documents: int, seed: int, kilobytes: int) -> list[Row]:
    """Of so many documents of at most so many kilobytes, a third of each dialect where there are enough."""
    tools = all_of_them()
    by_dialect = sample(openapi_corpus.ensure(), documents, random.Random(seed), kilobytes * 1_000)
    every = list(chain.from_iterable(by_dialect.values()))
    split = ", ".join(f"{len(files)} of {name}" for name, files in by_dialect.items())
    print(f"  {len(every)} documents: {split}; seed {seed}")
    tallies = [Tally() for _ in tools]
    for several in _compared(tools, every):
        for tally, each in zip(tallies, several, strict=True):
            tally.add(each)
    _print(tools, tallies)
    return _rows(tools, tallies)


def sample(
    files: Sequence[Path], documents: int, dice: random.Random, most_bytes: int
) -> dict[str, list[Path]]:
    """By dialect; what one dialect lacks the next ones have more of."""
    small = [file for file in files if file.stat().st_size <= most_bytes]
    known: dict[str, list[Path]] = {name: [] for name in _DIALECTS}
    for file in small:
        root = json.loads(file.read_bytes())
        known[str(root.get("swagger", root.get("openapi")))[:3]].append(file)
    taken: dict[str, list[Path]] = {}
    for name in sorted(known, key=lambda each: len(known[each])):
        share = (documents - sum(map(len, taken.values()))) // (len(known) - len(taken))
        taken[name] = dice.sample(known[name], min(share, len(known[name])))
    return {name: taken[name] for name in known}


def _compared(tools: Sequence[Tool], files: Sequence[Path]) -> Iterator[list[Tally]]:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(partial(_of_document, tools), files, chunksize=1)


@dataclass(frozen=True)
class Paper:
    """A document: `own` are its reads of what can be created."""

    file: Path
    root: Mapping[str, Any]
    offer: Offer
    own: frozenset[str]

    @classmethod
    def of(cls, file: Path) -> Self:
        root = json.loads(file.read_bytes())
        offer = Survey.of(read(root), Overlay(), columns=(), seed=1).offer
        return cls(file, root, offer, frozenset(each.key for each in reads(offer.operations)))

    @property
    def counts(self) -> Counter[str]:
        operations = len(self.offer.operations) + len(self.offer.unreadable)
        return Counter(documents=1, operations=operations, read=len(self.own))


def _of_document(tools: Sequence[Tool], file: Path) -> list[Tally]:
    paper = Paper.of(file)
    return [_of_tool(tool, paper) for tool in tools]


def _of_tool(tool: Tool, paper: Paper) -> Tally:
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        try:
            plans = tool.run(paper.file, Path(folder))
        except RefusedError:
            return Tally(paper.counts + Counter(refused=1), [time.monotonic() - began])
        seconds = time.monotonic() - began
        requests = list(chain.from_iterable(map(tool.requests, plans)))
    found = asked(paper.offer.operations, requests)
    read_answered = sum(
        FROM_AN_ANSWER in each.gaps.get(gap_names(each.operation)[-1], "")
        for each in found
        if each.operation.key in paper.own
    )
    judged = judging.count(paper.root, found)
    return Tally(paper.counts + judged + Counter(read_answered=read_answered), [seconds])


def _print(tools: Sequence[Tool], tallies: Sequence[Tally]) -> None:
    print(
        "| tool | documents refused | operations asked | as their schemas want it | and no id made up ",
        end="",
    )
    print("| ids in paths from earlier answers | ids of things created and read | s/document |")
    print("|---|---|---|---|---|---|---|---|")
    for tool, each in zip(tools, tallies, strict=True):
        cells = (
            tool.name,
            f"{each.counts['refused']} of {each.counts['documents']}",
            each.told("asked", "operations"),
            f"{each.share('valid', 'asked'):.1%} of asked, {each.share('valid', 'operations'):.1%} of all",
            f"{each.share('sound', 'asked'):.1%} of asked, {each.share('sound', 'operations'):.1%} of all",
            each.told("answered", "ids"),
            each.told("read_answered", "read"),
            f"{statistics.mean(each.seconds):.1f} (p95 {percentile(each.seconds, 0.95):.1f})",
        )
        print(f"| {' | '.join(cells)} |")
    print()


def _rows(tools: Sequence[Tool], tallies: Sequence[Tally]) -> list[Row]:
    return [
        _row(tools, tallies, "requests as their schemas want them", "valid", "asked"),
        _row(tools, tallies, "operations asked so, with no id made up", "sound", "operations"),
        _row(
            tools, tallies, "ids of things created and read, from an earlier answer", "read_answered", "read"
        ),
    ]


def _row(tools: Sequence[Tool], tallies: Sequence[Tally], what: str, of: str, whole: str) -> Row:
    """A peer's ratio is to ours."""
    ours, *theirs = (each.share(of, whole) for each in tallies)
    peers = "; ".join(
        f"{tool.name}: {share:.1%}, {share / max(ours, 1e-9):.2f} of ours"
        for tool, share in zip(tools[1:], theirs, strict=True)
    )
    return Row(what, f"{ours:.1%}", "more than peers", ours > max(theirs), peers)
