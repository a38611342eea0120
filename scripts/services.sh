#!/usr/bin/env bash
# A Postgres and a Redis of our own for tests and benchmarks: private ports on loopback, data under
# .tools/run, durability as in production (fsync on).
#
#   scripts/services.sh start      starts what is missing and prints `export` lines for the shell
#   scripts/services.sh stop       stops what this script started
#   scripts/services.sh run CMD..  starts, runs CMD with the addresses in its environment, and stops
#                                  what was not running before
#
# A server you name yourself is used instead, and never stopped:
#   PERENNIAL_TEST_POSTGRES_URL=postgres://user@host:port/postgres   (must be allowed to CREATE DATABASE)
#   PERENNIAL_TEST_REDIS_URL=redis://host:port
set -euo pipefail
. "$(dirname "$0")/lib.sh"

PG_OWNER="$(id -un)"

find_postgres() {
    local dir
    for dir in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV) \
        "$(dirname "$(command -v postgres || echo /none)")"; do
        if [ -x "$dir/initdb" ] && [ -x "$dir/pgbench" ]; then
            echo "$dir"
            return
        fi
    done
}

# Postgres refuses to run as root: its own system user does it then.
as_owner() {
    if [ "$PG_OWNER" = "$(id -un)" ]; then "$@"; else (cd / && runuser -u "$PG_OWNER" -- "$@"); fi
}

# The folder of the cluster: under .tools/run, or under /var/tmp when the owner cannot get there
# (a checkout under /root).
postgres_home() {
    if [ "$(id -u)" != 0 ]; then
        echo "$RUN/postgres"
        return
    fi
    install -d -o "$PG_OWNER" "$RUN/postgres"
    if as_owner test -w "$RUN/postgres"; then
        echo "$RUN/postgres"
    else
        local elsewhere="/var/tmp/perennial-postgres-$(printf %s "$ROOT" | cksum | cut -d' ' -f1)"
        install -d -o "$PG_OWNER" -m 700 "$elsewhere"
        echo "$elsewhere"
    fi
}

# Answers only for the cluster in our own folder, so that a test never writes into somebody
# else's server.
postgres_is_ours() {
    [ "$("$BIN/psql" -XAtq -h 127.0.0.1 -p "$1" -U postgres -d postgres \
        -c 'SHOW data_directory' 2>/dev/null)" = "$HOME_PG/data" ]
}

start_postgres() {
    if [ -n "${PERENNIAL_TEST_POSTGRES_URL:-}" ]; then return; fi
    BIN="$(find_postgres)"
    if [ -z "$BIN" ]; then
        apt_install postgresql
        BIN="$(find_postgres)"
    fi
    [ -n "$BIN" ] || die "Postgres is installed but initdb and pgbench were not found"
    if [ "$(id -u)" = 0 ]; then PG_OWNER=postgres; fi
    HOME_PG="$(postgres_home)"
    local port
    port="$(cat "$RUN/postgres.port" 2>/dev/null || true)"
    if [ -z "$port" ] || ! postgres_is_ours "$port"; then
        if [ ! -s "$HOME_PG/data/PG_VERSION" ]; then
            as_owner rm -rf "$HOME_PG/data"
            as_owner "$BIN/initdb" -D "$HOME_PG/data" -A trust -U postgres -E UTF8 --locale=C \
                --no-sync >/dev/null
        fi
        as_owner "$BIN/pg_ctl" -D "$HOME_PG/data" -m immediate -w stop >/dev/null 2>&1 || true
        port="$(free_port)"
        as_owner "$BIN/pg_ctl" -D "$HOME_PG/data" -l "$HOME_PG/log" -w start -o "-p $port \
            -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=on \
            -c max_connections=400 -c shared_buffers=128MB" >/dev/null </dev/null \
            || { tail -n 20 "$HOME_PG/log" >&2; die "Postgres did not start"; }
        postgres_is_ours "$port" || die "the server on port $port is not the one just started"
        echo "$port" >"$RUN/postgres.port"
        STARTED="$STARTED postgres"
        drop_leftovers "$port"
    fi
    export PERENNIAL_TEST_POSTGRES_URL="postgres://postgres@127.0.0.1:$port/postgres"
    export PERENNIAL_TEST_POSTGRES_BIN="$BIN"
}

# Databases of test runs that were killed.
drop_leftovers() {
    "$BIN/psql" -XAtq -h 127.0.0.1 -p "$1" -U postgres -d postgres -c \
        "SELECT format('DROP DATABASE IF EXISTS %I;', datname) FROM pg_database WHERE datname LIKE 'perennial_test_%'" |
        "$BIN/psql" -Xq -h 127.0.0.1 -p "$1" -U postgres -d postgres
}

# Redis tells the folder without symbolic links in its path.
redis_answers() { [ "$(redis-cli -p "$1" config get dir 2>/dev/null | tail -n 1)" = "$(realpath "$RUN/redis")" ]; }

start_redis() {
    if [ -n "${PERENNIAL_TEST_REDIS_URL:-}" ]; then return; fi
    command -v redis-server >/dev/null || apt_install redis-server
    local port
    port="$(cat "$RUN/redis.port" 2>/dev/null || true)"
    if [ -z "$port" ] || ! redis_answers "$port"; then
        mkdir -p "$RUN/redis"
        port="$(free_port)"
        redis-server --port "$port" --bind 127.0.0.1 --dir "$RUN/redis" --daemonize yes \
            --pidfile "$RUN/redis/pid" --logfile "$RUN/redis/log" --save '' --appendonly no >/dev/null
        for _ in $(seq 50); do
            if redis_answers "$port"; then break; fi
            sleep 0.1
        done
        redis_answers "$port" || die "Redis did not start: see $RUN/redis/log"
        echo "$port" >"$RUN/redis.port"
        STARTED="$STARTED redis"
    fi
    export PERENNIAL_TEST_REDIS_URL="redis://127.0.0.1:$port"
}

start() {
    STARTED=""
    mkdir -p "$RUN"
    start_postgres
    start_redis
}

stop_postgres() {
    BIN="$(find_postgres)"
    if [ -z "$BIN" ] || [ ! -e "$RUN/postgres.port" ]; then return; fi
    if [ "$(id -u)" = 0 ]; then PG_OWNER=postgres; fi
    HOME_PG="$(postgres_home)"
    as_owner "$BIN/pg_ctl" -D "$HOME_PG/data" -m fast -w stop >/dev/null 2>&1 || true
    rm -f "$RUN/postgres.port"
}

stop_redis() {
    local port
    port="$(cat "$RUN/redis.port" 2>/dev/null || true)"
    if [ -n "$port" ] && redis_answers "$port"; then redis-cli -p "$port" shutdown nosave 2>/dev/null || true; fi
    rm -f "$RUN/redis.port"
}

stop_started() {
    case "$STARTED" in *postgres*) stop_postgres ;; esac
    case "$STARTED" in *redis*) stop_redis ;; esac
}

case "${1:-}" in
start)
    start
    printf 'export %s=%s\n' \
        PERENNIAL_TEST_POSTGRES_URL "$PERENNIAL_TEST_POSTGRES_URL" \
        PERENNIAL_TEST_POSTGRES_BIN "${PERENNIAL_TEST_POSTGRES_BIN:-}" \
        PERENNIAL_TEST_REDIS_URL "$PERENNIAL_TEST_REDIS_URL"
    ;;
stop)
    stop_postgres
    stop_redis
    ;;
run)
    shift
    trap stop_started EXIT
    start
    "$@"
    ;;
*)
    sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//'
    exit 2
    ;;
esac
