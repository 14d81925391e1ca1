"""The folders of a worker's pod: the Job mounts them, the agent checks and fills them."""

from __future__ import annotations

from typing import Final

ROOT: Final = "/devperfops"
RESULTS: Final = "results"
"""What JMeter writes and the agent reads."""
PLAN: Final = "plan"
"""The test plan's ConfigMap or volume, read-only."""
DATA: Final = "data"
"""What the plan reads as DataDir: the data's ConfigMap or volume, or this worker's part of it."""
SOURCE: Final = "source"
"""The data as it came, read-only, where workers share it."""
