#!/usr/bin/env bash
# Tries a deployment without a cluster: what scripts/deploy-new.sh and kustomize make is run as pods
# would run it (same arguments, variables, files), on this machine's loopback, with a Postgres, a
# Redis and a mail server of its own that are taken away and brought back. What docs/operations.md
# says was tried is what this script tries.
#
#   scripts/deploy-try.sh production | embedded
#
# Needs the built binary (PERENNIAL_BIN, or target/debug/perennial).
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"
KIND="${1:-}"
case "$KIND" in production | embedded) ;; *) sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//' && exit 2 ;; esac

programs="$(scripts/tools.sh)"
scripts/deploy-check.sh --install
PATH="$TOOLS/deploy-venv/bin:$programs:$PATH"

# Databases of the trial's own, in a folder that Postgres' user can reach (which TMPDIR may not be).
work="$(mktemp -d /tmp/perennial-try.XXXXXX)"
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
# A copy, so that a build meanwhile changes nothing.
cp "${PERENNIAL_BIN:-target/debug/perennial}" "$work/perennial"
export PERENNIAL_BIN="$work/perennial"
(cd proto && buf build -o "$work/perennial.binpb")
if [ "$KIND" = production ]; then
    PERENNIAL_TOOLS="$work" scripts/services.sh run python -B scripts/deploy-try "$KIND" "$work"
else
    python -B scripts/deploy-try "$KIND" "$work"
fi
