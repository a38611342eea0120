"""The controls: for every rule something wrong is put in, and the rule must say so. A rule that
finds nothing here would find nothing anywhere.
"""

import yaml

import callers
import compose
import metrics
import security
import settings
import shape
from manifests import pod


def of(m, kind, name):
    return m.get(kind, name)


def server(m, service="loyalty"):
    return m.server(service)


def first(workload):
    return pod(workload)["containers"][0]


def set_env(workload, name, value):
    first(workload)["env"].append({"name": name, "value": value})


def drop_env(workload, name):
    first(workload)["env"] = [e for e in first(workload)["env"] if e["name"] != name]


def edit_settings(m, old, new, file="settings.toml"):
    for config in m.of("ConfigMap"):
        if file in config["data"]:
            assert old in config["data"][file], old
            config["data"][file] = config["data"][file].replace(old, new)


def volume(m, name):
    return next(v for v in pod(server(m))["volumes"] if v["name"] == name)


def without_source(m, path):
    projected = volume(m, "tokens")["projected"]
    projected["sources"] = [s for s in projected["sources"] if s.get("serviceAccountToken", {}).get("path") != path]


def audience(m, wrong):
    for source in volume(m, "tokens")["projected"]["sources"]:
        if "audience" in source.get("serviceAccountToken", {}):
            source["serviceAccountToken"]["audience"] = wrong


def policy(m, name):
    return m.get("NetworkPolicy", name)["spec"]


