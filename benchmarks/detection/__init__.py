"""Row 6: how often verdicts are wrong, how often there is none, and how soon they come."""

from benchmarks.detection.bars import measure

__all__ = ["measure"]
