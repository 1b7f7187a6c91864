#!/bin/sh
# Makes the database and its three roles, none of them a superuser (docs/reliability.md, 7). The image
# runs this once, on an empty volume. Run again it sets the passwords anew, and changes no data:
#   docker compose exec -u postgres postgres sh /docker-entrypoint-initdb.d/roles.sh
set -eu

for name in ITB_OWNER_PASSWORD ITB_APP_PASSWORD ITB_SCAN_PASSWORD; do
    eval "value=\${$name:-}"
    # Other characters would have another meaning inside DATABASE_URL.
    case "$value" in
        *[!A-Za-z0-9_-]*) echo "roles.sh: $name may hold only letters, digits, _ and -" >&2; exit 1 ;;
    esac
    if [ "${#value}" -lt 24 ]; then
        echo "roles.sh: $name is missing or under 24 characters; make one with: openssl rand -hex 24" >&2
        exit 1
    fi
done

# psql reads the passwords from its environment, so that no command line shows them.
psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\getenv owner ITB_OWNER_PASSWORD
\getenv app ITB_APP_PASSWORD
\getenv scan ITB_SCAN_PASSWORD
SET log_statement = 'none';
SELECT format('CREATE ROLE %I', name)
  FROM unnest(ARRAY['itb_owner', 'itb_app', 'itb_scan']) AS name
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE itb_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'owner';
ALTER ROLE itb_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'app';
ALTER ROLE itb_scan LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'scan';
SELECT 'CREATE DATABASE itb OWNER itb_owner'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'itb') \gexec
REVOKE ALL ON DATABASE itb FROM PUBLIC;
GRANT CONNECT ON DATABASE itb TO itb_app, itb_scan;
REVOKE ALL ON DATABASE postgres FROM PUBLIC;
SQL
echo "roles.sh: itb_owner, itb_app and itb_scan are there, and the database itb"
