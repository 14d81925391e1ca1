"""The folders of a worker's pod: the Job mounts them, the agent checks and fills them."""

from __future__ import annotations

from typing import Final

ROOT: Final = "/devperfops"
RESULTS: Final = "results"
"""What JMeter writes and the agent reads."""
PLAN: Final = "plan"
"""The test plan's ConfigMap or volume, read-only, or our own folder for one that is made."""
SCENARIO: Final = "scenario"
"""What it is made from, read-only."""
PROFILE: Final = "profile"
"""The ConfigMap of the load profile whose mix it plays, read-only."""
DATA: Final = "data"
"""What the plan reads as DataDir: the data's ConfigMap or volume, or this worker's part of it."""
SECRETS: Final = "secrets"
"""A folder for each Secret whose keys become properties; JMeter does not see it."""
PRIVATE: Final = "private"
"""Those properties, in memory; the agent that stays beside JMeter does not see it."""
PRIVATE_PROPERTIES: Final = "secret.properties"
PLUGINS: Final = "plugins"
"""JARs for JMeter, read-only."""
SOURCE: Final = "source"
"""The data as it came, read-only, where workers share it."""
