"""An image is built again when something it copies changes, and only then."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hack.cluster.dockerfile import context_key, copied, normalized


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("COPY a b /to/", ["a", "b"]),
        ("copy a /to", ["a"]),
        ("COPY --chown=1:1 --chmod=755 a /to", ["a"]),
        ("COPY --from=built /x /to", []),
        ('COPY ["with space", "/to"]', ["with space"]),
        ("ADD https://example.com/x.tar /to", []),
        ("COPY a \\\n  b \\\n  /to", ["a", "b"]),
        ("# COPY a /to\nRUN cp a b", []),
        ("COPY a \\\n# a comment between\n b /to", ["a", "b"]),
        ("COPY last /to \\", ["last"]),
    ],
)
def test_copied_names_what_the_context_must_have(text: str, expected: list[str]) -> None:
    assert copied(text) == expected


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("debian", "docker.io/library/debian:latest"),
        ("debian:bookworm-slim", "docker.io/library/debian:bookworm-slim"),
        ("devperfops/operator:dev", "docker.io/devperfops/operator:dev"),
        ("localhost/x", "localhost/x:latest"),
        ("localhost:5000/a/b", "localhost:5000/a/b:latest"),
        ("ghcr.io/team/op:1", "ghcr.io/team/op:1"),
    ],
)
def test_names_become_what_the_kubelet_looks_for(name: str, full: str) -> None:
    assert normalized(name) == full
    assert normalized(full) == full


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY src *.toml /app/\n")
    (tmp_path / "src" / "__pycache__").mkdir(parents=True)
    (tmp_path / "src" / "main.py").write_text("print()")
    (tmp_path / "project.toml").write_text("[project]")
    return tmp_path


def key(context: Path, *arguments: str) -> str:
    return context_key(context / "Dockerfile", context, arguments)


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda context: (context / "src" / "main.py").write_text("print(1)"),
    "new file": lambda context: (context / "src" / "more.py").write_text(""),
    "match of a pattern": lambda context: (context / "more.toml").write_text(""),
    "name": lambda context: (context / "src" / "main.py").rename(context / "src" / "other.py"),
    "executable": lambda context: (context / "src" / "main.py").chmod(0o755),
    "Dockerfile": lambda context: (context / "Dockerfile").write_text("FROM scratch\nCOPY src *.toml /\n"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_what_is_copied_changes_the_key(context: Path, change: str) -> None:
    before = key(context)
    CHANGES[change](context)
    assert key(context) != before


def test_a_change_of_what_is_not_copied_does_not(context: Path) -> None:
    before = key(context)
    (context / "README.md").write_text("new")
    (context / "src" / "__pycache__" / "main.pyc").write_text("compiled")
    assert key(context) == before


def test_build_arguments_are_part_of_the_key(context: Path) -> None:
    assert key(context, "BASE=a") != key(context, "BASE=b")
    assert key(context, "A=1", "B=2") == key(context, "B=2", "A=1")


def test_a_context_copied_whole_leaves_out_what_git_and_tools_keep(context: Path) -> None:
    (context / "Dockerfile").write_text("FROM scratch\nCOPY . /app/\n")
    before = key(context)
    (context / ".git").mkdir()
    (context / ".git" / "HEAD").write_text("ref")
    assert key(context) == before
    (context / "README.md").write_text("new")
    assert key(context) != before
