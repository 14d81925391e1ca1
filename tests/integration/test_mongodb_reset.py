"""The reset of a MongoDB database from a dump, by what the container runs, at a server that speaks MongoDB's protocol."""

from __future__ import annotations

import gzip
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from bson import Decimal128, Int64
from bson.json_util import dumps
from pymongo.collection import Collection

from devperfops_operator.api.data import MongoDBReset
from devperfops_operator.domain.manifests.mongodb_reset import MONGOSH, SCRIPT, mongodb_container
from hack.cluster.errors import ClusterError
from hack.kube import wait_for
from hack.mongodb.server import MongoDB, running
from tests.conftest import require_layer

pytestmark = pytest.mark.integration

PASSWORD = "it's h:u@sh"
ROLES = [
    {"role": "readWrite", "db": "shop"},
    {"role": "dbAdmin", "db": "shop"},
    {"role": "readWrite", "db": "devperfops"},
]
PATIENCE = "PATIENCE_MS = 15000"
QUICK = SCRIPT.replace(PATIENCE, "PATIENCE_MS = 3000")
"""Nobody waits 15 s for one that was killed."""


@pytest.fixture(scope="module")
def server() -> Iterator[MongoDB]:
    try:
        with running() as server:
            server.client.admin.command("createUser", "resetter", pwd=PASSWORD, roles=ROLES)
            yield server
    except ClusterError as error:
        require_layer("integration", str(error))


@pytest.fixture
def shop(server: MongoDB) -> MongoDB:
    """A server with a database that is marked, and a dump of it."""
    for name in databases(server):
        server.client.drop_database(name)
    database = server.client.shop
    database.orders.insert_many(
        [{"_id": Int64(at), "state": "open", "total": Decimal128(f"{at}.50")} for at in range(500)]
    )
    database.orders.create_index("state")
    database.items.insert_many([{"order": at % 500, "name": f"ä\n{at}"} for at in range(900)])
    database.items.create_index([("order", 1), ("name", 1)], unique=True, name="once")
    database.create_collection("log", capped=True, size=1 << 20)
    database.create_collection("open_orders", viewOn="orders", pipeline=[{"$match": {"state": "open"}}])
    server.client.devperfops.may_be_reset.insert_one({"_id": "shop"})
    server.dump("shop", golden(server))
    return server


def golden(server: MongoDB) -> Path:
    return server.folder / "shop.archive.gz"


@dataclass(frozen=True)
class Ended:
    code: int
    words: str


