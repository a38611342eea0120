"""What is tried. Each step is a sentence that is printed when it has come true, with its figure."""

import shutil
import sqlite3
import subprocess
import time
from datetime import datetime, timezone
from pathlib import Path

from node import SERVICES, containers, expect, metrics, wait_for

START, SOON = 60, 30
# Counters that are not there before they have counted, and nothing here makes them count.
BEGIN_WITH_TROUBLE = {"perennial.server.panics", "perennial.server.sheds", "perennial.consumer.parked", "perennial.commit.replays",
                      # These belong to the components jwt and mtls.
                      "perennial.auth.key_refreshes", "perennial.file.reloads", "perennial.tls.failed_handshakes"}


def now():
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def tables_come_first(node):
    """A service refuses a database that the Job has not migrated; the Job can run twice"""
    refused = node.run(node.manifests.server("loyalty"))
    expect(refused.returncode != 0 and "MIGRATIONS_PENDING" in refused.stderr, f"started anyway: {refused.stderr}")
    job = node.manifests.get("Job", "migrate")
    for _ in range(2):
        done = node.run(job)
        expect(done.returncode == 0, done.stderr)


def all_start(node):
    """All four get ready"""
    for service in SERVICES:
        node.start(service)
    took = [wait_for(f"{service} ready", lambda: node.is_ready(service), START) for service in SERVICES]
    return f"{sum(took):.1f} s"


def callers_are_told_apart(node):
    """Without a token UNAUTHENTICATED; with a service's own token no more than it needs"""
    code, _ = node.call("loyalty", "PointsService/GetBalance", {"user_id": "ada"}, token=None)
    expect(code == "Unauthenticated", f"anonymous: {code}")
    peer = next(l.split("=")[1] for l in (node.folder / "secrets/feedback.env").read_text().splitlines() if l.startswith("peer-token"))
    code, _ = node.call("loyalty", "PointsService/GetBalance", {"user_id": "ada"}, token=peer)
    expect(code == "PermissionDenied", f"feedback's token: {code}")


def contracts_can_be_asked_for(node):
    """Reflection lists the services to a caller that may ask, and to nobody else"""
    ask = ["grpcurl", "-plaintext", "-max-time", "5"]
    where = [f"127.0.0.1:{node.ports['loyalty']}", "list"]
    allowed = [*ask, "-H", f"authorization: Bearer {node.token}", *where]
    told = subprocess.run(allowed, capture_output=True, text=True)
    expect("perennial.loyalty.v1.PointsService" in told.stdout, told.stderr)
    refused = subprocess.run([*ask, *where], capture_output=True, text=True)
    expect("Unauthenticated" in refused.stderr, refused.stderr)


def track(node, user, order):
    activity = {"user_id": user, "kind": "ACTIVITY_KIND_PURCHASE", "occur_time": now(), "source": "shop", "source_event_id": order,
                "amount": {"currency": "CNY", "minor_units": 19900}}
    return node.call("identity", "ActivityService/Track", {"activities": [activity]})[0]


def points(node, user):
    code, answer = node.call("loyalty", "PointsService/GetBalance", {"user_id": user})
    return code, int(answer["balance"].get("issued", 0)) if code == "OK" else 0


def services_hear_each_other(node):
    """A purchase told to identity becomes points in loyalty; feedback becomes a message in the inbox"""
    expect(track(node, "ada", "order-1") == "OK", "Track was refused")
    earned = wait_for("points", lambda: points(node, "ada")[1] > 0, SOON)
    said = {"user_id": "ada", "channel": "CHANNEL_FORM", "category": "CATEGORY_BUG", "text": "Saving fails"}
    code, _ = node.call("feedback", "FeedbackService/SubmitFeedback", said)
    expect(code == "OK", f"SubmitFeedback: {code}")
    inbox = lambda: node.call("notification", "InboxService/ListMessages", {"user_id": "ada"})[1]
    told = wait_for("message", lambda: "tkt_" in str(inbox()), SOON)
    return f"points after {earned:.1f} s, message after {told:.1f} s"


def redis_goes(node, redis):
    """Redis killed: every call is answered as before; it is used again when it is back"""
    redis.stop()
    slowest = 0
    for _ in range(20):
        started = time.monotonic()
        code, _ = points(node, "ada")
        slowest = max(slowest, time.monotonic() - started)
        expect(code == "OK", f"without Redis: {code}")
    redis.start()
    expect(points(node, "ada")[0] == "OK", "after Redis came back")
    return f"20 calls, slowest {slowest * 1000:.0f} ms with a fresh connection each"


