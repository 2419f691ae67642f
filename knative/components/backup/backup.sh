#!/bin/sh
# Dump the database of DATABASE_OWNER_URL_FILE into BACKUP_DIRECTORY, and keep the newest BACKUPS_KEPT dumps.
# A dump that is not whole never has the name of one.
set -eu
umask 077

url=$(cat "$DATABASE_OWNER_URL_FILE")
file=$BACKUP_DIRECTORY/flycatcher-$(date -u +%Y%m%dT%H%M%SZ).dump
trap 'rm -f "$file.part"' EXIT

pg_dump --dbname="$url" --format=custom --file="$file.part"
# All of it is read, not only its table of contents.
pg_restore --file=/dev/null "$file.part"
mv "$file.part" "$file"
# shellcheck disable=SC2010  # names of ours, without blanks, newest first by name
for old in $(ls -r "$BACKUP_DIRECTORY" | grep '^flycatcher-.*\.dump$' | tail -n "+$((BACKUPS_KEPT + 1))"); do
    rm "$BACKUP_DIRECTORY/$old"
done
echo "wrote $file, $(wc -c < "$file") bytes"
