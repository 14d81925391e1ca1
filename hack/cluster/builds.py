"""The Go programs of the cluster: built once from pinned modules, kept by the hash of their sources."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hack.cluster import commands
from hack.cluster.console import say
from hack.cluster.errors import ClusterError
from hack.cluster.locks import exclusive
from hack.cluster.settings import SOURCES, Cache

_VERSION: Final = "-X k8s.io/component-base/version.git"
_SUFFIXES: Final = (".go", ".mod", ".sum")


@dataclass(frozen=True)
class Program:
    """One `go build`: its module lies in `programs/MODULE`, or `programs/NAME`."""

    name: str
    version: str
    package: str = "."
    flags: tuple[str, ...] = ()
    ldflags: str = "-s -w"
    links: tuple[str, ...] = ()
    """Further names of the binary, for one that looks at argv[0]."""
    beside: tuple[str, ...] = ()
    """Further packages of the module, each a program of its own: what they share is compiled once."""
    module: str | None = None
    """The folder of its module, for several programs of one whose packages have the same last part."""

    @property
    def sources(self) -> Path:
        return SOURCES / "programs" / (self.module or self.name)

    def build_command(self, output: Path) -> list[str]:
        """The `go build` that writes `output`; `-v` lists each package, which is the progress.

        Go itself names what it writes into a folder: by the last part of each package's path.
        """
        return [
            "go",
            "build",
            "-v",
            "-buildvcs=false",
            *self.flags,
            "-ldflags",
            self.ldflags,
            "-o",
            f"{output.parent}/" if self.beside else str(output),
            self.package,
            *self.beside,
        ]

    @property
    def names(self) -> tuple[str, ...]:
        """What can be called once it is built."""
        return (self.name, *self.links, *(package.rpartition("/")[2] for package in self.beside))


KUBERNETES: Final = Program(
    "kubernetes",
    "1.34.4",
    ldflags=f"-s -w {_VERSION}Version=v1.34.4 {_VERSION}Major=1 {_VERSION}Minor=34",
    links=("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"),
)
ETCD: Final = Program("etcd", "3.6.16")
COREDNS: Final = Program("coredns", "1.15.0")
PAUSE: Final = Program("pause", "1")
PODINFO: Final = Program(
    "podinfo", "6 at e86405a8674e", package="github.com/stefanprodan/podinfo/cmd/podinfo"
)
PROMETHEUS: Final = Program(
    "prometheus",
    "3.16 (v0.316.0)",
    package="github.com/prometheus/prometheus/cmd/prometheus",
    # Only the discovery of pods is linked. Its go.mod is what `go build -mod=mod` with these tags wrote;
    # `go mod tidy` would want every cloud's modules.
    flags=("-tags", "remove_all_sd,enable_kubernetes_sd"),
)
_SNAPSHOTTER: Final = "github.com/kubernetes-csi/external-snapshotter/v8/cmd"
CSI: Final = Program(
    "csi",
    "with external-provisioner 6.4.0 and external-snapshotter 8.7.0",
    beside=(
        "github.com/kubernetes-csi/external-provisioner/v6/cmd/csi-provisioner",
        f"{_SNAPSHOTTER}/csi-snapshotter",
        f"{_SNAPSHOTTER}/snapshot-controller",
    ),
)
HELM: Final = Program("helm", "4.3.1", package="helm.sh/helm/v4/cmd/helm")
MONGODUMP, MONGORESTORE = (
    Program(
        name,
        "100.6 at 6d9d341edd33",
        package=f"github.com/mongodb/mongo-tools/{name}/main",
        module="mongo-tools",
    )
    for name in ("mongodump", "mongorestore")
)


def source_key(flags: Iterable[str], files: Mapping[str, bytes]) -> str:
    """The key of a build: a hash of its flags and of each source file's name and content."""
    digest = hashlib.sha256()
    for part in [
        *(flag.encode() for flag in flags),
        *(p for n in sorted(files) for p in (n.encode(), files[n])),
    ]:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()[:12]


def folder(cache: Cache, program: Program) -> Path:
    """Where the build of the program's present sources lies, or will lie."""
    files = {f.name: f.read_bytes() for f in program.sources.iterdir() if f.suffix in _SUFFIXES}
    flags = [*program.build_command(Path(program.name)), *program.links]
    return cache.programs / f"{program.name}-{source_key(flags, files)}"


def executable(cache: Cache, program: Program, name: str | None = None) -> Path:
    """The path of a built program, under one of its names."""
    return folder(cache, program) / (name or program.name)


def ensure(cache: Cache, programs: Iterable[Program]) -> None:
    """Build the programs that are not in the cache yet.

    Raises:
        ClusterError: Go is missing, or a build fails.
    """
    if not (missing := _missing(cache, programs)):
        return
    if shutil.which("go") is None:
        raise ClusterError(
            "Go is not on PATH: install Go 1.26 or newer (https://go.dev/dl/) to build the local cluster"
        )
    cache.programs.mkdir(parents=True, exist_ok=True)
    with exclusive(cache.programs / ".lock", "another build of the programs is running"):
        missing = _missing(cache, missing)
        for number, program in enumerate(missing, 1):
            _build(cache, program, f"[{number}/{len(missing)}] build {program.name} {program.version}")


def _missing(cache: Cache, programs: Iterable[Program]) -> list[Program]:
    return [p for p in programs if not executable(cache, p).exists()]


def _build(cache: Cache, program: Program, label: str) -> None:
    target = folder(cache, program)
    log = cache.log / f"build-{program.name}.log"
    say(f"{label}: start (output in {log})")
    with _replacing(target) as scratch:
        seconds = commands.run_long(
            label,
            program.build_command(scratch / program.name),
            log,
            cwd=program.sources,
            env={"CGO_ENABLED": "0", "GOWORK": "off"},
            progress=_compiled,
        )
        for link in program.links:
            (scratch / link).symlink_to(program.name)
    _publish(cache, program)
    size = executable(cache, program).stat().st_size / 1e6
    say(f"{label}: done in {seconds:.0f} s, {size:.0f} MB")


def _compiled(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    modules = sum(line.startswith("go: downloading") for line in lines)
    return f"{modules} modules fetched, {len(lines) - modules} packages compiled"


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """A scratch folder that becomes `target` at once when the block succeeds."""
    scratch = Path(tempfile.mkdtemp(prefix=".build-", dir=target.parent))
    try:
        yield scratch
        scratch.chmod(0o755)
        scratch.rename(target)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def _publish(cache: Cache, program: Program) -> None:
    """Point `bin/NAME` at the new build, so that a person can put `bin` on PATH."""
    cache.bin.mkdir(parents=True, exist_ok=True)
    for name in program.names:
        scratch = cache.bin / f".{name}"
        scratch.unlink(missing_ok=True)
        scratch.symlink_to(folder(cache, program) / name)
        scratch.rename(cache.bin / name)
