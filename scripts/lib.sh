# Shared by the scripts beside it: where things are kept, and how something missing is installed.
# Sourced, never run.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
TOOLS="${PERENNIAL_TOOLS:-$ROOT/.tools}"
RUN="$TOOLS/run"

say() { printf '%s\n' "$*" >&2; }
die() {
    say "error: $*"
    exit 1
}

# Runs a command as root: directly, or through sudo.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "'$*' needs root: run as root, or install sudo"
    fi
}

# Installs Debian packages without letting them start servers of their own.
apt_install() {
    command -v apt-get >/dev/null || die "please install by hand (no apt-get here): $*"
    say "installing $*"
    local policy=/usr/sbin/policy-rc.d made=
    if [ ! -e "$policy" ]; then
        as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy"
        made=yes
    fi
    local log status=0
    log="$(mktemp)"
    as_root env DEBIAN_FRONTEND=noninteractive sh -c \
        'apt-get install -y --no-install-recommends "$@" || { apt-get update && apt-get install -y --no-install-recommends "$@"; }' \
        sh "$@" >"$log" 2>&1 || status=$?
    if [ -n "$made" ]; then as_root rm -f "$policy"; fi
    if [ "$status" != 0 ]; then tail -n 20 "$log" >&2; fi
    rm -f "$log"
    return "$status"
}

# True when nothing listens on the loopback port.
port_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Prints a port that is free now, below the range from which the kernel hands out ports.
free_port() {
    local port
    for _ in $(seq 50); do
        port=$((20000 + RANDOM % 10000))
        if port_free "$port"; then
            echo "$port"
            return
        fi
    done
    die "no free port between 20000 and 30000"
}
