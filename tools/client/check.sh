#!/bin/sh
# Generates a TypeScript client from openapi/openapi.json, compiles it strictly, and does the main job with it against
# a server of its own. usage: tools/client/check.sh   (run by `make fuzz`; needs node 20 or later, with npm)
set -eu
cd "$(dirname "$0")/../.."

command -v npm >/dev/null 2>&1 || {
    echo "client: npm is missing; install Node.js 20 or later (Debian: apt-get install nodejs npm)" >&2
    exit 1
}
laureate=${LAUREATE:-target/debug/laureate}
work=.venv/client
mkdir -p "$work"
cp tools/client/package.json tools/client/package-lock.json tools/client/tsconfig.json tools/client/main.ts "$work/"
(
    cd "$work"
    npm ci --silent --ignore-scripts --no-audit --no-fund
    npx --no-install openapi-typescript ../../openapi/openapi.json --output api.d.ts
    npx --no-install tsc
)
echo "client: the generated client compiles"

data=$(mktemp -d)
# PostgreSQL runs as another user where this runs as root.
chmod 711 "$data"
"$laureate" up --listen 127.0.0.1:0 --data-dir "$data" >"$data/out" 2>"$data/err" &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -rf "$data"' EXIT
tries=0
until grep -q '^stop with' "$data/out"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 600 ] || ! kill -0 "$server" 2>/dev/null; then
        echo "client: the server did not start" >&2
        cat "$data/err" >&2
        exit 1
    fi
    sleep 0.2
done
base=$(sed -n 's/^Laureate is at \([^ ]*\).*/\1/p' "$data/out")
login=$(sed -n 's/^log in as \([^ ]*\) with password \([^ ]*\).*/\1 \2/p' "$data/out")
# The address and the password have no spaces.
node "$work/built/main.js" "$base" $login
