from __future__ import annotations

from devperfops_operator.cli import main

main()
