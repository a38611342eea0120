"""Rules about the manifests alone: does everything that is named exist, and is it what is meant?

Each rule takes manifests and yields one line for everything that is wrong.
"""

import re
from pathlib import Path

from manifests import COMPONENT, SERVICES, containers, labels, matches, name, ours, pod, ports

ROOT = Path(__file__).resolve().parents[2]


def selectors_match(m):
    """A selector that picks nothing, or too much, is silent in a cluster."""
    for workload in m.of("Deployment", "StatefulSet"):
        if not matches(workload["spec"]["selector"], labels(workload)):
            yield f"{name(workload)}: its selector does not pick its own pods"
    for service in m.of("Service"):
        picked = m.selected({"matchLabels": service["spec"]["selector"]})
        if len(picked) != 1:
            yield f"{name(service)}: picks the pods of {len(picked)} workloads, not of one"
    for budget in m.of("PodDisruptionBudget"):
        if len(m.selected(budget["spec"]["selector"])) != 1:
            yield f"{name(budget)}: does not pick the pods of one workload"
    for policy in m.of("NetworkPolicy"):
        if not m.selected(policy["spec"]["podSelector"]):
            yield f"{name(policy)}: applies to no pod"
    for workload in m.workloads():
        for spread in pod(workload).get("topologySpreadConstraints", []):
            if m.selected(spread["labelSelector"]) != [workload]:
                yield f"{name(workload)}: spreads over other pods than its own"


def ports_exist(m):
    """Every port that is named is one that a container opens."""
    for service in m.of("Service"):
        for workload in m.selected({"matchLabels": service["spec"]["selector"]}):
            for port in service["spec"]["ports"]:
                if port["targetPort"] not in open_ports(workload):
                    yield f'{name(service)}: {name(workload)} has no port {port["targetPort"]}'
    for workload in m.workloads():
        for container in containers(workload):
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                for how in ("grpc", "tcpSocket", "httpGet"):
                    port = container.get(probe, {}).get(how, {}).get("port")
                    if port is not None and port not in open_ports(workload):
                        yield f"{name(workload)}: {probe} asks port {port}, which is not open"
    for policy in m.of("NetworkPolicy"):
        for workload in m.selected(policy["spec"]["podSelector"]):
            for rule in policy["spec"].get("ingress", []):
                for port in rule.get("ports", []):
                    if port["port"] not in open_ports(workload):
                        yield f'{name(policy)}: {name(workload)} has no port {port["port"]}'


def open_ports(workload):
    found = ports(workload)
    return set(found) | set(found.values())