def postgres_goes(node, postgres):
    """Postgres killed: calls are answered UNAVAILABLE, pods are not ready but alive; all comes back"""
    pids = {s: node.processes[s].pid for s in SERVICES}
    postgres.stop()
    started = time.monotonic()
    code, _ = points(node, "ada")
    answered = time.monotonic() - started
    expect(code == "Unavailable", f"without Postgres: {code}")
    unready = wait_for("not ready", lambda: not any(node.is_ready(s) for s in SERVICES), SOON)
    expect(all(node.is_alive(s) and node.processes[s].poll() is None for s in SERVICES), "a process ended")
    postgres.start()
    ready = wait_for("ready again", lambda: all(node.is_ready(s) for s in SERVICES), SOON)
    expect(points(node, "ada")[0] == "OK", "after Postgres came back")
    expect(track(node, "ada", "order-2") == "OK", "Track after Postgres came back")
    expect(pids == {s: node.processes[s].pid for s in SERVICES}, "a process was restarted")
    return f"answered after {answered:.1f} s, not ready after {unready:.1f} s, ready {ready:.1f} s after its return"


def a_pod_starts_without_postgres(node, postgres):
    """Postgres away at a pod's start: the program ends and says UNAVAILABLE, and starts once it is there"""
    node.stop("loyalty")
    postgres.stop()
    started = time.monotonic()
    refused = node.run(node.manifests.server("loyalty"))
    took = time.monotonic() - started
    expect(refused.returncode != 0 and "unavailable" in refused.stderr.lower(), f"{refused.returncode}: {refused.stderr}")
    postgres.start()
    node.start("loyalty")
    wait_for("loyalty ready", lambda: node.is_ready("loyalty"), START)
    wait_for("all ready", lambda: all(node.is_ready(s) for s in SERVICES), START)
    return f"ended after {took:.1f} s"


def handed_over(node, user, channel, receiver, arrived):
    """Schedules a message while its receiver is away, starts the receiver; returns the seconds until it has it."""
    profile = {"user_id": user, "email": f"{user}@example.com", "display_name": user, "locale": "en"}
    expect(node.call("identity", "ProfileService/UpsertProfile", {"profile": profile})[0] == "OK", "UpsertProfile")
    wanted = {"user_id": user, "template": "feedback-received", "topic": "service", "channels": [channel],
              "class": "MESSAGE_CLASS_TRANSACTIONAL", "variables": {"ticket": "tkt_" + "0" * 32, "answer_within": "24 hours"}}
    code, _ = node.call("notification", "NotificationService/ScheduleNotification", wanted)
    expect(code == "OK", f"ScheduleNotification: {code}")
    stood = lambda: str(node.call("notification", "NotificationService/ListNotifications", {"user_id": user})[1])
    wait_for("a failed hand-over", lambda: "NOTIFICATION_STATE_FAILED" in stood(), SOON)
    receiver.start()
    return wait_for("the message", lambda: arrived() and "NOTIFICATION_STATE_SENT" in stood(), SOON)


def mail_goes(node, mail):
    """No mail server: the message waits and is sent once when there is one"""
    sent = handed_over(node, "bea", "DELIVERY_CHANNEL_EMAIL", mail, lambda: mail.has("bea@example.com"))
    expect(mail.log.read_text().count("Message-ID") == 1, "the mail came more than once")
    return f"{sent:.1f} s after the server came"


def gateway_goes(node, gateway):
    """No webhook gateway: the message waits and is handed over once when there is one"""
    sent = handed_over(node, "cyd", "DELIVERY_CHANNEL_WEBHOOK", gateway, lambda: bool(gateway.taken))
    expect(len(gateway.taken) == 1, "the message came more than once")
    return f"{sent:.1f} s after the gateway came"


def peer_goes(node):
    """identity stopped: the others stay ready and answer; what happened meanwhile is caught up"""
    code, took = node.stop("identity")
    expect(code == 0, f"identity ended with {code}")
    expect(all(node.is_ready(s) for s in SERVICES if s != "identity"), "another was drawn in")
    expect(points(node, "ada")[0] == "OK", "GetBalance without identity")
    said = {"user_id": "ada", "channel": "CHANNEL_FORM", "category": "CATEGORY_BUG", "text": "Still fails"}
    expect(node.call("feedback", "FeedbackService/SubmitFeedback", said)[0] == "OK", "SubmitFeedback without identity")
    before = points(node, "ada")[1]
    node.start("identity")
    wait_for("identity ready", lambda: node.is_ready("identity"), START)
    expect(track(node, "ada", "order-3") == "OK", "Track")
    caught = wait_for("points of a purchase after the return", lambda: points(node, "ada")[1] > before, SOON)
    return f"caught up within {caught:.1f} s"


