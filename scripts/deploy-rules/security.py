"""Rules about what pods may do: no more than "restricted" of Kubernetes' Pod Security Standards, on
a root that nobody writes to, and they reach what their settings name.
"""

from urllib.parse import urlsplit

from manifests import COMPONENT, SERVICES, containers, labels, matches, name, pod, ports
from settings import STAND_INS, Refused, of_pod, runs_ours

# What a pod may mount; the standard forbids folders of the node, among others.
VOLUMES = {"configMap", "emptyDir", "projected", "secret", "persistentVolumeClaim"}
WRITABLE = {"/tmp", "/var/lib/perennial"}


def the_namespace_insists(m):
    """The API server itself refuses pods that may do more."""
    for namespace in m.of("Namespace"):
        if namespace["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"{name(namespace)}: does not enforce restricted pods"
    if not m.of("Namespace"):
        yield "no Namespace, so nothing enforces restricted pods"


def pods_are_restricted(m):
    """No root, no capabilities, no new privileges, nothing of the node; only data and /tmp written."""
    for workload in m.workloads():
        spec = pod(workload)
        context = spec.get("securityContext", {})
        if context.get("runAsNonRoot") is not True or not min(context.get(k, 0) for k in ("runAsUser", "runAsGroup")) >= 10001:
            yield f"{name(workload)}: may run as root, or as a user of the node"
        if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{name(workload)}: may make any system call"
        for shared in ("hostNetwork", "hostPID", "hostIPC"):
            if spec.get(shared):
                yield f"{name(workload)}: {shared}"
        for volume in spec.get("volumes", []):
            if not VOLUMES & set(volume):
                yield f'{name(workload)}: mounts {volume["name"]}, which is no volume of the namespace'
        for container in [*containers(workload), *spec.get("initContainers", [])]:
            yield from (f"{name(workload)}: {finding}" for finding in container_is_restricted(container))


def container_is_restricted(container):
    context = container.get("securityContext", {})
    if context.get("privileged") or context.get("allowPrivilegeEscalation") is not False:
        yield "may gain privileges"
    if context.get("readOnlyRootFilesystem") is not True:
        yield "may write to its root"
    if context.get("capabilities") != {"drop": ["ALL"]}:
        yield f'has capabilities: {context.get("capabilities")}'
    if {"runAsUser", "runAsNonRoot", "seccompProfile"} & set(context):
        yield "sets aside what its pod says about users or system calls"
    if any("hostPort" in p for p in container.get("ports", [])):
        yield "opens a port of the node"
    for mount in container.get("volumeMounts", []):
        if not mount.get("readOnly") and mount["mountPath"] not in WRITABLE:
            yield f'may write to {mount["mountPath"]}'


def backing_is_reached(m):
    """Databases, Redis and the collector that the settings name are let through."""
    for workload in runs_ours(m):
        try:
            got = of_pod(m, workload)
        except Refused:
            continue
        # The binary does not print the address of Redis.
        given = {e["name"] for c in containers(workload) for e in c.get("env", [])}
        wanted = {"Redis": STAND_INS["url"] if "PERENNIAL__REDIS__URL" in given else ""}
        if labels(workload)[COMPONENT] in SERVICES:  # The migration tells no figures.
            wanted["the collector"] = got["telemetry"].get("otlp_endpoint", "")
        wanted |= {f"{s}'s database": got[s]["database"]["url"] for s in SERVICES}
        for what, address in wanted.items():
            if address and not may_reach(m, workload, urlsplit(address.replace("[hidden]", "hidden"))):
                yield f"{name(workload)}: may not talk to {what} at {address}"


def may_reach(m, workload, url):
    """Whether a policy lets a workload's pods out to an address, and the pods behind it, if they are
    in this render, let them in. An address elsewhere has to be in a labelled namespace or a block."""
    service = m.get("Service", url.hostname)
    if not service:
        return any(
            rule_port == url.port and any("namespaceSelector" in p or "ipBlock" in p for p in peers)
            for peers, rule_port in rules(m, workload, "egress", "to")
        )
    [target] = m.selected({"matchLabels": service["spec"]["selector"]})
    number = next(p["targetPort"] for p in service["spec"]["ports"] if p["port"] == url.port)
    number = ports(target).get(number, number)
    out = any(names(peers, target) and port == number for peers, port in rules(m, workload, "egress", "to"))
    into = any(
        names(peers, workload) and ports(target).get(port, port) == number for peers, port in rules(m, target, "ingress", "from")
    )
    return out and into


def rules(m, workload, direction, side):
    """(peers, port) of every rule that holds for a workload's pods."""
    for policy in m.of("NetworkPolicy"):
        if matches(policy["spec"]["podSelector"], labels(workload)):
            for rule in policy["spec"].get(direction, []):
                for port in rule["ports"]:
                    yield rule[side], port["port"]


def names(peers, workload):
    return any(set(p) == {"podSelector"} and matches(p["podSelector"], labels(workload)) for p in peers)


EVERYWHERE = [the_namespace_insists, pods_are_restricted, backing_is_reached]
