"""The runs' reports, as `devperfops report` writes them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hack.kube import Kube, Object


def write(kube: Kube, runs: list[Object], folder: Path) -> list[Path]:
    """Two files a run, text and JSON; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(kube, run["metadata"], folder, form) for run in runs for form in ("txt", "json")]


def _write(kube: Kube, metadata: Object, folder: Path, form: str) -> Path:
    program = Path(sys.executable).with_name("devperfops")
    output = {"txt": "text", "json": "json"}[form]
    argv = [program, "report", metadata["name"], "--namespace", metadata["namespace"], "--output", output]
    environment = {**os.environ, "KUBECONFIG": str(kube.kubeconfig)}
    text = subprocess.run(argv, check=True, capture_output=True, text=True, env=environment).stdout
    path = folder / f"{metadata['name']}.{form}"
    path.write_text(text)
    return path
