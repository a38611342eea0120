"""A container of an image, run by runc as Kubernetes would run a pod with our manifests: read-only
root, no capabilities, no new privileges, its own processes and mounts. Other than there: the network
is this machine's (loopback and free ports), and there is no seccomp filter.
"""

import hashlib
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from image import DATA, ROOT

SERVICES = ("identity", "feedback", "loyalty", "notification")
RUNC = os.environ["RUNC"]


class Failed(Exception):
    """Something did not come out as it should."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Container:
    def __init__(self, name, image, work, fenced=True, data=DATA):
        self.name, self.home = f"perennial-{name}-{os.getpid()}", work / f"container-{name}"
        self.root, self.state = self.home / "rootfs", work / "runc"
        image.unpack(self.root)
        volume = self.home / "volume"
        volume.mkdir()
        os.chown(volume, 10001, 10001)
        self.ports = {service: free_port() for service in SERVICES}
        subprocess.run([RUNC, "spec"], cwd=self.home, check=True)
        spec = json.loads((self.home / "config.json").read_text())
        user, group = (image.config["User"] + ":0").split(":")[:2]
        spec["process"] |= {
            "terminal": False,
            "user": {"uid": int(user), "gid": int(group)},
            "args": [*image.config["Entrypoint"], "serve", "all", "--data", data],
            "cwd": image.config["WorkingDir"],
            "env": [*image.config.get("Env", []), *self.settings()],
            "noNewPrivileges": fenced,
        }
        if fenced:
            spec["process"]["capabilities"] = {}
        spec["root"] = {"path": "rootfs", "readonly": fenced}
        spec["mounts"] = [m for m in spec["mounts"] if m["destination"] in ("/proc", "/dev")]
        spec["mounts"].append({"destination": DATA, "type": "bind", "source": str(volume), "options": ["bind", "rw", "nosuid", "nodev"]})
        spec["linux"]["namespaces"] = [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")]
        (self.home / "config.json").write_text(json.dumps(spec))
        self.before = snapshot(self.root)
        with (self.home / "log").open("w") as log:
            self.process = subprocess.Popen([RUNC, "--root", self.state, "run", "--bundle", self.home, self.name], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def settings(self):
        for service, port in self.ports.items():
            yield f"PERENNIAL__PORTS__{service.upper()}={port}"
            yield f"PERENNIAL__PEERS__{service.upper()}=http://127.0.0.1:{port}"
        # As in deploy/kubernetes: callers get this long to notice that a pod goes.
        yield "PERENNIAL__SERVER__DRAIN_DELAY_SECONDS=5"

    def log(self):
        return (self.home / "log").read_text()

    def grpcurl(self, service, method, message, *options):
        command = ["grpcurl", "-plaintext", "-connect-timeout", "1", "-max-time", "5", *options, "-d", json.dumps(message),
                   f"127.0.0.1:{self.ports[service]}", method]
        done = subprocess.run(command, capture_output=True, text=True)
        return json.loads(done.stdout or "{}") if done.returncode == 0 else {"error": done.stderr.strip()}

    def health(self, service):
        proto = ["-import-path", ROOT / "scripts/deploy-try", "-proto", "health.proto"]
        return self.grpcurl(service, "grpc.health.v1.Health/Check", {}, *proto).get("status")

    def wait_until_serving(self, seconds=60):
        started = time.monotonic()
        while any(self.health(service) != "SERVING" for service in SERVICES):
            if self.process.poll() is not None:
                raise Failed(f"ended with {self.process.returncode} instead of serving:\n{self.log()}")
            if time.monotonic() - started > seconds:
                raise Failed(f"does not serve after {seconds} s:\n{self.log()}")
            time.sleep(0.2)
        return time.monotonic() - started

    def pid(self):
        state = subprocess.run([RUNC, "--root", self.state, "state", self.name], check=True, capture_output=True, text=True)
        return json.loads(state.stdout)["pid"]

    def loose(self):
        """One line for everything that the kernel lets the running process do and a pod must not."""
        process = Path("/proc", str(self.pid()))
        status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
        for kind in ("Uid", "Gid"):
            if set(status[kind].split()) != {"10001"}:
                yield f"{kind} {status[kind]}"
        for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            if int(status[kind], 16):
                yield f"{kind} {status[kind]}"
        if status["NoNewPrivs"] != "1":
            yield "may gain privileges"
        # Field 5 is where something is mounted, 6 the options, after " - " the kind of file system.
        for line in (process / "mountinfo").read_text().splitlines():
            where, options, kind = line.split()[4], line.split()[5].split(","), line.split(" - ")[1].split()[0]
            if "rw" in options and kind != "proc" and where != DATA and not where.startswith("/dev") and not where.startswith("/proc/"):
                yield f"{where} can be written to"
        if snapshot(self.root) != self.before:
            yield "its root was written to"

    def stop(self, limit=60):
        """SIGTERM; (exit code, seconds)."""
        started = time.monotonic()
        subprocess.run([RUNC, "--root", self.state, "kill", self.name, "TERM"], check=True)
        return self.process.wait(limit), time.monotonic() - started

    def end(self):
        if self.process.poll() is None:
            subprocess.run([RUNC, "--root", self.state, "kill", self.name, "KILL"], stderr=subprocess.DEVNULL)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGKILL)
                self.process.wait()
        subprocess.run([RUNC, "--root", self.state, "delete", "--force", self.name], stderr=subprocess.DEVNULL)


def snapshot(root):
    """Everything below a folder: {path: (kind and mode, owner, SHA-256)}, without what is mounted there."""
    found = {}
    for path in sorted(root.rglob("*")):
        below = "/" + str(path.relative_to(root))
        if below.startswith((DATA, "/proc", "/dev")):
            continue
        about = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[below] = about.st_mode, about.st_uid, hashlib.sha256(content).hexdigest()
    return found
