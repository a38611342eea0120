"""Rules about the components `jwt` and `mtls`: the files that the settings name are mounted, and the
services would be let in to each other.
"""

from manifests import COMPONENT, SERVICES, containers, labels, name, ours, pod
from settings import understood_servers

# What a Secret of kind kubernetes.io/tls has, as cert-manager fills it.
TLS_KEYS = {"tls.crt", "tls.key", "ca.crt"}


def mounted(workload):
    """The files that a pod finds besides its settings."""
    found = set()
    [container] = [c for c in containers(workload) if ours(c)]
    volumes = {v["name"]: v for v in pod(workload)["volumes"]}
    for mount in container["volumeMounts"]:
        volume = volumes.get(mount["name"], {})
        names = TLS_KEYS if "secret" in volume else set()
        for source in volume.get("projected", {}).get("sources", []):
            names = names | {i["path"] for i in source.get("configMap", {}).get("items", [])}
            names = names | {t["path"] for t in [source.get("serviceAccountToken")] if t}
        found |= {f'{mount["mountPath"]}/{file}' for file in names}
    return found


def files_are_there(m):
    """Every file that the settings name is one that the pod finds."""
    for workload, got in understood_servers(m):
        server, peers, jwt = got["server"]["tls"], got["peers"]["tls"], got["auth"]["jwt"]
        wanted = {server["certificate"], server["key"], server.get("client_ca", "")}
        wanted |= {peers["ca"], peers["certificate"], peers["key"], jwt["ca"], jwt["token_file"]}
        wanted |= {got["auth"]["peer_token_file"].replace("{service}", s) for s in SERVICES}
        for file in sorted(wanted - mounted(workload)):
            yield f"{name(workload)}: no file {file}"


def tokens_fit_their_audience(m):
    """A token for a service is good there and nowhere else."""
    for workload, got in understood_servers(m):
        audience = got["auth"]["jwt"]["audience"]
        if "{service}" not in audience:
            yield f"{name(workload)}: accepts tokens that are good at other services, too"
        tokens = {
            source["serviceAccountToken"]["path"]: source["serviceAccountToken"].get("audience")
            for volume in pod(workload)["volumes"]
            for source in volume.get("projected", {}).get("sources", [])
            if "serviceAccountToken" in source
        }
        for service in SERVICES:
            if tokens.get(service) != audience.replace("{service}", service):
                yield f"{name(workload)}: its token for {service} is for {tokens.get(service)}"


def services_are_callers(m):
    """Each service's own account is a caller, by token and by certificate, with the scopes that its
    static token had."""
    for workload, got in understood_servers(m):
        auth, domain = got["auth"], got["auth"]["trust_domain"]
        for server in m.servers():
            service, account = labels(server)[COMPONENT], pod(server)["serviceAccountName"]
            namespace = server["metadata"]["namespace"]
            caller = auth["callers"].get(service, {})
            if caller.get("subject") != f"system:serviceaccount:{namespace}:{account}":
                yield f"{name(workload)}: would not know {service} by its token"
            if caller.get("spiffe") != f"spiffe://{domain}/ns/{namespace}/sa/{account}":
                yield f"{name(workload)}: would not know {service} by its certificate"
            static = next(t for t in auth["tokens"] if t["name"] == service)
            if caller.get("scopes") != static["scopes"]:
                yield f"{name(workload)}: {service} has other scopes than by its static token"


def nothing_goes_unencrypted(m):
    """TLS with certificates on both sides, on every port and towards every peer."""
    for workload, got in understood_servers(m):
        if "client_ca" not in got["server"]["tls"]:
            yield f"{name(workload)}: asks callers for no certificate"
        for service in SERVICES:
            if not got["peers"][service].startswith("https://"):
                yield f"{name(workload)}: calls {service} at {got['peers'][service]}"
    for service in m.of("Service"):
        if service["spec"]["selector"].get(COMPONENT) in SERVICES:
            for port in service["spec"]["ports"]:
                if port.get("appProtocol") != "https":
                    yield f"{name(service)}: promises {port.get('appProtocol')}"


SECURED = [files_are_there, tokens_fit_their_audience, services_are_callers, nothing_goes_unencrypted]
