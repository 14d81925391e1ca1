"""What the operator's process does not load: arrays would cost it more memory than all its gates."""

from __future__ import annotations

import subprocess
import sys


def test_the_operator_and_the_command_line_start_without_arrays():
    program = (
        "import sys, devperfops_operator.main, devperfops_operator.cli; "
        "print(sorted({'awscrt', 'azure', 'googleapiclient', 'numpy', 'pandas', 'ruptures', 'scipy'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