def reset(server: MongoDB, *, script: str = QUICK, uri: str | None = None, **options: Any) -> Ended:
    """Run what the container would, as who may do no more than the documents say."""
    wanted = {
        "image": "mongo:7.0",
        "database": "shop",
        "dump": str(golden(server)),
        "volumes": [{"pvc": "golden", "mountPath": "/golden"}],
        **options,
    }
    container = mongodb_container(MongoDBReset.from_json(wanted))
    env = {each["name"]: each["value"].replace("$$", "$") for each in container["env"]}
    with TemporaryDirectory(dir=server.folder) as home:
        folders = {"HOME": home, "TMPDIR": home}
        done = subprocess.run(
            [*MONGOSH, script],
            env={**env, **server.env, **folders, "MONGODB_URI": uri or server.uri("resetter", PASSWORD)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode < 0 or not list(Path(home).glob("reset-*")), "nothing secret is left behind"
    assert not re.search("h(:|%3A)u", done.stdout), "the password is told"
    return Ended(done.returncode, done.stdout)


def state(server: MongoDB) -> str:
    """All of the database that a dump has."""
    database = server.client.shop
    known = sorted(database.list_collections(), key=lambda each: each["name"])
    return dumps(
        [
            {
                "name": each["name"],
                "type": each["type"],
                "options": each["options"],
                "indexes": indexes(database[each["name"]]) if each["type"] != "view" else {},
                "documents": list(database[each["name"]].find().sort("_id")),
            }
            for each in known
        ]
    )


def indexes(collection: Collection[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the namespace, which this server keeps of what mongorestore sends, and MongoDB from 4.4 on does not."""
    return [{key: value for key, value in each.items() if key != "ns"} for each in collection.list_indexes()]


def dirty(server: MongoDB) -> None:
    database = server.client.shop
    database.orders.delete_many({"_id": {"$mod": [3, 0]}})
    database.orders.update_many({"_id": {"$mod": [2, 0]}}, {"$set": {"state": "paid"}})
    database.orders.drop_index("state_1")
    database.items.drop()
    database.left_behind.insert_one({})


def databases(server: MongoDB) -> list[str]:
    own = {"admin", "config", "local"}
    return [name for name in server.client.list_database_names() if name not in own]


def turns(server: MongoDB) -> list[dict[str, Any]]:
    return list(server.client.devperfops.resets.find())


def test_after_dirty_runs_the_state_is_that_of_the_dump(shop: MongoDB) -> None:
    before, dump = state(shop), golden(shop).read_bytes()
    for _ in range(3):
        dirty(shop)
        assert state(shop) != before
        ended = reset(shop)
        assert ended.code == 0, ended.words
        assert state(shop) == before
    assert sorted(databases(shop)) == ["devperfops", "shop"]
    assert turns(shop) == []
    assert golden(shop).read_bytes() == dump


def test_a_dump_that_is_not_packed(shop: MongoDB) -> None:
    before = state(shop)
    plain = shop.folder / "shop.archive"
    plain.write_bytes(gzip.decompress(golden(shop).read_bytes()))
    dirty(shop)
    assert reset(shop, dump=str(plain)).code == 0
    assert state(shop) == before


def test_a_dump_that_breaks_off_is_no_reset_and_the_next_one_heals(shop: MongoDB) -> None:
    before = state(shop)
    broken = shop.folder / "broken.gz"
    broken.write_bytes(golden(shop).read_bytes()[:-9])
    ended = reset(shop, dump=str(broken))
    assert ended.code == 1
    assert f"mongorestore did not restore {broken}" in ended.words
    assert turns(shop) == []
    assert reset(shop).code == 0
    assert state(shop) == before


def test_a_database_without_the_mark_is_left_alone(shop: MongoDB) -> None:
    shop.client.devperfops.may_be_reset.update_one({"_id": "shop"}, {"$set": {"by": "hand"}})
    assert reset(shop).code == 0, "more may be in the mark"
    shop.client.devperfops.may_be_reset.delete_many({})
    shop.client.devperfops.may_be_reset.insert_one({"_id": "another"})
    dirty(shop)
    before = state(shop)
    ended = reset(shop)
    assert ended.code == 1
    assert 'database "shop" is not marked as one that may be reset' in ended.words
    assert 'db.getSiblingDB("devperfops").may_be_reset.insertOne({_id: "shop"})' in ended.words
    assert state(shop) == before


def test_on_a_server_without_marks_every_database_is_left_alone(shop: MongoDB) -> None:
    shop.client.drop_database("devperfops")
    before = state(shop)
    assert "is not marked" in reset(shop).words
    assert state(shop) == before
    assert databases(shop) == ["shop"]


@pytest.mark.parametrize("content", [None, b"no archive at all\n" * 9])
def test_what_is_no_dump_costs_nothing(shop: MongoDB, content: bytes | None) -> None:
    before = state(shop)
    dump = shop.folder / "none.archive"
    dump.unlink(missing_ok=True)
    if content is not None:
        dump.write_bytes(content)
    ended = reset(shop, dump=str(dump))
    assert ended.code == 1
    assert ("did not restore" if content else f"there is no dump {dump}") in ended.words
    assert state(shop) == before


def test_a_dump_of_all_databases_writes_to_no_other(shop: MongoDB) -> None:
    shop.client.billing.bills.insert_one({"_id": 1, "state": "golden"})
    both = shop.folder / "both.gz"
    shop.dump("", both)
    shop.client.billing.bills.update_one({}, {"$set": {"state": "paid"}})
    before = state(shop)
    dirty(shop)
    assert reset(shop, dump=str(both)).code == 0
    assert state(shop) == before
    assert shop.client.billing.bills.find_one() == {"_id": 1, "state": "paid"}


def test_a_dump_of_another_database_is_no_reset(shop: MongoDB) -> None:
    shop.client.billing.bills.insert_one({})
    other = shop.folder / "other.gz"
    shop.dump("billing", other)
    assert "has nothing of database shop" in reset(shop, dump=str(other)).words


COUNT = {
    "collection": "open_orders",
    "pipeline": '[{"$group": {"_id": "$state", "n": {"$sum": 1}}}]',
    "expect": '{"_id": "open",  "n": 500}\n',
}


def test_a_verification_that_holds(shop: MongoDB) -> None:
    assert reset(shop, verify=COUNT).code == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"expect": '{"_id": "open", "n": 501}'},
            'verify.pipeline gave {"_id":"open","n":500} after the reset and not verify.expect, {"_id":"open","n":501}',
        ),
        ({"pipeline": '[{"$nowhere": 1}]'}, "$nowhere"),
        ({"collection": "nowhere"}, "verify.pipeline gave  after the reset"),
    ],
)
def test_a_verification_that_does_not(shop: MongoDB, change: dict[str, str], words: str) -> None:
    ended = reset(shop, verify=COUNT | change)
    assert ended.code == 1
    assert words in ended.words
    assert turns(shop) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pipeline": '[{"$count": "n"]'}, "verify.pipeline is not JSON"),
        ({"expect": "500"}, "verify.pipeline gave"),
        ({"expect": "{500}"}, "verify.expect is not JSON"),
        ({"pipeline": '[{"\\u0024out": "orders"}]'}, "leave out $out and $merge"),
    ],
)
def test_a_verification_that_cannot_be_read_or_writes(
    shop: MongoDB, change: dict[str, str], words: str
) -> None:
    before = state(shop)
    assert words in reset(shop, verify=COUNT | change).words
    assert state(shop) == before


def steps() -> list[int]:
    """The lines of the script after which the server may be another than before."""
    changing = re.compile(r"^(takeTurn\(\)| +(restore\(|target\.dropDatabase|turns\.deleteOne))")
    found = [at for at, line in enumerate(SCRIPT.splitlines(), 1) if changing.match(line)]
    assert len(found) == 5
    return found


KILL = 'process.kill(process.pid, "SIGKILL");'


@pytest.mark.parametrize("step", steps())
def test_killed_behind_any_step_the_next_reset_heals(shop: MongoDB, step: int) -> None:
    before = state(shop)
    dirty(shop)
    script = QUICK.splitlines()
    killed = reset(shop, script="\n".join([*script[:step], KILL, *script[step:]]))
    assert killed.code == -9
    assert reset(shop).code == 0
    assert state(shop) == before
    assert turns(shop) == []


def test_killed_while_it_restores_the_next_reset_heals(shop: MongoDB) -> None:
    before = state(shop)
    started = 'child.on("exit"'
    assert SCRIPT.count(started) == 1
    first = f'if (options.includes("--drop")) {{ child.kill("SIGKILL"); {KILL} }}\n{started}'
    assert reset(shop, script=QUICK.replace(started, first)).code == -9
    assert reset(shop).code == 0
    assert state(shop) == before


def test_a_killed_mongorestore_is_no_reset(shop: MongoDB) -> None:
    started = 'child.on("exit"'
    ended = reset(shop, script=QUICK.replace(started, f'child.kill("SIGKILL"); {started}'))
    assert ended.code == 1
    assert "it ended with: SIGKILL" in ended.words


def test_an_image_without_mongorestore_is_told(shop: MongoDB) -> None:
    before = state(shop)
    ended = reset(shop, script=QUICK.replace('"mongorestore"', '"mongorestore-of-nowhere"'))
    assert "ENOENT" in ended.words
    assert state(shop) == before


def test_who_is_not_let_in_is_told(shop: MongoDB) -> None:
    before = state(shop)
    ended = reset(shop, uri=shop.uri("resetter", "no secret"))
    assert (ended.code, "authentication failed" in ended.words) == (1, True)
    assert "no secret" not in ended.words
    assert state(shop) == before


@pytest.mark.parametrize(
    "address", ["mongodb://resetter:it's h:u@sh@127.0.0.1/", "resetter:it's h:u@127.0.0.1"]
)
def test_an_address_that_is_none_is_told_without_its_password(shop: MongoDB, address: str) -> None:
    before = state(shop)
    ended = reset(shop, uri=address)
    assert ended.code == 1
    assert "cannot connect by MONGODB_URI" in ended.words
    assert state(shop) == before


def test_without_an_address_nothing_is_done(shop: MongoDB) -> None:
    assert "there is no MONGODB_URI" in reset(shop, script=f"delete process.env.MONGODB_URI;\n{QUICK}").words


def test_two_at_once_take_turns(shop: MongoDB) -> None:
    before = state(shop)
    dirty(shop)
    with ThreadPoolExecutor() as pool:
        ended = list(pool.map(lambda _: reset(shop, script=SCRIPT), range(2)))
    assert [each.code for each in ended] == [0, 0], ended
    assert state(shop) == before
    assert turns(shop) == []


def test_one_that_goes_on_for_long_keeps_its_turn(shop: MongoDB) -> None:
    """Longer than another waits for a dead one; whose turn is taken ends with code 1."""
    patient = SCRIPT.replace(PATIENCE, "PATIENCE_MS = 4000")
    slow = patient.replace("target.dropDatabase();", "target.dropDatabase(); sleep(9000);")
    with ThreadPoolExecutor() as pool:
        first = pool.submit(reset, shop, script=slow)
        wait_for("the first to have its turn", lambda: bool(turns(shop)), seconds=60, interval=0.05)
        second = pool.submit(reset, shop, script=patient)
        assert (first.result().code, second.result().code) == (0, 0)


def test_one_that_was_taken_for_dead_stops(shop: MongoDB) -> None:
    slow = QUICK.replace("target.dropDatabase();", "sleep(60000); target.dropDatabase();")
    dirty(shop)
    before = state(shop)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(reset, shop, script=slow)
        wait_for("it to have its turn", lambda: bool(turns(shop)), seconds=60, interval=0.05)
        shop.client.devperfops.resets.update_one({}, {"$set": {"holder": "another"}})
        ended = first.result()
    assert ended.code == 1
    assert "another reset took this one for dead" in ended.words
    assert state(shop) == before


def test_one_that_cannot_show_that_it_is_alive_stops(shop: MongoDB) -> None:
    mute = SCRIPT.replace("MUTE_MS = 10000", "MUTE_MS = 2000").replace(
        "const mine", 'fail("away"); const mine'
    )
    before = state(shop)
    ended = reset(shop, script=mute.replace("target.dropDatabase();", "sleep(60000); target.dropDatabase();"))
    assert ended.code == 1
    assert "away; tried again" in ended.words
    assert "for 2 s the server did not answer" in ended.words
    assert state(shop) == before


def test_neither_arguments_nor_others_see_the_password(shop: MongoDB) -> None:
    """What is printed is looked through for it, see above."""
    started = 'child.on("exit"'
    arguments = (
        'print(["self", child.pid].map((pid) => files.readFileSync(`/proc/${pid}/cmdline`, "utf8")).join());'
    )
    file = "print(`mode ${(files.statSync(config).mode & 0o777).toString(8)}`);"
    ended = reset(shop, script=QUICK.replace(started, f"{arguments} {file} {started}"))
    assert ended.code == 0
    assert "--config=" in ended.words
    assert "mode 600" in ended.words
