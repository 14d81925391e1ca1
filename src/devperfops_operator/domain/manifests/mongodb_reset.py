"""What the container of `spec.data.mongodb` runs: one script of this package, by mongosh and mongorestore."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from devperfops_operator.api.data import MongoDBReset
from devperfops_operator.domain.manifests.common import literal
from devperfops_operator.domain.manifests.load_volumes import TMP_MOUNT

SCRIPT: Final = files(__package__).joinpath("mongodb_reset.js").read_text("utf-8")
MONGOSH: Final = ("mongosh", "--nodb", "--norc", "--quiet", "--eval")


def mongodb_container(reset: MongoDBReset) -> dict[str, Any]:
    """`command` and `env` beyond the team's own. mongosh keeps its own files in its home."""
    verify = reset.verify
    settings = {"HOME": TMP_MOUNT.path, "RESET_DATABASE": reset.database, "RESET_DUMP": reset.dump}
    checks = (
        {
            "RESET_COLLECTION": verify.collection,
            "RESET_PIPELINE": verify.pipeline,
            "RESET_EXPECT": verify.expect,
        }
        if verify is not None
        else {}
    )
    return {
        "command": [*MONGOSH, literal(SCRIPT)],
        "env": [
            *(each.to_json() for each in reset.env or ()),
            *({"name": name, "value": literal(value)} for name, value in {**settings, **checks}.items()),
        ],
    }
