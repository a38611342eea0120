"""Rendered Kubernetes manifests as a thing to ask questions of."""

import copy
from pathlib import Path

import yaml

SERVICES = ("identity", "feedback", "loyalty", "notification")
COMPONENT = "app.kubernetes.io/component"


class Manifests:
    """All objects of one rendered overlay."""

    def __init__(self, objects):
        self.objects = objects

    @classmethod
    def load(cls, path):
        return cls([o for o in yaml.safe_load_all(Path(path).read_text()) if o])

    def copy(self):
        return Manifests(copy.deepcopy(self.objects))

    def of(self, *kinds):
        return [o for o in self.objects if o["kind"] in kinds]

    def get(self, kind, name):
        return next((o for o in self.of(kind) if o["metadata"]["name"] == name), None)

    def workloads(self):
        """Whatever makes pods."""
        return self.of("Deployment", "StatefulSet", "Job")

    def servers(self):
        """The workloads that run one of the four services."""
        return [w for w in self.workloads() if labels(w).get(COMPONENT) in SERVICES]

    def server(self, service):
        return next((w for w in self.servers() if labels(w)[COMPONENT] == service), None)

    def selected(self, selector):
        """The workloads whose pods a selector picks."""
        return [w for w in self.workloads() if matches(selector, labels(w))]


def pod(workload):
    """The specification of a workload's pods."""
    return workload["spec"]["template"]["spec"]


def labels(workload):
    """The labels of a workload's pods."""
    return workload["spec"]["template"]["metadata"].get("labels", {})


def containers(workload):
    return pod(workload)["containers"]


def ports(workload):
    """Container ports by name: {"grpc": 50051}."""
    return {p["name"]: p["containerPort"] for c in containers(workload) for p in c.get("ports", [])}


def name(thing):
    return f'{thing["kind"]} {thing["metadata"]["name"]}'


def ours(container):
    """Whether the container runs Perennial's own image."""
    return container["image"].split(":")[0].split("/")[-1] == "perennial"


def matches(selector, found):
    """Whether labels fit a label selector (matchLabels, matchExpressions with In)."""
    fits = all(found.get(k) == v for k, v in selector.get("matchLabels", {}).items())
    for expression in selector.get("matchExpressions", []):
        if expression["operator"] != "In":
            raise ValueError(f'operator {expression["operator"]} is not understood here')
        fits = fits and found.get(expression["key"]) in expression["values"]
    return fits
