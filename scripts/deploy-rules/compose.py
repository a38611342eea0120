"""Rules about the compose file: what it mounts exists, what its services are told is understood."""

from pathlib import Path
from urllib.parse import urlsplit

import yaml

import settings
from manifests import SERVICES

FILE = Path(__file__).resolve().parents[2] / "deploy/compose/compose.yaml"


def load():
    return yaml.safe_load(FILE.read_text())


def compose_holds_together(compose=None):
    compose = compose or load()
    services = compose["services"]
    for service, what in services.items():
        for other in what.get("depends_on", {}):
            if other not in services:
                yield f"{service}: depends on {other}, which is not there"
        for mount in what.get("volumes", []):
            source = mount.split(":")[0]
            if source.startswith(".") and not (FILE.parent / source).exists():
                yield f"{service}: mounts {source}, which is not there"
            if not source.startswith(".") and source not in compose["volumes"]:
                yield f"{service}: mounts the volume {source}, which is not declared"
        for port in what.get("ports", []):
            if not port.startswith("127.0.0.1:"):
                yield f"{service}: port {port} can be reached from elsewhere"
    text = (FILE.parent / "settings.toml").read_text()
    for service in SERVICES:
        what = services[service]
        try:
            got = settings.understood(what["command"], what["environment"], {"/etc/perennial/settings.toml": text})
        except settings.Refused as refusal:
            yield f"{service}: {refusal}"
            continue
        addresses = [*got["peers"].values(), *(got[s]["database"]["url"] for s in SERVICES)]
        addresses += [v for v in what["environment"].values() if "://" in v]
        for address in addresses:
            # The binary prints passwords as "[hidden]", which urlsplit takes for an IPv6 address.
            if urlsplit(address.replace("[hidden]", "hidden")).hostname not in services:
                yield f"{service}: {address} is nowhere in this file"
        port = got["ports"][service]
        if f"127.0.0.1:{port}:{port}" not in what["ports"]:
            yield f"{service}: listens on {port}, which is not handed out"
