#!/usr/bin/env python3
"""Writes the Grafana dashboards in deploy/dashboards: an overview, the flow between the services, and
one for each service. They share their panels, so they are described here once.

    scripts/dashboards.py           writes them
    scripts/dashboards.py --check   says whether they are as described here
"""

import json
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "deploy/dashboards"
SERVICES = ("identity", "feedback", "loyalty", "notification")
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

# Of a service or of those chosen; calls of ours, without streams that stay open.
OF = 'job=~"$service"'
CALLS = OF + ',rpc_method=~"perennial[.].+",rpc_method!~".+EventLogService/Read"'
TIMED = OF + ',rpc_method=~"perennial[.].+",rpc_method!~".+(EventLogService/Read|ClockService/Advance)"'
ANY = "[$__rate_interval]"


def rate(series, by, labels=OF):
    return f"sum by ({by}) (rate({series}{{{labels}}}{ANY}))"


def quantile(q, series, by, labels=OF):
    return f"histogram_quantile({q}, {rate(series + '_bucket', by + ', le', labels)})"


def mean(series, by, labels=OF):
    return f"{rate(series + '_sum', by, labels)} / {rate(series + '_count', by, labels)}"


def panel(title, description, unit, *targets, stack=False):
    """A graph: unit of the axis, and (expression, legend) of each family of lines."""
    custom = {"stacking": {"mode": "normal"}} if stack else {}
    return {
        "type": "timeseries",
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0, "custom": custom}, "overrides": []},
        "options": {
            "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["mean", "max"]},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            {"datasource": DATASOURCE, "expr": expr, "legendFormat": legend, "refId": chr(ord("A") + n)}
            for n, (expr, legend) in enumerate(targets)
        ],
    }


DURATION = "rpc_server_call_duration_seconds"
CALLS_BY_SERVICE = panel(
    "Calls", "Calls a second. Health checks, reflection and the services' reading of each other's logs are left out.",
    "reqps", (rate(DURATION + "_count", "job", CALLS), "{{job}}"), stack=True)
ERRORS = panel(
    "Errors of ours", "Share of calls answered UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE or DATA_LOSS in the last five minutes; the objective is 0.1 %.",
    "percentunit", (f"perennial:call_errors:ratio_rate5m{{{OF}}}", "{{job}}"))
BUDGET = panel(
    "Budget of errors: speed of use", "1 uses the month's budget up in exactly a month; above 14.4 somebody is woken.",
    "short", *((f"perennial:call_errors:ratio_rate{w}{{{OF}}} / 0.001", "{{job}} " + w) for w in ("1h", "6h", "3d")))
ANSWERS = panel(
    "Calls by answer", "Refusals by rule (NOT_FOUND, FAILED_PRECONDITION ..) are answers too.",
    "reqps", (rate(DURATION + "_count", "rpc_response_status_code", CALLS), "{{rpc_response_status_code}}"), stack=True)
TIME = panel(
    "Time of a call", "From the first header to the last byte, all methods but streams.",
    "s", (quantile(0.5, DURATION, "job", TIMED), "{{job}} median"), (quantile(0.99, DURATION, "job", TIMED), "{{job}} 99 %"))
SLOWEST = panel(
    "Slowest methods", "99th percentile of the ten slowest.",
    "s", (f"topk(10, {quantile(0.99, DURATION, 'rpc_method', TIMED)})", "{{rpc_method}}"))
BUSIEST = panel(
    "Busiest methods", "Calls a second of the ten most called.",
    "reqps", (f"topk(10, {rate(DURATION + '_count', 'rpc_method', CALLS)})", "{{rpc_method}}"))
IN_FLIGHT = panel(
    "Calls being answered", "Per pod, open streams included, beside the limit (server.max_in_flight).",
    "short", (f"sum by (instance) (perennial_server_in_flight{{{OF}}})", "{{instance}}"),
    (f"max by (job) (perennial_server_max_in_flight{{{OF}}})", "{{job}} limit"))
SHEDS = panel(
    "Turned away", "Calls a second answered RESOURCE_EXHAUSTED: too many at once (in_flight), a caller above its own rate (rate), too many waiting for the database (write_queue, read_queue).",
    "reqps", (rate("perennial_server_sheds_total", "job, reason"), "{{job}} {{reason}}"))
