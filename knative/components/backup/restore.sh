#!/bin/sh
# Bring a dump back: the one that is named, or the newest of BACKUP_DIRECTORY. It becomes a database beside the one that serves,
# and only when all of it is there do the two change names; the old one stays as NAME_before_TIME until somebody drops it.
# The roles have to be there, and on a new server are when `migrate` has run in an empty database.
set -eu

url=$(cat "$DATABASE_OWNER_URL_FILE")
# shellcheck disable=SC2012  # names of ours, without blanks
file=${1:-$(ls "$BACKUP_DIRECTORY"/flycatcher-*.dump | tail -n 1)}
beside() { printf '%s' "$url" | sed "s#^\([^/]*//[^/]*/\)[^?]*#\1$1#"; }
ask() { psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 "$@"; }

name=$(ask --dbname="$url" --command='SELECT current_database()')
now=$(date -u +%Y%m%d%H%M%S)
new=${name}_restored_$now
old=${name}_before_$now

ask --dbname="$(beside postgres)" --command="CREATE DATABASE \"$new\" TEMPLATE template0 ENCODING UTF8"
undo() { # whatever fails, the database that serves goes on serving
    ask --dbname="$(beside postgres)" 2>/dev/null <<SQL
ALTER DATABASE "$name" ALLOW_CONNECTIONS true;
DROP DATABASE IF EXISTS "$new";
SQL
}
trap undo EXIT
# What a migration took away from everybody is a right on the database, which no dump of one database holds.
ask --dbname="$(beside postgres)" --command="REVOKE TEMPORARY ON DATABASE \"$new\" FROM PUBLIC"
pg_restore --dbname="$(beside "$new")" --exit-on-error --single-transaction --no-owner "$file"
ask --dbname="$(beside "$new")" --command=ANALYZE
# The sessions of the functions end; they sign in again by themselves.
ask --dbname="$(beside postgres)" --set=name="$name" <<SQL
ALTER DATABASE "$name" ALLOW_CONNECTIONS false;
SELECT FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :'name') ended;
ALTER DATABASE "$name" RENAME TO "$old";
ALTER DATABASE "$new" RENAME TO "$name";
SQL
echo "restored $file; what was there before is the database $old, which takes no connections"
