#!/usr/bin/env bash
# Makes the folder of one deployment (one brand, one namespace) with fresh keys and tokens, ready for
# `kubectl apply -k FOLDER`.
#
#   scripts/deploy-new.sh FOLDER NAMESPACE embedded|production [IMAGE]
#
# IMAGE is the name without tag (default: perennial). For production these may be set:
#   PERENNIAL_POSTGRES   host:port of the server          (default: postgres.data:5432)
#   PERENNIAL_REDIS      address of Redis                 (default: redis://redis.data:6379/0)
#   PERENNIAL_SMTP_URL   address of the mail server       (default: one that does not exist)
# For both: PERENNIAL_COMPONENTS="jwt mtls" adds these components (deploy/kubernetes/components).
#
# FOLDER/secrets holds the only copy of the master keys: with them all personal data is lost. Keep
# the folder where you keep secrets, never in version control.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

if [ $# -lt 3 ] || { [ "$3" != embedded ] && [ "$3" != production ]; }; then
    sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//' >&2
    exit 2
fi
FOLDER="$1" NAMESPACE="$2" KIND="$3" IMAGE="${4:-perennial}"
OVERLAY="$ROOT/deploy/kubernetes/overlays/$KIND"
COMPONENTS="$ROOT/deploy/kubernetes/components"
SERVICES="identity feedback loyalty notification"
[ ! -e "$FOLDER/kustomization.yaml" ] || die "$FOLDER is a deployment already; its keys are not made anew"

umask 077
mkdir -p "$FOLDER/secrets"
printf '*\n' >"$FOLDER/secrets/.gitignore"

random_hex() { od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n'; }
sha256() { printf %s "$1" | sha256sum | cut -d' ' -f1; }

# Puts the hash of a fresh token in place of the overlay's n-th hash, and prints the token.
token() {
    local secret
    secret="per_$(random_hex)"
    sed -i "s/^sha256 = \"0*$1\"\$/sha256 = \"$(sha256 "$secret")\"/" "$FOLDER/settings.toml"
    printf '%s' "$secret"
}

sed '/^# Nobody has the secrets/d' "$OVERLAY/settings.toml" >"$FOLDER/settings.toml"

number=0
for service in $SERVICES; do
    number=$((number + 1))
    {
        echo "master-key=$(random_hex)"
        echo "peer-token=$(token $number)"
        if [ "$KIND" = production ]; then
            password="$(random_hex)"
            echo "database-url=postgres://$service:$password@${PERENNIAL_POSTGRES:-postgres.data:5432}/$service"
            cat >&3 <<SQL
CREATE ROLE $service LOGIN PASSWORD '$password' CONNECTION LIMIT 60;
CREATE DATABASE $service OWNER $service;
REVOKE CONNECT ON DATABASE $service FROM PUBLIC;
SQL
            if [ "$service" = notification ]; then
                echo "smtp-url=${PERENNIAL_SMTP_URL:-smtp://mail.example.com:587?tls=required}"
            fi
        fi
    } >"$FOLDER/secrets/$service.env"
done 3>"$FOLDER/secrets/databases.sql"
token 5 >"$FOLDER/secrets/shop.token"
if [ "$KIND" = production ]; then
    echo "url=${PERENNIAL_REDIS:-redis://redis.data:6379/0}" >"$FOLDER/secrets/redis.env"
else
    rm "$FOLDER/secrets/databases.sql"
fi

{
    cat <<YAML
# One deployment of Perennial. Change what is particular to it here and in settings.toml.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: $NAMESPACE
resources:
  - $(realpath -m --relative-to="$FOLDER" "$OVERLAY")
images:
  - name: perennial
    newName: $IMAGE
configMapGenerator:
  - name: settings
    behavior: replace
    files: [settings.toml]
YAML
    for component in ${PERENNIAL_COMPONENTS:-}; do
        # Service accounts are named with their namespace.
        sed "s/serviceaccount:perennial:/serviceaccount:$NAMESPACE:/; s,/ns/perennial/,/ns/$NAMESPACE/," \
            "$COMPONENTS/$component/$component.toml" >"$FOLDER/$component.toml"
        printf '  - name: %s\n    files: [%s.toml]\n' "$component" "$component"
    done
    echo "secretGenerator:"
    for file in "$FOLDER"/secrets/*.env; do
        name="$(basename "$file" .env)"
        printf '  - name: %s-secrets\n    envs: [secrets/%s.env]\n' "$name" "$name"
    done
    if [ -n "${PERENNIAL_COMPONENTS:-}" ]; then echo "components:"; fi
    for component in ${PERENNIAL_COMPONENTS:-}; do
        echo "  - $(realpath -m --relative-to="$FOLDER" "$COMPONENTS/$component")"
    done
} >"$FOLDER/kustomization.yaml"

say "$FOLDER: deployment $NAMESPACE ($KIND)"
say "the back end \"shop\" calls with the token in $FOLDER/secrets/shop.token"
if [ "$KIND" = production ]; then say "run $FOLDER/secrets/databases.sql on the Postgres server first"; fi