# (rule, what is wrong, how it is put in): each is tried on a fresh copy.
ON_PRODUCTION = [
    (shape.selectors_match, "a Service picks nothing", lambda m: of(m, "Service", "loyalty-grpc")["spec"]["selector"].update(x="y")),
    (shape.selectors_match, "a Service picks the migration as well",
     lambda m: of(m, "Job", "migrate")["spec"]["template"]["metadata"]["labels"].update({"app.kubernetes.io/component": "loyalty"})),
    (shape.selectors_match, "a budget picks nothing", lambda m: of(m, "PodDisruptionBudget", "loyalty-server")["spec"]["selector"]["matchLabels"].update(x="y")),
    (shape.selectors_match, "a policy applies to nobody", lambda m: policy(m, "redis")["podSelector"].update(matchLabels={"x": "y"})),
    (shape.ports_exist, "a Service sends to a closed port", lambda m: of(m, "Service", "loyalty-grpc")["spec"]["ports"][0].update(targetPort="http")),
    (shape.ports_exist, "a probe asks a closed port", lambda m: first(server(m))["readinessProbe"]["grpc"].update(port=1)),
    (shape.ports_exist, "a policy opens a port that nobody has", lambda m: policy(m, "loyalty")["ingress"][0]["ports"][0].update(port="http")),
    (shape.references_exist, "a ConfigMap is not there", lambda m: pod(server(m))["volumes"][0]["configMap"].update(name="x")),
    (shape.references_exist, "a service account is not there", lambda m: pod(server(m)).update(serviceAccountName="x")),
    (shape.references_exist, "a key is not in its Secret", lambda m: m.objects.append({"kind": "Secret", "metadata": {"name": "loyalty-secrets"}, "data": {}})),
    (shape.references_exist, "a workload fights its autoscaler", lambda m: server(m)["spec"].update(replicas=2)),
    (shape.probes_are_right, "liveness asks for readiness", lambda m: first(server(m)).update(livenessProbe={"grpc": {"port": 50053}})),
    (shape.probes_are_right, "no readiness probe", lambda m: first(server(m)).pop("readinessProbe")),
    (shape.network_is_closed, "nothing is denied by default", lambda m: m.objects.remove(m.get("NetworkPolicy", "default-deny"))),
    (shape.network_is_closed, "a flow of the code is cut", lambda m: policy(m, "loyalty").update(egress=[])),
    (shape.network_is_closed, "a flow is open that the code has not",
     lambda m: policy(m, "notification").update(policyTypes=["Ingress"], ingress=[{"from": [{"podSelector": {}}], "ports": [{"port": "grpc"}]}])),
    (shape.images_agree, "one pod runs another version", lambda m: first(server(m)).update(image="perennial:0.0.9")),
    (settings.settings_are_known, "a variable is no setting", lambda m: set_env(server(m), "PERENNIAL__LOYALTY__DATABASE__POOL", "5")),
    (settings.settings_are_known, "a line of the file is no setting", lambda m: edit_settings(m, "drain_seconds = 25", "drains_seconds = 25")),
    (settings.services_find_each_other, "a peer is not there", lambda m: edit_settings(m, "http://identity-grpc:50051", "http://identity:50051")),
    (settings.services_find_each_other, "a peer's port is another's", lambda m: edit_settings(m, "http://identity-grpc:50051", "http://identity-grpc:50052")),
    (settings.services_find_each_other, "pods listen on loopback", lambda m: edit_settings(m, '"0.0.0.0"', '"127.0.0.1"')),
    (settings.services_find_each_other, "pods listen where nobody asks", lambda m: set_env(server(m), "PERENNIAL__PORTS__LOYALTY", "6000")),
    (settings.ends_fit, "the hard end comes before the drain is over", lambda m: edit_settings(m, "drain_seconds = 25", "drain_seconds = 60")),
    (settings.ends_fit, "Kubernetes kills first", lambda m: pod(server(m)).update(terminationGracePeriodSeconds=30)),
    (settings.databases_are_shared_out, "more pods than connections", lambda m: of(m, "HorizontalPodAutoscaler", "loyalty-server")["spec"].update(maxReplicas=5)),
    (settings.databases_are_shared_out, "pods migrate by themselves", lambda m: edit_settings(m, "migrate_on_start = false", "migrate_on_start = true")),
    (settings.databases_are_shared_out, "no address of a database", lambda m: drop_env(server(m), "PERENNIAL__LOYALTY__DATABASE__URL")),
    (settings.databases_are_shared_out, "the address of another's database",
     lambda m: set_env(server(m), "PERENNIAL__IDENTITY__DATABASE__URL", "postgres://a@b/c")),
    (settings.databases_are_shared_out, "nobody migrates", lambda m: m.objects.remove(m.get("Job", "migrate"))),
    (settings.databases_are_shared_out, "a database is left out", lambda m: drop_env(of(m, "Job", "migrate"), "PERENNIAL__LOYALTY__DATABASE__URL")),
    (settings.databases_are_shared_out, "only one service is migrated", lambda m: first(of(m, "Job", "migrate"))["args"].__setitem__(1, "loyalty")),
    (settings.databases_are_shared_out, "larger pools than connections", lambda m: edit_settings(m, "max_connections = 10", "max_connections = 11")),
    (shape.selectors_match, "a workload does not know its own pods", lambda m: server(m)["spec"]["selector"]["matchLabels"].update(x="y")),
    (shape.selectors_match, "pods spread over others", lambda m: pod(server(m))["topologySpreadConstraints"][0]["labelSelector"].update(matchLabels={"x": "y"})),
    (shape.references_exist, "a volume is not there", lambda m: first(server(m))["volumeMounts"][0].update(name="x")),
    (shape.references_exist, "an autoscaler scales nothing", lambda m: of(m, "HorizontalPodAutoscaler", "loyalty-server")["spec"]["scaleTargetRef"].update(name="x")),
    (shape.references_exist, "a pod gets a token for the cluster", lambda m: pod(server(m)).update(automountServiceAccountToken=True)),
    (security.the_namespace_insists, "the namespace lets anything in",
     lambda m: m.of("Namespace")[0]["metadata"]["labels"].update({"pod-security.kubernetes.io/enforce": "baseline"})),
    (security.the_namespace_insists, "no namespace", lambda m: m.objects.remove(m.of("Namespace")[0])),
    (security.pods_are_restricted, "a pod may be root", lambda m: pod(server(m))["securityContext"].update(runAsNonRoot=False)),
    (security.pods_are_restricted, "a pod runs as a user of the node", lambda m: pod(of(m, "Job", "migrate"))["securityContext"].update(runAsUser=1000)),
    (security.pods_are_restricted, "a pod runs as its image says", lambda m: pod(server(m))["securityContext"].pop("runAsUser")),
    (security.pods_are_restricted, "a container overrules its pod", lambda m: first(server(m))["securityContext"].update(runAsUser=0)),
    (security.pods_are_restricted, "no seccomp profile", lambda m: pod(server(m))["securityContext"].pop("seccompProfile")),
    (security.pods_are_restricted, "the node's network", lambda m: pod(server(m)).update(hostNetwork=True)),
    (security.pods_are_restricted, "a port of the node", lambda m: first(server(m))["ports"][0].update(hostPort=50053)),
    (security.pods_are_restricted, "a folder of the node", lambda m: pod(server(m))["volumes"].append({"name": "x", "hostPath": {"path": "/"}})),
    (security.pods_are_restricted, "new privileges", lambda m: first(server(m))["securityContext"].update(allowPrivilegeEscalation=True)),
    (security.pods_are_restricted, "a root that can be written to", lambda m: first(server(m))["securityContext"].update(readOnlyRootFilesystem=False)),
    (security.pods_are_restricted, "a capability", lambda m: first(server(m))["securityContext"]["capabilities"].update(add=["NET_RAW"])),
    (security.pods_are_restricted, "settings that can be written to", lambda m: first(server(m))["volumeMounts"][0].pop("readOnly")),
    (security.backing_is_reached, "Postgres is cut off", lambda m: m.objects.remove(m.get("NetworkPolicy", "postgres"))),
    (security.backing_is_reached, "the migration is cut off from Postgres",
     lambda m: policy(m, "postgres")["podSelector"]["matchExpressions"][0]["values"].remove("migration")),
    (security.backing_is_reached, "another port of Redis is open", lambda m: policy(m, "redis")["egress"][0]["ports"][0].update(port=6380)),
    (security.backing_is_reached, "the collector lets nobody in", lambda m: policy(m, "collector").update(ingress=[])),
    (security.backing_is_reached, "nobody may go to the collector", lambda m: policy(m, "telemetry").update(egress=[])),
]

