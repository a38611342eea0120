"""See scripts/deploy-try.sh."""

import sys
from pathlib import Path

import steps
from backing import Collector, Gateway, Mail, Postgres, Redis
from node import Failed, Node


def production(work):
    postgres, redis, mail, collector = Postgres(work), Redis(work), Mail(work), Collector(work)
    gateway = Gateway()
    node = Node("production", work, {
        "PERENNIAL_POSTGRES": f"127.0.0.1:{postgres.port}",
        "PERENNIAL_REDIS": f"redis://127.0.0.1:{redis.port}/0",
        "PERENNIAL_SMTP_URL": f"smtp://127.0.0.1:{mail.port}",
    }, gateway.settings())
    node.collector = collector.port
    postgres.sql((node.folder / "secrets/databases.sql").read_text())
    return node, [mail, gateway, collector], [
        (steps.tables_come_first,),
        (steps.all_start,),
        (steps.callers_are_told_apart,),
        (steps.services_hear_each_other,),
        (steps.redis_goes, redis),
        (steps.postgres_goes, postgres),
        (steps.a_pod_starts_without_postgres, postgres),
        (steps.mail_goes, mail),
        (steps.gateway_goes, gateway),
        (steps.peer_goes,),
        (steps.a_pod_ends_in_order,),
        (steps.postgres_is_restored, postgres, work),
        (steps.figures_arrive, collector),
        (steps.another_key_is_refused,),
        (steps.memory_suffices,),
        (steps.data_survives,),
    ]


def embedded(work):
    return Node("embedded", work, {}), [], [
        (steps.all_start,),
        (steps.callers_are_told_apart,),
        (steps.contracts_can_be_asked_for,),
        (steps.services_hear_each_other,),
        (steps.peer_goes,),
        (steps.a_pod_ends_in_order,),
        (steps.sqlite_is_restored, work),
        (steps.another_key_is_refused,),
        (steps.memory_suffices,),
        (steps.data_survives,),
    ]


def main(kind, work):
    work = Path(work)
    node, helpers, trial = {"production": production, "embedded": embedded}[kind](work)
    try:
        for step, *needed in trial:
            figure = step(node, *needed)
            print(f"ok  {step.__doc__}" + (f" ({figure})" if figure else ""), flush=True)
    except Failed as failure:
        print(f"FAILED  {step.__doc__}\n    {failure}", flush=True)
        for log in sorted(work.glob("*.log")):
            print(f"--- {log.name}\n" + "\n".join(log.read_text().splitlines()[-15:]))
        return 1
    finally:
        node.end()
        for helper in helpers:
            helper.end()
    print(f"{len(trial)} passed, 0 failed")
    return 0


sys.exit(main(*sys.argv[1:]))