def a_pod_ends_in_order(node):
    """SIGTERM: not ready at once, calls still answered until the drain; exit 0 within the grace"""
    process = node.processes["loyalty"]
    process.terminate()
    unready = wait_for("not ready", lambda: node.health("loyalty") == "NOT_SERVING", 5)
    expect(points(node, "ada")[0] == "OK", "a call during the drain")
    started = time.monotonic()
    code = process.wait(timeout=45)
    node.processes.pop("loyalty")
    expect(code == 0, f"ended with {code}")
    node.start("loyalty")
    wait_for("loyalty ready", lambda: node.is_ready("loyalty"), START)
    return f"not ready after {unready:.1f} s, ended {time.monotonic() - started:.1f} s later"


def postgres_is_restored(node, postgres, work):
    """pg_basebackup while running; the copy, started elsewhere, passes `perennial check`"""
    copy = work / "run/postgres/copy"
    postgres.base_backup(copy)
    before = points(node, "ada")[1]
    port = postgres.start_copy(copy)
    changes = {}
    for service in SERVICES:
        variable = f"PERENNIAL__{service.upper()}__DATABASE__URL"
        _, environment, _ = node.understand(node.manifests.server(service))
        changes[variable] = environment[variable].replace(f":{postgres.port}/", f":{port}/")
    try:
        done = node.run(node.manifests.get("Job", "migrate"), arguments=["check", "all"], **changes)
    finally:
        postgres.control("stop", "-m", "fast", copy)
    expect(done.returncode == 0, done.stdout + done.stderr)
    return f"{before} points kept; " + ", ".join(done.stdout.split("\n")[:4])


def sqlite_is_restored(node, work):
    """SQLite's online backup while running; the copies pass `perennial check`"""
    said = []
    for service in SERVICES:
        workload = node.manifests.server(service)
        copies = work / f"copy-{service}"
        copies.mkdir()
        source = sqlite3.connect(work / f"{service}-server" / f"{service}.db")
        target = sqlite3.connect(copies / f"{service}.db")
        source.backup(target)
        target.close()
        source.close()
        done = node.run(workload, arguments=["check", service], PERENNIAL__DATA=str(copies))
        expect(done.returncode == 0, done.stdout + done.stderr)
        said.append(done.stdout.strip())
        shutil.rmtree(copies)
    return ", ".join(said)


def figures_arrive(node, collector):
    """Figures reach a collector that came late, under the names in the code, from every service"""
    collector.start()
    wanted = {name for _, _, name, _ in metrics.instruments()} - BEGIN_WITH_TROUBLE
    heard = lambda: {line.split("Name: ")[1].strip() for line in collector.heard().splitlines() if "Name: " in line}
    track(node, "ada", "order-5")
    node.call("loyalty", "PointsService/GetBalance", {"user_id": "ada"}, token=None)
    for _ in range(2):
        node.call("loyalty", "PointsService/Earn", {"user_id": "bob", "points": 1, "request_id": "twice"})
    started = time.monotonic()
    while missing := wanted - heard():
        expect(time.monotonic() - started < SOON, f"not told within {SOON} s: {sorted(missing)}")
        time.sleep(0.1)
    took = time.monotonic() - started
    for service in SERVICES:
        for attribute in (f"service.name: Str({service})", f"service.instance.id: Str({service}-server-0)"):
            wait_for(attribute, lambda: attribute in collector.heard(), SOON)
    return f"{len(wanted)} names after {took:.1f} s"


def another_key_is_refused(node):
    """Data sealed under one master key is not served under another"""
    code, _ = node.stop("identity")
    expect(code == 0, f"identity ended with {code}")
    refused = node.run(node.manifests.server("identity"), PERENNIAL__MASTER_KEY="ab" * 32)
    expect(refused.returncode != 0 and "WRONG_MASTER_KEY" in refused.stderr, f"started anyway: {refused.stderr}")
    node.start("identity")
    wait_for("identity ready", lambda: node.is_ready("identity"), START)


def memory_suffices(node):
    """The most memory that a process had is below the limit of its pod"""
    said = []
    for service in SERVICES:
        status = Path(f"/proc/{node.processes[service].pid}/status").read_text()
        most = int(status.split("VmHWM:")[1].split()[0]) / 1024
        limit = containers(node.manifests.server(service))[0]["resources"]["limits"]["memory"]
        expect(most < int(limit.removesuffix("Mi")), f"{service} had {most:.0f} MiB of {limit}")
        said.append(f"{service} {most:.0f} MiB")
    return ", ".join(said)


def data_survives(node):
    """All killed (SIGKILL) and started again: nothing is lost, a repeated purchase counts once"""
    before = points(node, "ada")[1]
    node.end()
    node.processes.clear()
    all_start(node)
    expect(track(node, "ada", "order-1") == "OK", "Track again")
    # The log is read in order: when this one has been counted, a second order-1 would have been.
    expect(track(node, "ada", "order-4") == "OK", "Track")
    wait_for("points", lambda: points(node, "ada")[1] > before, SOON)
    expect(points(node, "ada")[1] == before + 199, f"{points(node, 'ada')[1]} points, not {before + 199}")
    return f"{before} + 199 points"
