"""The process beside an API server of a test run: it ends the server when the run has died."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from hack.cluster import apiserver
from hack.cluster.processes import Identity

if __name__ == "__main__":
    apiserver.guard(Path(sys.argv[1]), Identity(**json.loads(sys.argv[2])))
