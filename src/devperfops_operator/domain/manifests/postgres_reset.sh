# Makes the PostgreSQL database RESET_DATABASE what its golden copy RESET_TEMPLATE is.
#
# Connects by libpq's own variables (PGHOST, PGUSER, PGPASSWORD, ...). The copy is made and marked beside the
# database, which is then dropped and replaced by it: so there is never a database of that name without the mark,
# and whoever is killed anywhere leaves what the next one goes on from. Bears PostgreSQL 13 and later.
set -eu

export PSQL="psql --no-psqlrc --no-password --quiet --tuples-only --no-align
    --set=ON_ERROR_STOP=1 --set=VERBOSITY=terse"

# What is left once the database is there again.
RESET_SETTLE=$(cat <<'SH'
set -eu

# Statistics come with the copy, where there are any.
$PSQL --dbname="$RESET_DATABASE" <<'SQL'
SELECT 'ANALYZE' WHERE EXISTS (
    SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'm') AND reltuples < 0 AND nspname NOT IN ('pg_catalog', 'information_schema')
) \gexec
SQL

if [ -n "${RESET_QUERY:-}" ]; then
    export PGOPTIONS="${PGOPTIONS:-} -c default_transaction_read_only=on"
    found=$(printf '%s\n' "$RESET_QUERY" | $PSQL --dbname="$RESET_DATABASE")
    if [ "$found" != "$RESET_EXPECT" ]; then
        echo "verify.query gave \"$found\" after the reset and not verify.expect, \"$RESET_EXPECT\":" \
            "correct the golden copy or what is expected of it" | cut -c 1-1500 >&2
        exit 1
    fi
fi
echo settled
SH
)
export RESET_SETTLE

$PSQL --dbname="${PGDATABASE:-postgres}" \
    --set=database="$RESET_DATABASE" --set=template="$RESET_TEMPLATE" <<'SQL' | grep -q '^settled$'
SET client_min_messages = warning;
SET statement_timeout = 0;

-- One at a time; an earlier one that was killed may still be copying.
SELECT pg_advisory_lock(hashtext('devperfops.io/reset'), hashtext(:'database')) AS locked \gset

SELECT 'devperfops_' || md5(:'database') AS copy,
       :'database' AS "reset_database",
       :SERVER_VERSION_NUM >= 150000 AS chooses_strategy \gset
SET devperfops.mark = 'devperfops.io/may-be-reset';
SELECT set_config('devperfops.database', :'database', false) AS a,
       set_config('devperfops.template', :'template', false) AS b \gset

-- Killed between dropping the database and giving the copy its name: that is done now.
SELECT format(statement, :'copy', :'database')
FROM pg_database AS copy,
     (VALUES (1, 'ALTER DATABASE %1$I WITH ALLOW_CONNECTIONS true'), (2, 'ALTER DATABASE %1$I RENAME TO %2$I'))
         AS steps(at, statement)
WHERE copy.datname = :'copy'
  AND position(current_setting('devperfops.mark') IN shobj_description(copy.oid, 'pg_database')) > 0
  AND NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database')
ORDER BY at \gexec

DO $$
DECLARE
    mark text := current_setting('devperfops.mark');
    target text := current_setting('devperfops.database');
    golden text := current_setting('devperfops.template');
    known boolean;
    marked boolean;
    open boolean;
BEGIN
    SELECT true, coalesce(position(mark IN shobj_description(oid, 'pg_database')) > 0, false)
    INTO known, marked FROM pg_database WHERE datname = target;
    IF known IS NULL THEN
        RAISE EXCEPTION 'there is no database "%": create it, and mark it by COMMENT ON DATABASE % IS ''%''',
            target, quote_ident(target), mark;
    END IF;
    IF NOT marked THEN
        RAISE EXCEPTION 'database "%" is not marked as one that may be reset, so it is left alone. If all in it '
            'may be lost: COMMENT ON DATABASE % IS ''%''', target, quote_ident(target), mark;
    END IF;
    SELECT datallowconn INTO open FROM pg_database WHERE datname = golden;
    IF open IS NULL THEN
        RAISE EXCEPTION 'there is no golden copy "%": create it, such as CREATE DATABASE % TEMPLATE %',
            golden, quote_ident(golden), quote_ident(target);
    END IF;
    IF open THEN
        RAISE EXCEPTION 'the golden copy "%" accepts connections, so somebody may change it: '
            'ALTER DATABASE % WITH ALLOW_CONNECTIONS false', golden, quote_ident(golden);
    END IF;
END
$$;

SELECT pg_get_userbyid(datdba) AS owner, shobj_description(oid, 'pg_database') AS comment
FROM pg_database WHERE datname = :'database' \gset

DROP DATABASE IF EXISTS :"copy" WITH (FORCE);
\if :chooses_strategy
CREATE DATABASE :"copy" TEMPLATE :"template" OWNER :"owner" ALLOW_CONNECTIONS false STRATEGY file_copy;
\else
CREATE DATABASE :"copy" TEMPLATE :"template" OWNER :"owner" ALLOW_CONNECTIONS false;
\endif

-- What is the database's own and does not come with a copy: grants, settings, at last the comment with the mark.
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'copy')
FROM pg_database WHERE datname = :'database' AND datacl IS NOT NULL \gexec
SELECT format('GRANT %s ON DATABASE %I TO %s %s', privilege_type, :'copy',
              CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
              CASE WHEN is_grantable THEN 'WITH GRANT OPTION' ELSE '' END)
FROM pg_database, aclexplode(datacl)
WHERE datname = :'database' AND grantee <> datdba \gexec
SELECT format('ALTER %s DATABASE %I SET %I TO %s',
              CASE setrole WHEN 0 THEN '' ELSE format('ROLE %I IN', pg_get_userbyid(setrole)) END,
              :'copy', name,
              -- lists are stored as they are written
              CASE WHEN name IN ('search_path', 'temp_tablespaces', 'local_preload_libraries',
                                 'session_preload_libraries') THEN value ELSE quote_literal(value) END)
FROM pg_db_role_setting
JOIN pg_database ON pg_database.oid = setdatabase,
     unnest(setconfig) AS setting,
     LATERAL (SELECT split_part(setting, '=', 1), substr(setting, position('=' IN setting) + 1)) AS pair(name, value)
WHERE datname = :'database' \gexec
COMMENT ON DATABASE :"copy" IS :'comment';

DROP DATABASE :"database" WITH (FORCE);
ALTER DATABASE :"copy" WITH ALLOW_CONNECTIONS true;
ALTER DATABASE :"copy" RENAME TO :"database";

-- By another session: this one holds the lock, without which the next reset would drop the database meanwhile.
\! sh -c "$RESET_SETTLE"
SQL
