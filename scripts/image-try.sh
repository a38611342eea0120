#!/usr/bin/env bash
# Builds the image from deploy/docker/Dockerfile without an image registry, looks at what came out,
# and runs it as a pod would be run: uid 10001, no capabilities, nothing writable but its data folder.
#
#   scripts/image-try.sh                    installs what is missing, builds and tries (needs root, or sudo)
#   scripts/image-try.sh --where-possible   says so and ends well where no container can be run, as
#                                           inside of an unprivileged one
#
# The two base images are made here, because no registry may be at hand:
# - for building, an empty image into which this machine's compiler, libraries, Rust toolchain and
#   downloaded crates are mounted: the same compiler that builds the checkout, nothing installed twice;
# - for running, the C library of this machine and the root certificates, and nothing else: as
#   little as in a "distroless" image. There is no shell in it, so the image cannot need one.
# So everything of the Dockerfile is tried but its base images. It compiles with the profile `dev`, or
# with PERENNIAL_IMAGE_PROFILE; what it compiled is kept under .tools/run/image for the next time.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

HOME_IMAGE="$RUN/image"
PROFILE="${PERENNIAL_IMAGE_PROFILE:-dev}"

install() {
    command -v buildah >/dev/null || apt_install buildah
    # By full path as well: /usr/sbin may be missing in a user's PATH.
    RUNC="$(command -v runc || echo /usr/sbin/runc)"
    [ -x "$RUNC" ] || apt_install runc
    [ -e /etc/ssl/certs/ca-certificates.crt ] || apt_install ca-certificates
    PATH="$(scripts/tools.sh):$PATH"
    mkdir -p "$HOME_IMAGE/target"
    # Storage of this run's own: nobody's images are touched, and all are gone afterwards.
    work="$(mktemp -d "$HOME_IMAGE/work.XXXXXX")"
    trap 'as_root rm -rf "$work"' EXIT
}

# Works on any file system and without user namespaces, as on a machine that is a container itself.
builder() {
    as_root env TMPDIR="$work" buildah --root "$work/storage" --runroot "$work/runroot" --storage-driver vfs "$@"
}

# The folders that every root has.
skeleton() {
    mkdir -p "$1/usr/lib" "$1/usr/lib64" "$1/usr/bin" "$1/etc/ssl/certs" "$1/tmp"
    chmod 1777 "$1/tmp"
    ln -s usr/bin usr/lib usr/lib64 "$1"
    ln -s usr/bin "$1/sbin"
}

# An image of a folder and of the instructions on stdin.
base_image() {
    { printf 'FROM scratch\nCOPY . /\n' && cat; } >"$2.Dockerfile"
    builder build --quiet -t "$1" -f "$2.Dockerfile" "$2" >/dev/null
}

build_base() {
    skeleton "$work/build"
    {
        echo 'ENV PATH=/host/rust/bin:/usr/bin CARGO_HOME=/host/cargo CARGO_TARGET_DIR=/host/target'
        # What is mounted has been downloaded already, from wherever this machine has its crates.
        echo 'ENV CARGO_NET_OFFLINE=true'
        env | sed -n 's/^\(CARGO_SOURCE_[A-Z0-9_]*\)=\(.*\)/ENV \1="\2"/p'
    } | base_image localhost/build-base "$work/build"
}

run_base() {
    skeleton "$work/run"
    cp -L /etc/ssl/certs/ca-certificates.crt "$work/run/etc/ssl/certs/"
    # Files only, so that they go through the links of the skeleton.
    dpkg -L libc6 libgcc-s1 | grep -E '^/(usr/)?lib' | while read -r file; do
        if [ ! -d "$file" ]; then echo "${file#/}"; fi
    done | tar -C / -cf - -T - | tar -C "$work/run" -xf -
    base_image localhost/run-base "$work/run" </dev/null
}

build() {
    local mounts=() folder
    cargo fetch --locked --target "$(rustc -vV | sed -n 's/^host: //p')"
    for folder in /usr/bin /usr/lib /usr/lib64 /usr/include /usr/libexec /etc/alternatives /etc/ssl; do
        if [ -d "$folder" ]; then mounts+=(--volume "$folder:$folder:ro"); fi
    done
    mounts+=(--volume "$(rustc --print sysroot):/host/rust:ro")
    mounts+=(--volume "${CARGO_HOME:-$HOME/.cargo}:/host/cargo:ro")
    mounts+=(--volume "$HOME_IMAGE/target:/host/target")
    builder build --isolation chroot --pull=never --ignorefile .dockerignore "${mounts[@]}" \
        --build-arg BUILD_IMAGE=localhost/build-base \
        --build-arg RUN_IMAGE=localhost/run-base \
        --build-arg PROFILE="$PROFILE" \
        -f deploy/docker/Dockerfile -t localhost/perennial .
}

# Images made wrong on purpose, which the checks must refuse.
spoil() {
    local name="$1"
    { echo 'FROM localhost/perennial' && cat; } >"$work/spoiled.Dockerfile"
    builder build --quiet -t "localhost/$name" -f "$work/spoiled.Dockerfile" scripts/image-try >/dev/null
    unpack "$name"
}

# Writes an image as files, for scripts/image-try to read. Images share what they have in common.
unpack() { builder push --quiet --disable-compression "localhost/$1" "oci:$work/images:$1"; }

if ! as_root unshare --mount --pid --ipc --uts --fork true 2>/dev/null; then
    if [ "${1:-}" != --where-possible ]; then die "no container can be run here (unshare is refused)"; fi
    say "image-try: NOT TRIED, no container can be run here (unshare is refused)"
    exit 0
fi
install
build_base
run_base
say "building deploy/docker/Dockerfile (profile $PROFILE)"
started=$SECONDS
build >"$work/build.log" 2>&1 || { tail -n 40 "$work/build.log" >&2 && die "the image does not build"; }
say "built in $((SECONDS - started)) s"
unpack perennial
unpack run-base
spoil root <<<'USER 0'
spoil named <<<'USER nobody'
spoil shell <<<'ENTRYPOINT perennial'
spoil more <<<'COPY __main__.py /usr/share/perennial/'
spoil writable <<<'COPY --chmod=777 __main__.py /usr/local/bin/perennial'
spoil stale <<<'COPY __main__.py /usr/share/perennial/Cargo.lock'
as_root env PATH="$PATH" RUNC="$RUNC" python3 -B scripts/image-try "$work"
