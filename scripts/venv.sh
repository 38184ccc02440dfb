#!/bin/sh
# Makes .venv and installs pinned packages into it, then hbalert itself from this checkout.
#
#   scripts/venv.sh REQUIREMENTS...
#
# Needs Python 3.11 or newer and nothing else: where Debian's python3 comes without pip and ensurepip,
# pip is run from the distribution's own wheel. PYTHON names the interpreter.
set -eu
cd "$(dirname "$0")/.."

fits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3 python3.12 python3.13 python3.14; do
        if fits "$candidate"; then
            echo "$candidate"
            return
        fi
        if [ "$candidate" = "${PYTHON:-}" ]; then
            echo "make: PYTHON=$PYTHON is not a Python 3.11 or newer." >&2
            exit 1
        fi
    done
    echo "make: hbalert needs Python 3.11 or newer; none was found on PATH." >&2
    echo "make: install it (as root: apt-get install python3) or name it: make PYTHON=/path/to/python3" >&2
    exit 1
}

# A .venv knows the folder it was made in; after a move or a change of Python it is made anew.
if ! fits .venv/bin/python || [ "$(cat .venv/.made-in 2>/dev/null || echo "$PWD")" != "$PWD" ]; then
    python=$(find_python)
    echo "make: making .venv with $("$python" --version)"
    rm -rf .venv
    if ! "$python" -m venv .venv >/dev/null 2>&1; then
        rm -rf .venv
        "$python" -m venv --without-pip .venv || {
            echo "make: $python has no module venv (as root: apt-get install python3-venv)." >&2
            exit 1
        }
    fi
fi
echo "$PWD" >.venv/.made-in

pip_wheel() {
    find "$1/usr/share/python-wheels" -name 'pip-*.whl' 2>/dev/null | head -n 1
}

if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    wheel=$(pip_wheel "")
    if [ -z "$wheel" ]; then
        sh scripts/deb.sh python3-pip-whl
        wheel=$(pip_wheel .cache/deb)
    fi
    if [ -z "$wheel" ]; then
        echo "make: this Python has no pip (as root: apt-get install python3-venv)." >&2
        exit 1
    fi
    echo "make: this Python has no pip; running the distribution's from its wheel"
    PYTHONPATH=$(cd "$(dirname "$wheel")" && pwd)/$(basename "$wheel")
    export PYTHONPATH
fi

pip() {
    .venv/bin/python -m pip --disable-pip-version-check --no-input --quiet "$@"
}

for file in "$@"; do
    echo "make: installing what $file pins, by hash"
    pip install --require-hashes --requirement "$file" || {
        echo "make: pip could not install what $file pins; its words are above." >&2
        echo "make: behind a proxy or a mirror, set what pip needs (HTTPS_PROXY, PIP_INDEX_URL) and run make again." >&2
        exit 1
    }
done
pip install --no-deps --no-index --no-build-isolation --editable .
