#!/bin/sh
# The broker keeps nothing: what is due stands in PostgreSQL, and a broker that forgets is made up
# for by the next tick. `noeviction`: a full one refuses, and never drops a task in silence.
# The settings go in by standard input, so that no file or command line shows the password.
set -eu

case "${VALKEY_PASSWORD:-}" in
    *[!A-Za-z0-9_-]*) echo "valkey.sh: VALKEY_PASSWORD may hold only letters, digits, _ and -" >&2; exit 1 ;;
esac
password="${VALKEY_PASSWORD:-}"
if [ "${#password}" -lt 24 ]; then
    echo "valkey.sh: VALKEY_PASSWORD is under 24 characters; make one with: openssl rand -hex 24" >&2
    exit 1
fi

exec valkey-server - <<SETTINGS
bind * -::*
port 6379
requirepass $VALKEY_PASSWORD
daemonize no
save ""
appendonly no
maxmemory 256mb
maxmemory-policy noeviction
SETTINGS
