// Fills the MongoDB database RESET_DATABASE anew from RESET_DUMP, an archive of mongodump.
//
// Run by mongosh; connects by MONGODB_URI. The mark that it may be reset is a document in another database, so it is
// there whatever becomes of this one; whoever is killed anywhere leaves what the next one begins anew.
disableTelemetry();
const files = require("fs");
const { tmpdir } = require("os");
const { spawn } = require("child_process");
const { RESET_DATABASE, RESET_DUMP, RESET_COLLECTION, RESET_PIPELINE, RESET_EXPECT } = process.env;
const URI = (process.env.MONGODB_URI || "").trim(); // a file's last line break
const BEAT_MS = 1000;
const MUTE_MS = 10000; // who could not say for so long that it goes on stops, ...
const PATIENCE_MS = 15000; // ... before another may think it dead
let child = null;
let done = false;

function fail(message) {
    throw new Error(message);
}

function lines(documents) {
    return documents.map((each) => EJSON.stringify(each, { relaxed: true })).join("\n");
}

function parsed(text, field) {
    try {
        return EJSON.parse(text, { relaxed: true });
    } catch (error) {
        return fail(`${field} is not JSON (${error.message}): ${text}`);
    }
}

function connected() {
    try {
        const session = connect(URI); // mongosh waits here; with `return` it would not, and nothing were caught
        return session;
    } catch (error) {
        // mongosh shows an address that it cannot read with its password
        return fail(`cannot connect by MONGODB_URI: ${error.message.replaceAll(URI, "(not shown)")}`);
    }
}

if (!URI) fail("there is no MONGODB_URI: set it by env or envFrom, from a Secret");
try {
    files.accessSync(RESET_DUMP, files.constants.R_OK);
} catch {
    fail(`there is no dump ${RESET_DUMP} that user ${process.getuid()} may read: correct mongodb.dump, or volumes`);
}
const pipeline = RESET_PIPELINE ? parsed(RESET_PIPELINE, "verify.pipeline") : null;
const expected = RESET_PIPELINE
    ? lines(RESET_EXPECT.split("\n").filter((line) => line.trim()).map((line) => parsed(line, "verify.expect")))
    : null;
const writes = pipeline !== null && pipeline.some((stage) => "$out" in stage || "$merge" in stage);
if (writes) fail("verify.pipeline writes: leave out $out and $merge");

const target = connected().getSiblingDB(RESET_DATABASE);
const marks = target.getSiblingDB("devperfops");
if (marks.getCollection("may_be_reset").findOne({ _id: RESET_DATABASE }) === null) {
    fail(
        `database "${RESET_DATABASE}" is not marked as one that may be reset, so it is left alone. If all in it may be ` +
            `lost: db.getSiblingDB("devperfops").may_be_reset.insertOne({_id: "${RESET_DATABASE}"})`,
    );
}

// One at a time. No lock of MongoDB's ends with its holder, so this one shows by a counter that it is alive; whoever
// waits takes over what has not moved for a while by its own clock. No two clocks are compared.
const turns = marks.getCollection("resets");
const me = new ObjectId();

function takeTurn() {
    let seen = "";
    let since = 0;
    for (;;) {
        const held = turns.findOne({ _id: RESET_DATABASE });
        const state = held === null ? "" : `${held.holder} ${held.beat}`;
        if (held === null) {
            try {
                turns.insertOne({ _id: RESET_DATABASE, holder: me, beat: 0 });
                return;
            } catch (error) {
                if (error.code !== 11000) throw error; // somebody else was faster
            }
        } else if (state !== seen) {
            seen = state;
            since = performance.now();
        } else if (performance.now() - since > PATIENCE_MS) {
            const dead = { _id: RESET_DATABASE, holder: held.holder, beat: held.beat };
            if (turns.updateOne(dead, { $set: { holder: me, beat: 0 } }).modifiedCount === 1) return;
        }
        sleep(200);
    }
}

function stop(why) {
    if (child !== null) child.kill("SIGKILL");
    console.error(`Error: ${why}`);
    process.exit(1);
}

function restore(...options) {
    const folder = files.mkdtempSync(`${tmpdir()}/reset-`);
    const config = `${folder}/mongorestore.yaml`; // the arguments are no place for a password
    const packed = RESET_DUMP.endsWith(".gz") ? ["--gzip"] : [];
    let ended = null;
    try {
        files.writeFileSync(config, `uri: ${JSON.stringify(URI)}\n`, { mode: 0o600 });
        child = spawn(
            "mongorestore",
            [`--config=${config}`, `--archive=${RESET_DUMP}`, ...packed, `--nsInclude=${RESET_DATABASE}.*`, ...options],
            { stdio: ["ignore", "inherit", "inherit"] },
        );
        child.on("error", (error) => (ended = error.message));
        child.on("exit", (code, signal) => (ended ??= code ?? signal));
        while (ended === null) sleep(50);
    } finally {
        files.rmSync(folder, { recursive: true });
    }
    if (ended !== 0) fail(`mongorestore did not restore ${RESET_DUMP}; it ended with: ${ended}`);
}

takeTurn();
const guard = setTimeout(() => stop(`for ${MUTE_MS / 1000} s the server did not answer`), MUTE_MS);
setInterval(() => {
    try {
        const mine = turns.updateOne({ _id: RESET_DATABASE, holder: me }, { $inc: { beat: 1 } }).matchedCount === 1;
        if (!mine && !done) stop("another reset took this one for dead and goes on");
        guard.refresh();
    } catch (error) {
        console.error(`${error.message}; tried again`);
    }
}, BEAT_MS);
try {
    restore("--dryRun"); // whether it is an archive at all, before anything is lost
    target.dropDatabase();
    restore("--drop", "--stopOnError"); // --drop: the application may have made a collection meanwhile
    if (target.getCollectionNames().length === 0) fail(`the dump ${RESET_DUMP} has nothing of database ${RESET_DATABASE}`);
    if (pipeline !== null) {
        const found = lines(target.getCollection(RESET_COLLECTION).aggregate(pipeline).toArray());
        if (found !== expected) {
            fail(
                `verify.pipeline gave ${found.slice(0, 600)} after the reset and not verify.expect, ` +
                    `${expected.slice(0, 600)}: correct the dump or what is expected of it`,
            );
        }
    }
} finally {
    done = true;
    turns.deleteOne({ _id: RESET_DATABASE, holder: me });
}
quit(0);
