"""An image as files (the OCI image layout): what it is made of, and whether that is what is meant."""

import hashlib
import json
import stat
import subprocess
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENTRYPOINT = "/usr/local/bin/perennial"
LOCK = "/usr/share/perennial/Cargo.lock"
DATA = "/var/lib/perennial"


class Image:
    def __init__(self, folder, name):
        self.folder = folder
        index = json.loads((folder / "index.json").read_text())
        called = "org.opencontainers.image.ref.name"
        manifest = self.document(next(m for m in index["manifests"] if m["annotations"][called] == name))
        description = self.document(manifest["config"])
        self.config = description["config"]
        self.digests = description["rootfs"]["diff_ids"]
        self.layers = [self.blob(layer) for layer in manifest["layers"]]

    def blob(self, descriptor):
        return self.folder / "blobs" / descriptor["digest"].replace(":", "/")

    def document(self, descriptor):
        return json.loads(self.blob(descriptor).read_text())

    def unpack(self, target):
        target.mkdir(parents=True)
        for layer in self.layers:
            # Not by tarfile: its way with owners and links differs from one Python to the next.
            subprocess.run(["tar", "--numeric-owner", "-p", "-xf", layer, "-C", target], check=True)

    def added_to(self, base):
        """{path: (tar entry, SHA-256 of a file)} of the layers on top of `base`."""
        if self.digests[: len(base.digests)] != base.digests:
            raise ValueError("this image is not made from that base")
        found = {}
        for layer in self.layers[len(base.layers):]:
            with tarfile.open(layer) as archive:
                for entry in archive:
                    content = archive.extractfile(entry).read() if entry.isreg() else b""
                    found["/" + entry.name.strip("./")] = entry, hashlib.sha256(content).hexdigest()
        return found


def findings(image, base):
    """One line for everything about an image that is not as it should be."""
    config = image.config
    user = config.get("User", "")
    numbers = user.split(":")
    if not (len(numbers) == 2 and all(n.isdigit() and int(n) >= 10001 for n in numbers)):
        yield f"user {user!r} is not a number from 10001 on: Kubernetes could not tell that it is not root"
    if config.get("Entrypoint") != [ENTRYPOINT]:
        yield f"starts with {config.get('Entrypoint')}"
    if config.get("Cmd") != ["--help"]:
        yield f"does {config.get('Cmd')} when it is told nothing"
    if config.get("WorkingDir") != DATA:
        yield f"works in {config.get('WorkingDir')}"
    foreign = [e for e in config.get("Env", []) if not e.startswith("PATH=")]
    if foreign:
        yield f"brings variables: {foreign}"
    if not config.get("Labels", {}).get("org.opencontainers.image.title"):
        yield "has no title"
    yield from files_are_meant(image.added_to(base))


def files_are_meant(added):
    """Exactly the program, what it was built from, and the data folder."""
    files = {path for path, (entry, _) in added.items() if not entry.isdir()}
    for path in sorted(files ^ {ENTRYPOINT, LOCK}):
        yield f"{path}: {'nobody meant to have it there' if path in files else 'missing'}"
    if DATA not in added:
        yield f"{DATA}: missing"
    for path, (entry, digest) in added.items():
        if not entry.isdir() and not entry.isreg():
            yield f"{path}: neither a file nor a folder"
        owner = (10001, 10001) if path == DATA else (0, 0)
        if (entry.uid, entry.gid) != owner:
            yield f"{path}: belongs to {entry.uid}:{entry.gid}"
        if entry.mode & (stat.S_IWGRP | stat.S_IWOTH | stat.S_ISUID | stat.S_ISGID):
            yield f"{path}: mode {entry.mode:o}"
        if path == LOCK and digest != hashlib.sha256((ROOT / "Cargo.lock").read_bytes()).hexdigest():
            yield f"{path}: not the one of this checkout, so a list of parts made from it would be wrong"
        if path == ENTRYPOINT and not entry.mode & stat.S_IXOTH:
            yield f"{path}: cannot be run"
    for path in sorted({p for p, (entry, _) in added.items() if entry.isdir()} - parents(DATA, ENTRYPOINT, LOCK) - {DATA}):
        yield f"{path}: nobody meant to have it there"


def parents(*paths):
    return {str(p) for path in paths for p in Path(path).parents}
