"""The key of a build changes with everything the binary depends on, and with nothing else."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hack.cluster import builds
from hack.cluster.settings import Cache

FILES = st.dictionaries(st.text(max_size=5), st.binary(max_size=8), max_size=4)


@given(FILES, FILES)
def test_only_the_same_files_have_the_same_key(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    assert (builds.source_key(["-v"], one) == builds.source_key(["-v"], other)) == (one == other)


def test_flags_are_part_of_the_key() -> None:
    files = {"main.go": b"package main"}
    assert builds.source_key(["-tags=a"], files) != builds.source_key(["-tags=b"], files)


def test_content_cannot_move_from_one_file_to_its_neighbour_unseen() -> None:
    assert builds.source_key([], {"a": b"xy", "b": b""}) != builds.source_key([], {"a": b"x", "b": b"y"})


def test_the_order_in_which_files_are_read_does_not_matter() -> None:
    assert builds.source_key([], {"a": b"1", "b": b"2"}) == builds.source_key([], {"b": b"2", "a": b"1"})


def test_every_program_has_its_pinned_module_in_the_checkout() -> None:
    pinned = (builds.KUBERNETES, builds.ETCD, builds.COREDNS, builds.PAUSE, builds.PODINFO, builds.PROMETHEUS)
    for program in (*pinned, builds.HELM, builds.CSI, builds.MONGODUMP, builds.MONGORESTORE):
        assert {"go.mod", "go.sum"} <= {path.name for path in program.sources.iterdir()}


def test_kubernetes_is_found_under_each_of_its_names() -> None:
    cache = Cache(Path("/cache"))
    folder = builds.folder(cache, builds.KUBERNETES)
    assert builds.executable(cache, builds.KUBERNETES, "kubelet") == folder / "kubelet"
    assert builds.executable(cache, builds.KUBERNETES) == folder / "kubernetes"


def test_programs_of_one_module_are_built_by_one_command_each_under_its_own_name() -> None:
    *_, flag, target, package, provisioner, snapshotter, controller = builds.CSI.build_command(
        Path("/new/csi")
    )
    assert (flag, target, package) == ("-o", "/new/", ".")
    assert builds.CSI.names == ("csi", "csi-provisioner", "csi-snapshotter", "snapshot-controller")
    assert [each.rpartition("/")[2] for each in (provisioner, snapshotter, controller)] == list(
        builds.CSI.names[1:]
    )


def test_programs_of_one_module_have_the_version_that_it_pins() -> None:
    module = (builds.CSI.sources / "go.mod").read_text()
    for name in ("external-provisioner", "external-snapshotter"):
        version = builds.CSI.version.partition(f"{name} ")[2].split()[0]
        assert f"/{name}/v{version[0]} v{version} " in module
