"""The blocks of a growing JTL, from any number on, in bounded memory: what is not kept is read again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from io import BufferedReader
from itertools import chain, islice
from pathlib import Path
from typing import Final

from devperfops_operator.wire.blocks import BlockBuilder
from devperfops_operator.wire.jtl import JtlError, JtlReader
from devperfops_operator.wire.measurement import BLOCKS_PER_PUSH, Block

_CHUNK: Final = 1 << 16
_LABEL_WEIGHT: Final = 10
_KEPT_WEIGHT: Final = 20_000  # 1 or 2 MiB
_BATCH_WEIGHT: Final = 10_000  # below 1 MiB of JSON


class BlockStream:
    """Reads a JTL from its beginning and cuts it into blocks."""

    def __init__(self, path: Path, builder: BlockBuilder) -> None:
        self.builder = builder
        self.damage: str | None = None
        self._path = path
        self._file: BufferedReader | None = None
        self._reader = JtlReader()

    @property
    def truncated(self) -> bool:
        """Whether something of the file could not be read: its last line is cut, or a line damaged."""
        return self.damage is not None or self._reader.truncated or self._reader.malformed > 0

    def read(self) -> Iterator[Block]:
        """The blocks closed by what the file holds by now."""
        while chunk := self._chunk():
            try:
                yield from self.builder.add(self._reader.feed(chunk))
            except JtlError as error:
                self.damage = str(error)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _chunk(self) -> bytes:
        if self.damage is not None:
            return b""
        try:
            self._file = self._file or self._path.open("rb")
        except FileNotFoundError:
            return b""
        return self._file.read(_CHUNK)


class BlockHistory:
    """All blocks of the JTL by number. Follows the file's end; the latest blocks are kept."""

    def __init__(self, open_stream: Callable[[], BlockStream]) -> None:
        self.live = open_stream()
        self._open_stream = open_stream
        self._kept: deque[Block] = deque()
        self._weight = 0
        self._finished = False
        self._replay: Iterator[Block] = iter(())
        self._replay_at = -1

    @property
    def blocks(self) -> int:
        """How many blocks are closed."""
        return self.live.builder.blocks

    def follow(self) -> None:
        """Read the file to its present end."""
        for block in self.live.read():
            self._keep(block)

    def finish(self) -> None:
        """Nothing more will be written: read to the end and close the last block."""
        self.follow()
        if not self._finished:
            self._finished = True
            self._keep_last()

    def stop_at(self, moment_ms: int) -> None:
        """Rows that end after this moment are cut off by our own stop."""
        self.live.builder.stop_ms = moment_ms
        self._replay_at = -1

    def batch(self, want: int) -> tuple[Block, ...]:
        """Blocks from number `want` on, as many as one push may hold; none if there is none yet."""
        if want >= self.blocks:
            return ()
        first_kept = self._kept[0].sequence if self._kept else self.blocks
        if want >= first_kept:
            return _batch(islice(self._kept, want - first_kept, None))
        if want != self._replay_at:
            self._replay = self._read_again(want, self._open_stream())
        batch = _batch(self._replay)
        self._replay_at = want + len(batch)
        return batch

    def _read_again(self, want: int, stream: BlockStream) -> Iterator[Block]:
        try:
            for block in stream.read():
                if block.sequence >= want:
                    yield block
        finally:
            stream.close()

    def _keep(self, block: Block) -> None:
        self._kept.append(block)
        self._weight += _weight(block)
        while self._weight > _KEPT_WEIGHT and len(self._kept) > 1:
            self._weight -= _weight(self._kept.popleft())

    def _keep_last(self) -> None:
        for last in self.live.builder.finish():
            self._keep(last)


def _weight(block: Block) -> int:
    """About how much room a block takes, in histogram entries."""
    labels = chain(block.labels.values(), block.controllers.values())
    return _LABEL_WEIGHT + sum(_LABEL_WEIGHT + len(stats.histogram) for stats in labels)


def _batch(blocks: Iterable[Block]) -> tuple[Block, ...]:
    batch: list[Block] = []
    weight = 0
    for block in blocks:
        batch.append(block)
        weight += _weight(block)
        if weight >= _BATCH_WEIGHT or len(batch) == BLOCKS_PER_PUSH:
            break
    return tuple(batch)
