#!/bin/sh
# Installs Debian's chromium, and the fonts that the pictures in docs/console are
# made with: DejaVu Sans, and Liberation Mono for code.
set -eu

packages="chromium fonts-dejavu-core fonts-liberation"

give_up() {
	echo "make browser: $1. Install these packages, or chromium or Chrome by other means: $packages" >&2
	exit 1
}

for name in chromium chromium-browser google-chrome; do
	command -v "$name" >/dev/null && exit 0
done
command -v apt-get >/dev/null || give_up "there is no apt-get here"
as=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || give_up "apt-get needs root, and there is no sudo"
	as=sudo
fi
echo "Installing $packages with apt-get (about a minute, once)"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if ! { $as apt-get update -qq && $as apt-get install -y -qq --no-install-recommends $packages; } >"$log" 2>&1; then
	tail -n 5 "$log" >&2
	rm -f "$log"
	give_up "apt-get failed"
fi
rm -f "$log"
