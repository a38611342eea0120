"""Our own rules for what stands in deploy/, run by scripts/deploy-check.sh.

    deploy-rules check embedded=FILE production=FILE ..   checks rendered manifests, compose, figures
    deploy-rules controls embedded=FILE production=FILE secured=FILE   checks that every rule can fail
    deploy-rules panels                                   prints the dashboards' expressions as rules

The kind of render (embedded, production, secured) comes before the file; several of a kind may be given.
"""

import sys

import compose
import callers
import controls
import metrics
import security
import settings
import shape
from manifests import Manifests

EVERYWHERE = [*shape.EVERYWHERE, *settings.EVERYWHERE, *security.EVERYWHERE]
RULES = {
    "embedded": [*EVERYWHERE, *shape.EMBEDDED, *settings.EMBEDDED],
    "production": [*EVERYWHERE, *settings.PRODUCTION],
    "secured": callers.SECURED,
}


def check(renders):
    for kind, path in renders:
        manifests = Manifests.load(path)
        if len(manifests.servers()) != 4:
            yield f"{path}: {len(manifests.servers())} services, not four"
        for rule in RULES[kind]:
            for finding in rule(manifests):
                yield f"{path}: {finding} ({rule.__name__})"
    for rule in (compose.compose_holds_together, metrics.figures_exist):
        for finding in rule():
            yield f"{finding} ({rule.__name__})"


def main(command, *arguments):
    renders = [tuple(a.split("=", 1)) for a in arguments]
    if command == "panels":
        print(metrics.as_rules())
        return 0
    if command == "check":
        findings = list(check(renders))
        told = f"{sum(len(RULES[kind]) for kind, _ in renders) + 2} rules applied"
    elif command == "controls":
        by_kind = {kind: Manifests.load(path) for kind, path in renders}
        findings = list(controls.missed(by_kind["production"], by_kind["embedded"], by_kind["secured"]))
        told = f"{controls.count()} wrong things seen"
    else:
        print(__doc__, file=sys.stderr)
        return 2
    for finding in findings:
        print(finding, file=sys.stderr)
    print("failed" if findings else told)
    return 1 if findings else 0


sys.exit(main(*sys.argv[1:] or ["help"]))
