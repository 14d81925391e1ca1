"""Row 6: how often verdicts are wrong, how often there is none, and how soon they come."""

from benchmarks.detection.bars import measure
from benchmarks.detection.earlier import measure_runs
from benchmarks.detection.paired import measure_pairs

__all__ = ["measure", "measure_pairs", "measure_runs"]
