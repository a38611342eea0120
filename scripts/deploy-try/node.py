"""A stand-in for a node: starts what the rendered manifests describe, as processes on loopback.

What differs from a pod: addresses (127.0.0.1 and free ports instead of names), the folders behind
mounts, and that nothing fences the processes in.
"""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "deploy-rules"))
import metrics  # noqa: E402, F401
from manifests import SERVICES, Manifests, containers, ours, pod  # noqa: E402

BINARY = os.environ["PERENNIAL_BIN"]


class Failed(Exception):
    """Something did not come out as it should."""


def expect(fact, otherwise):
    if not fact:
        raise Failed(otherwise)


def wait_for(what, ask, seconds):
    """Asks until the answer is true; returns the seconds that took."""
    started = time.monotonic()
    while not ask():
        expect(time.monotonic() - started < seconds, f"{what}: not within {seconds} s")
        time.sleep(0.1)
    return time.monotonic() - started


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Node:
    """All pods of one deployment, one of each workload."""

    def __init__(self, kind, work, environment, settings=""):
        self.work = work
        self.folder = work / "deployment"
        new = ["scripts/deploy-new.sh", str(self.folder), "trial", kind]
        subprocess.run(new, check=True, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
        with (self.folder / "settings.toml").open("a") as file:
            file.write(settings)
        render = subprocess.run(["kubectl", "kustomize", self.folder], check=True, capture_output=True, text=True)
        (work / "render.yaml").write_text(render.stdout)
        self.manifests = Manifests.load(work / "render.yaml")
        self.ports = {service: free_port() for service in SERVICES}
        self.token = (self.folder / "secrets/shop.token").read_text()
        self.collector = free_port()
        self.processes = {}

    def start(self, service):
        arguments, environment, folder = self.understand(self.manifests.server(service))
        with (self.work / f"{service}.log").open("a") as log:
            self.processes[service] = subprocess.Popen(
                [BINARY, *arguments], env=environment, cwd=folder, stdout=log, stderr=log)

    def run(self, workload, **changes):
        """Runs a pod's program to its end; `changes` are other arguments or variables."""
        arguments, environment, folder = self.understand(workload)
        arguments = changes.pop("arguments", arguments)
        try:
            return subprocess.run([BINARY, *arguments], env=environment | changes, cwd=folder,
                                  capture_output=True, text=True, timeout=120)
        except subprocess.TimeoutExpired:
            raise Failed(f"{arguments} did not come to its end") from None

    def understand(self, workload):
        """Arguments, variables and working folder of a workload's container."""
        [container] = [c for c in containers(workload) if ours(c)]
        home = self.work / workload["metadata"]["name"]
        home.mkdir(exist_ok=True)
        environment = {}
        for variable in container["env"]:
            environment[variable["name"]] = self.value(variable, workload).replace(
                "$(POD_NAME)", environment.get("POD_NAME", ""))
        for service in SERVICES:
            environment[f"PERENNIAL__PORTS__{service.upper()}"] = str(self.ports[service])
            environment[f"PERENNIAL__PEERS__{service.upper()}"] = f"http://127.0.0.1:{self.ports[service]}"
        environment["PERENNIAL__SERVER__LISTEN"] = "127.0.0.1"
        if "PERENNIAL__TELEMETRY__OTLP_ENDPOINT" in environment:
            environment["PERENNIAL__TELEMETRY__OTLP_ENDPOINT"] = f"http://127.0.0.1:{self.collector}"
            environment["OTEL_METRIC_EXPORT_INTERVAL"] = "1000"
        files = self.files(workload, container, home)
        if "data" in {m["name"] for m in container["volumeMounts"]}:
            environment["PERENNIAL__DATA"] = str(home)
            environment["PERENNIAL__NOTIFICATION__EMAIL__FOLDER"] = str(home / "outbox")
        return [files.get(a, a) for a in container["args"]], environment, home

    def value(self, variable, workload):
        source = variable.get("valueFrom", {})
        if "fieldRef" in source:
            return workload["metadata"]["name"] + "-0"
        if "secretKeyRef" in source:
            secret = self.manifests.get("Secret", source["secretKeyRef"]["name"])
            return base64.b64decode(secret["data"][source["secretKeyRef"]["key"]]).decode()
        return variable["value"]

    def files(self, workload, container, home):
        maps = {v["name"]: v["configMap"]["name"] for v in pod(workload)["volumes"] if "configMap" in v}
        made = {}
        for mount in container["volumeMounts"]:
            config = self.manifests.get("ConfigMap", maps.get(mount["name"], ""))
            for key, text in (config or {}).get("data", {}).items():
                (home / key).write_text(text)
                made[f'{mount["mountPath"]}/{key}'] = str(home / key)
        return made

    def call(self, service, method, message=None, token="", limit=10):
        """(code, answer) of a call; code "OK" or as gRPC names it. Without a token when None."""
        command = ["grpcurl", "-plaintext", "-max-time", str(limit), "-protoset", self.work / "perennial.binpb"]
        if token is not None:
            command += ["-H", f"authorization: Bearer {token or self.token}"]
        command += ["-d", json.dumps(message or {}), f"127.0.0.1:{self.ports[service]}", f"perennial.{service}.v1.{method}"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            return "OK", json.loads(done.stdout or "{}")
        code = next((l.split("Code: ")[1] for l in done.stderr.splitlines() if "Code: " in l), "")
        return code or done.stderr.strip(), None

    def is_ready(self, service):
        """What kubelet asks: grpc.health.v1.Health/Check, overall, without credentials."""
        return self.health(service) == "SERVING"

    def is_alive(self, service):
        """What kubelet asks before it restarts a pod."""
        return self.health(service, "liveness") == "SERVING"

    def health(self, service, name=""):
        ask = ["grpcurl", "-plaintext", "-connect-timeout", "1", "-max-time", "2", "-import-path", Path(__file__).parent,
               "-proto", "health.proto", "-d", json.dumps({"service": name}), f"127.0.0.1:{self.ports[service]}", "grpc.health.v1.Health/Check"]
        done = subprocess.run(ask, capture_output=True, text=True)
        return json.loads(done.stdout or "{}").get("status", "UNKNOWN") if done.returncode == 0 else "no answer"

    def stop(self, service):
        """SIGTERM; returns the exit code and the seconds that took."""
        process = self.processes.pop(service)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=pod(self.manifests.server(service))["terminationGracePeriodSeconds"])
        return code, time.monotonic() - started

    def end(self):
        for process in self.processes.values():
            process.kill()
            process.wait()