ON_EMBEDDED = [
    (shape.embedded_is_single, "two processes on one file", lambda m: server(m)["spec"].update(replicas=2)),
    (shape.embedded_is_single, "a Deployment, which runs two while rolling", lambda m: server(m).update(kind="Deployment")),
    (shape.embedded_is_single, "no volume", lambda m: server(m)["spec"].update(volumeClaimTemplates=[])),
    (shape.embedded_is_single, "an autoscaler", lambda m: m.objects.append({"kind": "HorizontalPodAutoscaler", "metadata": {"name": "x"}})),
    (settings.data_is_on_the_volume, "data beside the volume", lambda m: edit_settings(m, 'data = "/var/lib/perennial"', 'data = "/tmp"')),
    (settings.data_is_on_the_volume, "mail beside the volume", lambda m: edit_settings(m, '"/var/lib/perennial/outbox"', '"/tmp/outbox"')),
]

ON_SECURED = [
    (callers.files_are_there, "no certificates", lambda m: volume(m, "certificates").update(name="x")),
    (callers.files_are_there, "no token for a peer", lambda m: without_source(m, "identity")),
    (callers.files_are_there, "a key that the Secret has not", lambda m: edit_settings(m, "tls.key", "tls.pem", "mtls.toml")),
    (callers.tokens_fit_their_audience, "one audience for all", lambda m: audience(m, "perennial")),
    (callers.tokens_fit_their_audience, "an audience that nobody asks for", lambda m: edit_settings(m, "perennial/{service}", "other/{service}", "jwt.toml")),
    (callers.services_are_callers, "a service account in another namespace",
     lambda m: edit_settings(m, "secured-production:loyalty-server", "elsewhere:loyalty-server", "jwt.toml")),
    (callers.services_are_callers, "a certificate of nobody", lambda m: edit_settings(m, "sa/loyalty-server", "sa/loyalty", "mtls.toml")),
    (callers.nothing_goes_unencrypted, "a peer without TLS", lambda m: edit_settings(m, "https://identity-grpc", "http://identity-grpc", "mtls.toml")),
    (callers.nothing_goes_unencrypted, "a port without TLS", lambda m: edit_settings(m, "client_ca = ", "# ", "mtls.toml")),
    (callers.nothing_goes_unencrypted, "a Service that promises plain HTTP/2",
     lambda m: of(m, "Service", "loyalty-grpc")["spec"]["ports"][0].update(appProtocol="kubernetes.io/h2c")),
]


def missed(production, embedded, secured):
    """One line for every wrong thing that its rule did not see."""
    for base, controls in ((production, ON_PRODUCTION), (embedded, ON_EMBEDDED), (secured, ON_SECURED)):
        for rule, what, spoil in controls:
            changed = base.copy()
            spoil(changed)
            if not list(rule(changed)):
                yield f"{rule.__name__} did not see: {what}"
    rules = yaml.safe_load(metrics.RULES.read_text())
    for what, expression in (("a metric nobody tells", "perennial_guess > 1"), ("a label nothing has", 'perennial_server_in_flight{pod="x"}')):
        rules["groups"][0]["rules"].append({"alert": "Control", "expr": expression})
        if not any("Control" in finding for finding in metrics.figures_exist(rules)):
            yield f"figures_exist did not see: {what}"
        rules["groups"][0]["rules"].pop()
    for what, spoil in (
        ("a setting that is none", lambda c: c["services"]["loyalty"]["environment"].update(PERENNIAL__X="1")),
        ("a mount that is none", lambda c: c["services"]["loyalty"]["volumes"].append("./nothing:/x")),
        ("a port open to all", lambda c: c["services"]["loyalty"].update(ports=["50053:50053"])),
    ):
        spoiled = compose.load()
        spoil(spoiled)
        if not list(compose.compose_holds_together(spoiled)):
            yield f"compose_holds_together did not see: {what}"


def count():
    return len(ON_PRODUCTION) + len(ON_EMBEDDED) + len(ON_SECURED) + 5
