"""Dashboards and alerts name only what the code really tells.

The instruments are read from the source; the collector's Prometheus exporter turns their names as
the OpenTelemetry specification says: dots become underscores, the unit is appended, counters end
in _total, histograms have _bucket, _sum and _count.
"""

import json
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
DASHBOARDS = ROOT / "deploy/dashboards"
RULES = ROOT / "deploy/alerts/perennial.rules.yaml"

INSTRUMENT = re.compile(r'\.(\w+?)_(histogram|counter|gauge)\(\s*"([a-z0-9_.]+)"\s*\)(.*?)\.(?:build|init)\(\)', re.S)
LABEL = re.compile(r'KeyValue::new\(\s*"([a-z0-9_.]+)"')
UNITS = {"s": "_seconds", "ms": "_milliseconds", "By": "_bytes"}
KEYWORDS = {"and", "or", "unless", "offset", "bool", "on", "ignoring", "group_left", "group_right", "inf", "nan"}


def told():
    """Names of all series that the code makes, and of all labels they may have."""
    series = set()
    labels = {"job", "instance", "le", *(label.replace(".", "_") for text in sources() for label in LABEL.findall(text))}
    for kind, what, name, rest in instruments():
        unit = re.search(r'with_unit\("(.+?)"\)', rest)
        name = name.replace(".", "_") + UNITS.get(unit.group(1) if unit else "", "")
        if what == "histogram":
            series |= {name + "_bucket", name + "_sum", name + "_count"}
        elif what == "counter" and "up_down" not in kind:
            series.add(name + "_total")
        else:
            series.add(name)
    return series, labels


def sources():
    return [path.read_text() for path in (ROOT / "crates").glob("*/src/**/*.rs")]


def instruments():
    """(number type, kind, OpenTelemetry name, the rest of the builder) of every instrument."""
    return [found for text in sources() for found in INSTRUMENT.findall(text)]


def expressions(rules=None):
    """(where it stands, PromQL) of every panel, variable and rule."""
    for path in sorted(DASHBOARDS.glob("*.json")):
        board = json.loads(path.read_text())
        for panel in board["panels"]:
            for target in panel["targets"]:
                yield f'{path.name}: {panel["title"]}', target["expr"]
        for variable in board["templating"]["list"]:
            query = re.match(r"label_values\((.+), \w+\)", variable.get("definition", ""))
            if query:
                yield f'{path.name}: variable {variable["name"]}', query.group(1)
    for rule in all_rules(rules):
        yield f'{RULES.name}: {rule.get("alert") or rule["record"]}', rule["expr"]


def all_rules(rules=None):
    groups = (rules or yaml.safe_load(RULES.read_text()))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def used(expression):
    """Names of series and of labels in a PromQL expression."""
    unquoted = re.sub(r'"[^"]*"', "", expression)
    matchers = " ".join(re.findall(r"\{(.*?)\}", unquoted, re.S))
    labels = set(re.findall(r"(\w+)\s*[=!]", matchers))
    bare = re.sub(r"\{.*?\}|\[.*?\]", " ", expression, flags=re.S)
    grouping = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
    for group in grouping.findall(bare):
        labels |= set(re.findall(r"\w+", group))
    bare = grouping.sub(" ", bare)
    bare = re.sub(r"[a-zA-Z_]\w*\s*\(", "(", bare)
    names = {n for n in re.findall(r"(?<![\w.])[a-zA-Z_:][\w:]*", bare) if n.lower() not in KEYWORDS}
    return names, labels


def figures_exist(rules=None):
    series, labels = told()
    recorded = {rule["record"] for rule in all_rules(rules) if "record" in rule}
    for where, expression in expressions(rules):
        names, asked = used(expression)
        for name in sorted(names - series - recorded):
            yield f"{where}: nobody tells {name}"
        for label in sorted(asked - labels):
            yield f"{where}: nothing has a label {label}"


def as_rules():
    """The dashboards' expressions as a file of rules, so that promtool can parse them."""
    filled = [
        re.sub(r"\$__rate_interval|\$__interval", "5m", e).replace("$service", ".+")
        for where, e in expressions() if ".json" in where
    ]
    rules = [{"record": f"panel:{n}", "expr": e} for n, e in enumerate(filled)]
    return yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]})
