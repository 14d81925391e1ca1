"""The commands of `python3 -m hack.cluster`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hack.cluster import apiserver
from hack.cluster.console import result
from hack.cluster.errors import ClusterError


def main(arguments: Sequence[str]) -> int:
    """Run one command. Returns 0, or 1 with the reason on stderr."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: the same command goes on from here", file=sys.stderr)
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m hack.cluster", description="The local one-node Kubernetes.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_apiserver(commands.add_parser("apiserver", help="only etcd and kube-apiserver, for integration tests"))
    return parser


def _add_apiserver(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    up = actions.add_parser("up", help="start; prints the path of the kubeconfig")
    up.add_argument("--dir", type=Path, required=True, help="folder of this API server")
    up.add_argument("--owner-pid", type=int, help="stop by itself when this process has ended")
    up.set_defaults(run=_apiserver_up)
    down = actions.add_parser("down", help="stop and forget its objects")
    down.add_argument("--dir", type=Path, required=True, help="folder of this API server")
    down.set_defaults(run=_apiserver_down)


def _apiserver_up(options: argparse.Namespace) -> int:
    result(str(apiserver.up(options.dir, owner=options.owner_pid).kubeconfig))
    return 0


def _apiserver_down(options: argparse.Namespace) -> int:
    apiserver.down(options.dir)
    return 0
