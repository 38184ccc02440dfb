#!/bin/sh
# Fetches one package of the distribution and unpacks it into .cache/deb, installing nothing.
#
#   scripts/deb.sh PACKAGE
#
# Works as an ordinary user: "apt-get download" writes here, "dpkg-deb -x" only unpacks, and no service
# is started. Where the machine's package lists are missing or older than the archive, lists of our own
# are fetched into .cache/apt; the machine's are left alone.
set -eu
package=$1
cd "$(dirname "$0")/.."
root=$PWD

give_up() {
    echo "make: cannot fetch the package $package: $1" >&2
    echo "make: install it (as root: apt-get update && apt-get install $package) and run make again." >&2
    exit 1
}

command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
    give_up "this machine has no apt-get"

mkdir -p .cache/deb .cache/apt/lists/partial .cache/apt/archives/partial
log=$root/.cache/apt/log
work=$(mktemp -d "$root/.cache/apt/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT

# download [OPTION...]: fetches the package into $work. The empty "Sandbox::User" is for root, whose apt
# would want to write as another user.
download() {
    (cd "$work" && apt-get -q -o APT::Sandbox::User= "$@" download "$package") >>"$log" 2>&1
}

echo "make: fetching the package $package into .cache (nothing is installed)"
: >"$log"
if ! download; then
    set -- -o "Dir::State::Lists=$root/.cache/apt/lists" -o "Dir::Cache=$root/.cache/apt" \
        -o Acquire::Languages=none
    if ! download "$@"; then
        echo "make: this machine's package lists do not serve; fetching lists into .cache/apt"
        if ! { apt-get -q -o APT::Sandbox::User= "$@" update >>"$log" 2>&1 && download "$@"; }; then
            tail -n 5 "$log" >&2
            give_up "apt's words are above, all of them in .cache/apt/log"
        fi
    fi
fi
dpkg-deb -x "$work"/*.deb .cache/deb
