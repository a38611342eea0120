"""Rules about the settings that pods are started with. The judge is the binary itself: it is run
with a pod's own arguments, environment and files, and asked to print what it understood. It
refuses keys that it does not know.
"""

import os
import subprocess
import tempfile
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from manifests import COMPONENT, SERVICES, containers, labels, name, ours, pod

BINARY = os.environ.get("PERENNIAL_BIN", "target/debug/perennial")

# What stands in for the keys of Secrets, which an overlay only names.
STAND_INS = {
    "master-key": "07" * 32,
    "peer-token": "per_stand_in",
    "database-url": "postgres://stand:in@postgres:5432/in",
    "url": "redis://redis:6379/0",
    "smtp-url": "smtp://mail:25",
}


class Refused(Exception):
    """The binary does not accept the settings; the text is what it said."""


def understood(arguments, environment, files):
    """What the binary makes of arguments, variables and {path: text}, as nested tables."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["serve", "all", *arguments[2:], "--print-config"]
        for path, text in files.items():
            local = Path(folder) / Path(path).name
            local.write_text(text)
            arguments = [str(local) if a == path else a for a in arguments]
        done = subprocess.run([BINARY, *arguments], env=environment, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise Refused(done.stderr.strip())
    return tomllib.loads(done.stdout)


def of_pod(m, workload):
    """What a workload's pods understand."""
    [container] = [c for c in containers(workload) if ours(c)]
    environment = {}
    for variable in container.get("env", []):
        secret = variable.get("valueFrom", {}).get("secretKeyRef")
        environment[variable["name"]] = STAND_INS[secret["key"]] if secret else variable.get("value", "")
    files = {}
    maps = {v["name"]: v["configMap"]["name"] for v in pod(workload).get("volumes", []) if "configMap" in v}
    for mount in container.get("volumeMounts", []):
        config = m.get("ConfigMap", maps.get(mount["name"], ""))
        for key, text in (config or {}).get("data", {}).items():
            files[f'{mount["mountPath"]}/{key}'] = text
    return understood(container["args"], environment, files)


def runs_ours(m):
    return [w for w in m.workloads() if any(ours(c) for c in containers(w))]


def settings_are_known(m):
    """Every variable and every line of the files is a setting that the binary knows."""
    for workload in runs_ours(m):
        try:
            of_pod(m, workload)
        except Refused as refusal:
            yield f"{name(workload)}: {refusal}"


def services_find_each_other(m):
    """Pods listen where probes and callers expect them, and peers name Services of this render."""
    for workload, got in understood_servers(m):
        service = labels(workload)[COMPONENT]
        if got["server"]["listen"] != "0.0.0.0":
            yield f'{name(workload)}: listens on {got["server"]["listen"]} only'
        if got["telemetry"]["service_name"] != service:
            yield f'{name(workload)}: tells its figures as {got["telemetry"]["service_name"]}'
        if not got["auth"]["tokens"]:
            yield f"{name(workload)}: knows no caller, so it would refuse to listen"
        opened = {p["containerPort"] for c in containers(workload) for p in c.get("ports", [])}
        if got["ports"][service] not in opened:
            yield f'{name(workload)}: listens on {got["ports"][service]}, but opens {opened}'
        for peer in SERVICES:
            url = urlsplit(got["peers"][peer])
            target = m.get("Service", url.hostname)
            picked = target and target["spec"]["selector"].get(COMPONENT)
            if picked != peer or url.port not in {p["port"] for p in target["spec"]["ports"]}:
                yield f'{name(workload)}: finds no {peer} at {got["peers"][peer]}'


def ends_fit(m):
    """Drain, hard end and Kubernetes' own end in this order, or calls are cut."""
    for workload, got in understood_servers(m):
        server, grace = got["server"], pod(workload)["terminationGracePeriodSeconds"]
        drains = server["drain_delay_seconds"] + server["drain_seconds"]
        if server["drain_delay_seconds"] < 5:
            yield f"{name(workload)}: callers need about 5 s to notice that a pod goes"
        if not drains < server["shutdown_seconds"] <= grace - 5:
            yield f"{name(workload)}: drains {drains} s, ends at {server['shutdown_seconds']} s, is killed at {grace} s"


def data_is_on_the_volume(m):
    """Embedded: everything that is written lies on the pod's volume."""
    for workload, got in understood_servers(m):
        mounts = {v["mountPath"] for c in containers(workload) for v in c["volumeMounts"] if v["name"] == "data"}
        mail = got["notification"]["email"]["folder"]
        service = labels(workload)[COMPONENT]
        if got["data"] not in mounts or got[service]["database"]["url"]:
            yield f"{name(workload)}: keeps its data elsewhere than on its volume"
        if service == "notification" and not any(mail.startswith(m + "/") for m in mounts):
            yield f"{name(workload)}: writes mail to {mail}, which is not on its volume"


def databases_are_shared_out(m):
    """Production: an own Postgres each, migrated by the Job, and never more connections than the
    role is granted: all pods of the largest scale, one more while rolling, and the migration."""
    yield from the_job_migrates(m)
    for workload, got in understood_servers(m):
        service = labels(workload)[COMPONENT]
        database = got[service]["database"]
        if not database["url"].startswith("postgres"):
            yield f"{name(workload)}: is not given the address of its database"
        if database["migrate_on_start"]:
            yield f"{name(workload)}: migrates by itself, beside the Job"
        others = [s for s in SERVICES if s != service and got[s]["database"]["url"]]
        if others:
            yield f"{name(workload)}: is given the address of the database of {others}"
        scaler = next((s for s in m.of("HorizontalPodAutoscaler")
                       if s["spec"]["scaleTargetRef"]["name"] == workload["metadata"]["name"]), None)
        if not scaler:
            yield f"{name(workload)}: no autoscaler says how many connections there are"
            continue
        surge = workload["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
        pools = scaler["spec"]["maxReplicas"] + surge + 1
        granted = int(scaler["metadata"]["annotations"]["database-connections"])
        if pools * database["max_connections"] > granted:
            yield f'{name(workload)}: {pools} pools of {database["max_connections"]} connections, but {granted} are granted'


def the_job_migrates(m):
    """One Job that runs to its end, and once more if it fails, with the databases of all four."""
    jobs = [w for w in m.of("Job") for c in containers(w) if c["args"][:2] == ["migrate", "all"]]
    if len(jobs) != 1:
        yield f"{len(jobs)} Jobs migrate the databases, not one"
    for job in jobs:
        if pod(job)["restartPolicy"] == "Never" and not job["spec"].get("backoffLimit"):
            yield f"{name(job)}: gives up when the database is not there yet"
        try:
            got = of_pod(m, job)
        except Refused:
            continue
        missing = [s for s in SERVICES if not got[s]["database"]["url"].startswith("postgres")]
        if missing:
            yield f"{name(job)}: is not given the address of the database of {missing}"


def understood_servers(m):
    """The servers whose settings are accepted; the others are `settings_are_known`'s to tell."""
    for workload in m.servers():
        try:
            yield workload, of_pod(m, workload)
        except Refused:
            continue


EVERYWHERE = [settings_are_known, services_find_each_other, ends_fit]
EMBEDDED = [data_is_on_the_volume]
PRODUCTION = [databases_are_shared_out]
