"""The commands of `python3 -m hack.cluster`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hack.cluster import apiserver, cluster, imagestore, settings
from hack.cluster.console import result, say
from hack.cluster.errors import ClusterError
from hack.cluster.imagestore import Image


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
    parser = argparse.ArgumentParser(
        prog="python3 -m hack.cluster", description="The local one-node Kubernetes."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="start the cluster; prints its KUBECONFIG")
    up.set_defaults(run=_up)
    down = commands.add_parser("down", help="stop the cluster; keeps its objects and images")
    extent = down.add_mutually_exclusive_group()
    extent.add_argument("--state", action="store_true", help="forget the objects too")
    extent.add_argument("--wipe", action="store_true", help="forget the objects and the images too")
    down.set_defaults(run=_down)
    status = commands.add_parser("status", help="each component; exit code 0 only if all are healthy")
    status.set_defaults(run=_status)
    _add_images(commands.add_parser("images", help="build images, load them into the cluster, push them"))
    _add_apiserver(
        commands.add_parser("apiserver", help="only etcd and kube-apiserver, for integration tests")
    )
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


def _add_images(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, text, run in (
        ("build", "build into the cache", _images_build),
        ("load", "build what changed and import it into the local cluster", _images_load),
        ("push", "build what changed and push it to a registry", _images_push),
    ):
        action = actions.add_parser(name, help=text, description=f"{text}; prints the name of each image")
        action.add_argument("known", nargs="*", metavar="IMAGE", help=f"one of {', '.join(imagestore.KNOWN)}")
        action.add_argument("--name", help="name of an image of your own, such as devperfops/operator:dev")
        action.add_argument("--dockerfile", type=Path, help="its Dockerfile")
        action.add_argument("--context", type=Path, default=Path(), help="its build context (default: here)")
        action.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
        action.set_defaults(run=run)
        if name == "push":
            action.add_argument("--registry", required=True, help="such as localhost:5000 or ghcr.io/team")
            action.add_argument(
                "--insecure", action="store_true", help="accept plain HTTP or an unknown certificate"
            )


def _up(_: argparse.Namespace) -> int:
    config = cluster.up(settings.cache())
    say("cluster ready; to use it:")
    result(f"export KUBECONFIG={config}")
    return 0


def _down(options: argparse.Namespace) -> int:
    cluster.down(settings.cache(), objects=options.state or options.wipe, pictures=options.wipe)
    return 0


def _status(_: argparse.Namespace) -> int:
    found = cluster.status(settings.cache())
    for each in found:
        process = f"pid {each.pid}" if each.pid else "not running"
        health = "healthy" if each.healthy else "NOT HEALTHY"
        result(f"{each.component:<24} {process:<14} {health}")
    return 0 if all(each.healthy for each in found) else 1


def _images_build(options: argparse.Namespace) -> int:
    for image in _chosen(options):
        imagestore.build(settings.cache(), image)
        result(image.name)
    return 0


def _images_load(options: argparse.Namespace) -> int:
    for image in _chosen(options):
        imagestore.load(settings.cache(), image)
        result(image.name)
    return 0


def _images_push(options: argparse.Namespace) -> int:
    for image in _chosen(options):
        result(imagestore.push(settings.cache(), image, options.registry, verify=not options.insecure))
    return 0


def _chosen(options: argparse.Namespace) -> list[Image]:
    cache = settings.cache()
    chosen = [imagestore.known(cache, name) for name in options.known]
    if options.name:
        if not options.dockerfile:
            raise ClusterError("--name needs --dockerfile")
        chosen.append(
            imagestore.described(options.name, options.dockerfile, options.context, tuple(options.build_arg))
        )
    if not chosen:
        raise ClusterError(
            f"no image named: give one of {', '.join(imagestore.KNOWN)}, or --name and --dockerfile"
        )
    return chosen
