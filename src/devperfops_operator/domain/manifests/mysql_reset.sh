# Fills the MySQL or MariaDB database RESET_DATABASE anew from the dump RESET_DUMP.
#
# Connects by MYSQL_HOST, MYSQL_TCP_PORT, MYSQL_USER and MYSQL_PWD. The mark that it may be reset is a row in another
# database, so it is there whatever becomes of this one; whoever is killed anywhere leaves what the next one begins with.
# Grants go by the database's name and stay; its character set is kept by an empty database beside it.
set -eu

client=$(command -v mariadb || command -v mysql) || { echo "the image has neither mariadb nor mysql" >&2; exit 1; }
beside="devperfops_$RESET_DATABASE"

sql() {
    "$client" ${MYSQL_HOST:+"--host=$MYSQL_HOST"} ${MYSQL_USER:+"--user=$MYSQL_USER"} \
        --batch --raw --skip-column-names --unbuffered --default-character-set=utf8mb4 "$@"
}

fail() {
    printf '%s\n' "$*" | cut -c 1-1500 >&2
    exit 1
}

dump() {
    case $RESET_DUMP in
        *.gz) gzip -dc "$RESET_DUMP" ;;
        *.zst) zstd -dcq "$RESET_DUMP" ;;
        *) cat "$RESET_DUMP" ;;
    esac
}

[ -r "$RESET_DUMP" ] || fail "there is no dump $RESET_DUMP that user $(id -u) may read: correct mysql.dump, or volumes"
elsewhere=$(dump | grep -aiEm 1 '^(/\*![0-9]+ *)?(USE|(CREATE|DROP) (DATABASE|SCHEMA))([ `/]|$)' | cut -c 1-100) || true
[ -z "$elsewhere" ] || fail "the dump $RESET_DUMP names databases itself (\"$elsewhere\"), so it might write to others:" \
    "write it without --databases and --all-databases"

# One at a time: this session has the lock until the script ends, however it does.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkfifo "$work/ask" "$work/answer"
sql < "$work/ask" > "$work/answer" &
exec 3> "$work/ask" 4< "$work/answer"
echo "SELECT GET_LOCK(CONCAT('devperfops_', MD5('$RESET_DATABASE')), 86400);" >&3
read -r locked <&4 || exit 1 # with the client's own words
[ "$locked" = 1 ] || fail "another reset of database $RESET_DATABASE goes on, and the wait for it was ended"

known() {
    sql <<SQL
SELECT CONCAT('CHARACTER SET ', DEFAULT_CHARACTER_SET_NAME, ' COLLATE ', DEFAULT_COLLATION_NAME)
FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '$1';
SQL
}

how="CREATE DATABASE IF NOT EXISTS devperfops; CREATE TABLE IF NOT EXISTS devperfops.may_be_reset (name varchar(64) \
PRIMARY KEY); INSERT INTO devperfops.may_be_reset VALUES ('$RESET_DATABASE')"
marks=$(sql <<SQL
SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'devperfops' AND TABLE_NAME = 'may_be_reset';
SQL
)
marked=
[ -z "$marks" ] || marked=$(sql <<SQL
SELECT 1 FROM devperfops.may_be_reset WHERE name = '$RESET_DATABASE';
SQL
)
[ -n "$marked" ] || fail "database \"$RESET_DATABASE\" is not marked as one that may be reset, so it is left alone." \
    "If all in it may be lost: $how"

# Without the database, but with the one beside it: an earlier reset was killed between the two.
settings=$(known "$RESET_DATABASE")
[ -n "$settings" ] || settings=$(known "$beside")
[ -n "$settings" ] || fail "there is no database \"$RESET_DATABASE\": create it, or correct mysql.database"

sql <<SQL
CREATE DATABASE IF NOT EXISTS \`$beside\` $settings;
SQL
# Sessions in it: an open transaction would hold up the DROP. One that ended by itself is no error.
sql <<SQL | sql --force 2> /dev/null || true
SELECT CONCAT('KILL ', ID, ';') FROM information_schema.PROCESSLIST WHERE DB = '$RESET_DATABASE';
SQL
sql <<SQL
SET SESSION lock_wait_timeout = 60;
DROP DATABASE IF EXISTS \`$RESET_DATABASE\`;
SQL
sql <<SQL
CREATE DATABASE \`$RESET_DATABASE\` $settings;
SQL
{ dump && : > "$work/whole"; } | sql --database="$RESET_DATABASE" > /dev/null
[ -e "$work/whole" ] || fail "the dump $RESET_DUMP cannot be read to its end"
sql <<SQL
DROP DATABASE IF EXISTS \`$beside\`;
SQL
sql <<SQL | sql > /dev/null
SELECT CONCAT('ANALYZE TABLE \`', TABLE_SCHEMA, '\`.\`', REPLACE(TABLE_NAME, '\`', '\`\`'), '\`;')
FROM information_schema.TABLES WHERE TABLE_SCHEMA = '$RESET_DATABASE' AND TABLE_TYPE = 'BASE TABLE';
SQL

if [ -n "${RESET_QUERY:-}" ]; then
    found=$(printf 'SET SESSION TRANSACTION READ ONLY;\n%s\n' "$RESET_QUERY" | sql --database="$RESET_DATABASE")
    [ "$found" = "$RESET_EXPECT" ] || fail "verify.query gave \"$found\" after the reset and not verify.expect," \
        "\"$RESET_EXPECT\": correct the dump or what is expected of it"
fi