def references_exist(m):
    """ConfigMaps, service accounts, volumes and targets of autoscalers exist; Secrets too, where
    the render holds them (a deployment's own folder does, an overlay only names them)."""
    secrets = {s["metadata"]["name"]: set(s.get("data", {})) for s in m.of("Secret")}
    for workload in m.workloads():
        spec = pod(workload)
        if not m.get("ServiceAccount", spec["serviceAccountName"]):
            yield f'{name(workload)}: no service account {spec["serviceAccountName"]}'
        if spec.get("automountServiceAccountToken") is not False:
            yield f"{name(workload)}: would be given a token for the cluster"
        volumes = {v["name"]: v for v in spec.get("volumes", [])}
        volumes |= {v["metadata"]["name"]: v for v in workload["spec"].get("volumeClaimTemplates", [])}
        for volume in volumes.values():
            wanted = volume.get("configMap", {}).get("name")
            if wanted and not m.get("ConfigMap", wanted):
                yield f"{name(workload)}: no ConfigMap {wanted}"
        for container in containers(workload):
            for mount in container.get("volumeMounts", []):
                if mount["name"] not in volumes:
                    yield f'{name(workload)}: no volume {mount["name"]}'
            for variable in container.get("env", []):
                wanted = variable.get("valueFrom", {}).get("secretKeyRef")
                if wanted and secrets and wanted["key"] not in secrets.get(wanted["name"], ()):
                    yield f'{name(workload)}: no key {wanted["key"]} in a Secret {wanted["name"]}'
    for scaler in m.of("HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        found = m.get(target["kind"], target["name"])
        if not found:
            yield f'{name(scaler)}: no {target["kind"]} {target["name"]}'
        elif "replicas" in found["spec"]:
            yield f"{name(found)}: states replicas, which an apply would set against its autoscaler"


def probes_are_right(m):
    """Three probes; readiness asks for health, liveness must not: a database that is away would
    have every pod restarted."""
    for workload in m.servers():
        [server] = [c for c in containers(workload) if ours(c)]
        for probe in ("startupProbe", "readinessProbe"):
            if "grpc" not in server.get(probe, {}):
                yield f"{name(workload)}: {probe} does not ask for gRPC health"
        if server.get("livenessProbe", {}).get("grpc", {}).get("service") != "liveness":
            yield f"{name(workload)}: livenessProbe does not ask whether the process lives"


def network_is_closed(m):
    """Default deny, and among the services exactly the flows that the code has."""
    if not any(
        p["spec"]["podSelector"] == {}
        and set(p["spec"]["policyTypes"]) == {"Ingress", "Egress"}
        and not p["spec"].get("ingress")
        and not p["spec"].get("egress")
        for p in m.of("NetworkPolicy")
    ):
        yield "no NetworkPolicy denies everything by default"
    wanted = flows_in_code()
    for source in SERVICES:
        for target in SERVICES:
            if source == target or not m.server(source) or not m.server(target):
                continue
            out, into = allows(m, "egress", "to", source, target), allows(m, "ingress", "from", target, source)
            if (source, target) in wanted and not (out and into):
                yield f"{source} may not call {target}, but does (egress {out}, ingress {into})"
            if (source, target) not in wanted and (out or into):
                yield f"{source} may call {target}, but never does (egress {out}, ingress {into})"


def allows(m, direction, side, whose, other):
    """Whether a policy of `whose` pods names the pods of `other` for the callee's port."""
    callee = m.server(other if direction == "egress" else whose)
    for policy in m.of("NetworkPolicy"):
        if not matches(policy["spec"]["podSelector"], labels(m.server(whose))):
            continue
        for rule in policy["spec"].get(direction, []):
            peers = [p["podSelector"] for p in rule[side] if set(p) == {"podSelector"}]
            named = any(matches(peer, labels(m.server(other))) for peer in peers)
            if named and all(p["port"] in open_ports(callee) for p in rule["ports"]):
                return True
    return False


def flows_in_code():
    """(caller, callee) of every channel to a peer that a service's code opens."""
    found = set()
    for service in SERVICES:
        for path in (ROOT / "crates" / service / "src").rglob("*.rs"):
            for peer in re.findall(r"Peer::([A-Z][a-z]+)", path.read_text()):
                found.add((service, peer.lower()))
    return found


def embedded_is_single(m):
    """SQLite files have one process each: stateful, one replica, a volume, no autoscaler."""
    for workload in m.servers():
        if workload["kind"] != "StatefulSet":
            yield f"{name(workload)}: must be a StatefulSet, which never runs two at once"
            continue
        if workload["spec"].get("replicas") != 1:
            yield f"{name(workload)}: must have one replica"
        modes = [v["spec"]["accessModes"] for v in workload["spec"].get("volumeClaimTemplates", [])]
        if modes != [["ReadWriteOnce"]]:
            yield f"{name(workload)}: must have one volume of its own"
        if not m.get("Service", workload["spec"].get("serviceName", "")):
            yield f"{name(workload)}: no Service for its serviceName"
    for scaler in m.of("HorizontalPodAutoscaler"):
        yield f"{name(scaler)}: must not scale SQLite"


def images_agree(m):
    """One image, and its tag is the version of the workspace."""
    version = re.search(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(), re.M).group(1)
    for workload in m.workloads():
        for container in containers(workload):
            if ours(container) and container["image"].split(":")[-1] != version:
                yield f'{name(workload)}: image {container["image"]}, but the version is {version}'


EVERYWHERE = [selectors_match, ports_exist, references_exist, probes_are_right, network_is_closed, images_agree]
EMBEDDED = [embedded_is_single]
