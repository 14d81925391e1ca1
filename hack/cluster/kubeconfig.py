"""kubeconfig files. Written as JSON, which every YAML reader reads."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Final

from hack.cluster.pki import Pki
from hack.cluster.processes import write_if_different

CONTEXT: Final = "devperfops"


def render(server: str, user: str, authority: bytes, certificate: bytes, key: bytes) -> str:
    """A kubeconfig with everything inside, for one user of one API server."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": CONTEXT, "cluster": {"server": server, "certificate-authority-data": _base64(authority)}}
        ],
        "users": [
            {
                "name": user,
                "user": {"client-certificate-data": _base64(certificate), "client-key-data": _base64(key)},
            }
        ],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": user}}],
        "current-context": CONTEXT,
    }
    return json.dumps(content, indent=1) + "\n"


def write(path: Path, server: str, user: str, pki: Pki) -> Path:
    """Write the kubeconfig of a user of the set; returns its path."""
    parts = (pki.ca, pki.certificate(user), pki.key(user))
    write_if_different(path, render(server, user, *(part.read_bytes() for part in parts)))
    return path


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