BATCHES = panel(
    "Group commit: commands in a transaction", "Mean and 99th percentile. More commands share a transaction as the load grows.",
    "short", (mean("perennial_commit_batch_size", "committer"), "{{committer}} mean"),
    (quantile(0.99, "perennial_commit_batch_size", "committer"), "{{committer}} 99 %"))
COMMITS = panel(
    "Group commit: transactions and replays", "Transactions a second of the hot writes, and commands that were repeats and got the stored answer.",
    "ops", (rate("perennial_commit_batch_size_count", "committer"), "{{committer}} transactions"),
    (rate("perennial_commit_replays_total", "committer"), "{{committer}} replays"))
BATCH_TIME = panel(
    "Group commit: wait and time of a batch", "99th percentile: the wait of the command that waited longest, and from taking a batch to its answers.",
    "s", (quantile(0.99, "perennial_commit_wait_seconds", "committer"), "{{committer}} wait"),
    (quantile(0.99, "perennial_commit_batch_duration_seconds", "committer"), "{{committer}} batch"))
REPLAYS = panel(
    "Repeated requests", "Calls a second whose request id had been seen: callers that retry.",
    "ops", (rate("perennial_request_replays_total", "method"), "{{method}}"))
DELAY = panel(
    "Consumers: delay", "Time since a consumer last stood at the end of the log that it follows; below a second when all is well. The replica that is best off.",
    "s", (f"min by (consumer) (perennial_consumer_delay_seconds{{{OF}}})", "{{consumer}}"))
LAG = panel(
    "Consumers: positions behind", "Between a consumer and the end of its log, as it saw it last.",
    "short", (f"min by (consumer) (perennial_consumer_lag{{{OF}}})", "{{consumer}}"))
LATENESS = panel(
    "Queues: lateness", "Since when the first thing that is due waits. The expiry notices wait from when they were told until they are handed over.",
    "s", (f"max by (queue) (perennial_due_lateness_seconds{{{OF}}})", "{{queue}}"))
BACKLOG = panel(
    "Queues: due and not done", "Counted up to 1000.",
    "short", (f"max by (queue) (perennial_due_backlog{{{OF}}})", "{{queue}}"))
WORK = panel(
    "Background work", "Units a second: events taken over from other services, rows of jobs.",
    "ops", (rate("perennial_worker_units_total", "worker"), "{{worker}}"))
FAILURES = panel(
    "Background work that fails", "Failed turns in five minutes; each is tried again. A peer or database that is away shows here first.",
    "short", (f"sum by (worker) (increase(perennial_worker_failures_total{{{OF}}}[5m]))", "{{worker}}"))
TROUBLE = panel(
    "Set aside and panicked", "Events that a consumer could not handle (EventLogService/ListParked shows them), and panics, each a bug. Since the processes started.",
    "short", (f"sum by (consumer) (perennial_consumer_parked_total{{{OF}}})", "parked by {{consumer}}"),
    (f"sum by (job) (perennial_server_panics_total{{{OF}}})", "panics in {{job}}"))
PODS = panel(
    "Pods that report", "Replicas of each service that told something in the last minutes.",
    "short", (f"count by (job) (perennial_server_in_flight{{{OF}}})", "{{job}}"))
REDIS = panel(
    "Redis", "1 while the last exchange of every pod with Redis worked. Without Redis the suite is slower and loses nothing.",
    "short", (f"min by (job) (perennial_redis_up{{{OF}}})", "{{job}}"))
STATEMENTS = panel(
    "Database: time of a statement", "99th percentile, without the wait for a connection. COMMIT includes the sync.",
    "s", (quantile(0.99, "db_client_operation_duration_seconds", "db_namespace, db_operation_name"), "{{db_namespace}} {{db_operation_name}}"))
STATEMENT_RATE = panel(
    "Database: statements", "Statements a second.",
    "ops", (rate("db_client_operation_duration_seconds_count", "db_operation_name"), "{{db_operation_name}}"), stack=True)
POOL = panel(
    "Database: connections in use", "Per pool, beside the limit. Full pools make calls wait.",
    "short", (f'sum by (db_client_connection_pool_name) (db_client_connection_count{{{OF},db_client_connection_state="used"}})', "{{db_client_connection_pool_name}}"),
    (f"sum by (db_client_connection_pool_name) (db_client_connection_max{{{OF}}})", "{{db_client_connection_pool_name}} limit"))
