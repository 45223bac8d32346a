#!/usr/bin/env bash
# Imports a file of made-up people and tells rows a second, and peak memory and processor time of the laureate
# process (its servers are processes of their own): tools/measure-import.sh PEOPLE [PROGRAM]
set -euo pipefail
people=${1:?how many people}
program=${2:-target/debug/laureate}
folder=$(mktemp -d)
up=
trap '[ -z "$up" ] || { kill "$up"; wait "$up" || true; }; rm -rf "$folder"' EXIT

"$program" made-up-people "$people" > "$folder/people.csv"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$program" up --data-dir "$folder/data" --listen "127.0.0.1:$port" > "$folder/up.out" 2> "$folder/up.err" &
up=$!
until grep -qs "stop with" "$folder/up.out"; do
    kill -0 "$up" || { cat "$folder/up.err"; exit 1; }
    sleep 0.2
done
password=$(sed -n 's/^log in as .* with password \([^ ]*\) .*/\1/p' "$folder/up.out")
api=http://127.0.0.1:$port/api/v1
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)["data"][sys.argv[1]])' "$1"; }
cpu() { awk -v hertz="$(getconf CLK_TCK)" '{ printf "%.1f", ($14 + $15) / hertz }' "/proc/$up/stat"; }
peak() { awk '/VmHWM/ { print int($2 / 1024) }' "/proc/$up/status"; }
token=$(curl -fsS "$api/auth/login" -H 'content-type: application/json' \
    -d "{\"email\": \"admin@laureate.example\", \"password\": \"$password\"}" | field access_token)

echo "before: $(peak) MiB, $(cpu) s of processor time"
started=$(date +%s.%N)
id=$(curl -fsS "$api/attendees/bulk-upload" -H "authorization: Bearer $token" -F "file=@$folder/people.csv" | field importId)
echo "uploaded after $(python3 -c "import time; print(round(time.time() - $started, 1))") s: $(peak) MiB"
until curl -fsS "http://127.0.0.1:$port/metrics" | grep -q "^laureate_import_rows_total $people"; do
    kill -0 "$up"
    sleep 0.2
done
python3 -c "
import time
seconds = time.time() - $started
print(f'in the log after {seconds:.1f} s, $people people: {$people / seconds:.0f} rows/s; $(peak) MiB, $(cpu) s of processor time')"
state=
until [ "$state" = completed ] || [ "$state" = failed ]; do
    sleep 1
    # A long import outlives an access token.
    answer=$(curl -sS "$api/imports/$id" -H "authorization: Bearer $token")
    if ! state=$(field state 2> "$folder/error" <<< "$answer"); then
        token=$(curl -fsS "$api/auth/login" -H 'content-type: application/json' \
            -d "{\"email\": \"admin@laureate.example\", \"password\": \"$password\"}" | field access_token)
    fi
done
python3 -c "
import json, sys, time
data = json.loads(sys.argv[1])['data']
rows, seconds = data['totalRecords'], time.time() - $started
print(f\"{data['state']}: {data['created']} of {rows} rows created, in the query tables after {seconds:.1f} s\")" "$answer"
echo "peak: $(peak) MiB, $(cpu) s of processor time"
