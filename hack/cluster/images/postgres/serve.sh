# Makes the databases at the first start, as /setup/*.sql says, then is the server. Arguments are the server's.
set -eu

if [ ! -d "$PGDATA" ]; then
    # Beside: what is killed in the middle is begun anew.
    made=$(mktemp -d "$PGDATA.XXXXXX")
    printf '%s\n' "$POSTGRES_PASSWORD" | initdb --pgdata="$made" --username=postgres --pwfile=/dev/stdin \
        --auth-local=trust --auth-host=scram-sha-256 --no-sync >/dev/null
    echo 'host all all all scram-sha-256' >>"$made/pg_hba.conf"
    pg_ctl start --wait --silent --pgdata="$made" \
        --options="-c listen_addresses='' -c unix_socket_directories=/tmp -c fsync=off"
    for file in /setup/*.sql; do
        psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --host=/tmp --username=postgres --file="$file" postgres
    done
    pg_ctl stop --wait --silent --pgdata="$made" --mode=fast
    mv "$made" "$PGDATA"
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/tmp "$@"