POOL_WAIT = panel(
    "Database: wait for a transaction", "99th percentile of the time until a transaction has a connection and has begun.",
    "s", (quantile(0.99, "db_client_connection_wait_time_seconds", "db_client_connection_pool_name"), "{{db_client_connection_pool_name}}"))
OUTCOMES = panel(
    "Messages: what became of them", "Steps a second, by channel: sent, held back by a gate, dropped, failed and tried again, dead letters.",
    "ops", (rate("perennial_notification_outcomes_total", "channel, outcome"), "{{channel}} {{outcome}}"))
HANDOVER = panel(
    "Messages: time of a hand-over", "99th percentile of one attempt.",
    "s", (quantile(0.99, "perennial_notification_delivery_duration_seconds", "channel, outcome"), "{{channel}} {{outcome}}"))
DEAD = panel(
    "Messages: dead letters and unknown outcomes", "In the last hour. Dead letters can be listed and replayed.",
    "short", (f'sum by (channel, outcome) (increase(perennial_notification_outcomes_total{{{OF},outcome=~"dead|unknown"}}[1h]))', "{{channel}} {{outcome}}"))

OVERVIEW = [CALLS_BY_SERVICE, ERRORS, ANSWERS, TIME, SLOWEST, BUSIEST, BUDGET, IN_FLIGHT, SHEDS, REPLAYS, DELAY, LATENESS, STATEMENTS, POOL, TROUBLE, REDIS, PODS]
FLOW = [DELAY, LAG, LATENESS, BACKLOG, WORK, FAILURES, TROUBLE, OUTCOMES, DEAD, HANDOVER]
SERVICE = [BUSIEST, ERRORS, ANSWERS, SLOWEST, IN_FLIGHT, SHEDS, BATCHES, BATCH_TIME, COMMITS, REPLAYS, DELAY, LAG, LATENESS, BACKLOG, WORK, FAILURES, STATEMENTS, STATEMENT_RATE, POOL, POOL_WAIT]


def board(uid, title, panels, service=None):
    """A dashboard. Without a service it has a choice of them."""
    datasource = {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    every = "label_values(perennial_server_in_flight, job)"
    choice = {
        "name": "service", "label": "Service", "type": "query", "datasource": DATASOURCE,
        "query": {"query": every, "refId": "service"}, "definition": every, "refresh": 2,
        "includeAll": True, "multi": True, "current": {"text": "All", "value": "$__all"}, "allValue": ".+",
    }
    fixed = {"name": "service", "type": "constant", "query": service, "current": {"text": service, "value": service}, "hide": 2}
    placed = [
        {"id": n + 1, **panel, "gridPos": {"x": n % 2 * 12, "y": n // 2 * 8, "w": 12, "h": 8}}
        for n, panel in enumerate(panels)
    ]
    return {
        "uid": uid, "title": title, "tags": ["perennial"], "schemaVersion": 39, "version": 1, "editable": True,
        "refresh": "30s", "timezone": "browser", "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [datasource, fixed if service else choice]},
        "annotations": {"list": []},
        "links": [{"type": "dashboards", "tags": ["perennial"], "title": "Perennial", "asDropdown": True, "includeVars": False}],
        "panels": placed,
    }


def boards():
    yield "perennial.json", board("perennial", "Perennial", OVERVIEW)
    yield "perennial-flow.json", board("perennial-flow", "Perennial: event logs, queues, messages", FLOW)
    for service in SERVICES:
        panels = SERVICE + ([OUTCOMES, DEAD, HANDOVER] if service == "notification" else [])
        yield f"perennial-{service}.json", board(f"perennial-{service}", f"Perennial: {service}", panels, service)


def main():
    wrong = []
    for name, content in boards():
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        path = FOLDER / name
        if sys.argv[1:] != ["--check"]:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            wrong.append(name)
    known = {name for name, _ in boards()}
    wrong += [path.name for path in FOLDER.glob("*.json") if path.name not in known]
    for name in wrong:
        print(f"{name} is not what scripts/dashboards.py writes", file=sys.stderr)
    return 1 if wrong else 0


sys.exit(main())
