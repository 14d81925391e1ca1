"""python3 -m hack.cluster COMMAND: the local cluster of the demo and the tests."""

from __future__ import annotations

import sys

from hack.cluster.cli import main

sys.exit(main(sys.argv[1:]))
