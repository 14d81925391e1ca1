"""A registry on the node's loopback, as slow as a test wants it, with an image the node already has but for one layer.

containerd speaks plain HTTP to `localhost`, and asks only for what it does not have.
"""

from __future__ import annotations

import hashlib
import io
import json
import secrets
import tarfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from hack.cluster import commands, imagestore, settings

_NAME = "image"
_TAG = "offered"
_LAYER_BYTES = 3_000_000
_PIECES = 60


@dataclass
class Registry:
    """`image`: the name to pull. `begun`, `ended`: when its new layer was asked for and had been sent."""

    seconds: float
    image: str = ""
    manifest: bytes = b""
    media_type: str = ""
    blobs: dict[str, bytes] = field(default_factory=dict)
    begun: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)


@contextmanager
def slow_registry(image: str, *, seconds: float) -> Iterator[Registry]:
    """Offers the image of that name with one more layer, which nobody has seen before and takes so long to get."""
    files = {"srv/new": secrets.token_bytes(_LAYER_BYTES)}
    with _serving(_with_new_layer(image, files, {}, seconds)) as registry:
        yield registry


@contextmanager
def registry_with(
    image: str, files: Mapping[str, bytes], environment: Mapping[str, str]
) -> Iterator[Registry]:
    """Offers the image of that name with these files and variables in it."""
    with _serving(_with_new_layer(image, files, environment, seconds=0)) as registry:
        yield registry


@contextmanager
def _serving(registry: Registry) -> Iterator[Registry]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(registry))
    registry.image = f"localhost:{server.server_port}/{_NAME}:{_TAG}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        commands.succeeds(imagestore.ctr(settings.cache(), "images", "remove", registry.image))


def _with_new_layer(
    image: str, files: Mapping[str, bytes], environment: Mapping[str, str], seconds: float
) -> Registry:
    names = commands.run(imagestore.ctr(settings.cache(), "images", "list", f"name=={image}")).splitlines()
    manifest = json.loads(_content(names[1].split()[2]))
    config = json.loads(_content(manifest["config"]["digest"]))
    layer = _layer(files)
    config["rootfs"]["diff_ids"].append(_digest(layer))
    config["history"].append({"created_by": "a test"})
    config["config"]["Env"] += [f"{name}={value}" for name, value in environment.items()]
    raw_config = json.dumps(config).encode()
    manifest["config"] |= {"digest": _digest(raw_config), "size": len(raw_config)}
    manifest["layers"].append({**manifest["layers"][-1], "digest": _digest(layer), "size": len(layer)})
    return Registry(
        seconds=seconds,
        manifest=json.dumps(manifest).encode(),
        media_type=manifest["mediaType"],
        blobs={_digest(each): each for each in (raw_config, layer)},
    )


def _content(digest: str) -> str:
    return commands.run(imagestore.ctr(settings.cache(), "content", "get", digest))


def _layer(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _handler(registry: Registry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """The part of the distribution specification that a pull needs."""

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            kind, _, reference = self.path.removeprefix(f"/v2/{_NAME}/").partition("/")
            manifests = {_TAG: registry.manifest, _digest(registry.manifest): registry.manifest}
            content = (manifests if kind == "manifests" else registry.blobs).get(reference)
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            media_type = registry.media_type if kind == "manifests" else "application/octet-stream"
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Docker-Content-Digest", _digest(content))
            self.end_headers()
            if body:
                self._send(content)

        def _send(self, content: bytes) -> None:
            if len(content) < _LAYER_BYTES:
                self.wfile.write(content)
                return
            registry.begun.append(time.time())
            size = len(content) // _PIECES + 1
            for begin in range(0, len(content), size):
                time.sleep(registry.seconds / _PIECES)  # this is the slow network
                self.wfile.write(content[begin : begin + size])
            registry.ended.append(time.time())

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler
