#!/usr/bin/env bash
# tests/get-mysql.sh FOLDER: unpack MySQL's server and client, with the libraries they were built for,
# into FOLDER, which this script makes, and makes anew when the programs are not in it.
#
# Debian's stable releases have MariaDB only; its suite sid has mysql-server-core.  Nothing is
# installed: packages are downloaded through an apt of its own (own lists, own cache, no packages
# known), from wherever this machine's apt gets Debian, and unpacked.  About 20 seconds, 65 MB.
# Exits 69 when the server cannot be had here, with the reason: the suite moves, a mirror may be cut off.
set -euo pipefail

folder=$(realpath -m "$1")
has_programs() { [ -x "$1/usr/sbin/mysqld" ] && [ -x "$1/usr/bin/mysql" ]; }
if has_programs "$folder"; then exit 0; fi

gone() {
  echo "no MySQL server: $1" >&2
  exit 69
}

command -v apt-get >/dev/null && command -v dpkg >/dev/null || gone 'this is not Debian or Ubuntu'
mirror=$(
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
    grep -vE '^[[:space:]]*#' | grep -oE 'https?://[^][:space:]]+/debian/?([[:space:]]|$)' | head -n 1 | tr -d '[:space:]'
) || true
[ -n "$mirror" ] || gone "apt's sources name no Debian mirror"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{etc,lists/partial,cache/archives/partial}
: >"$work/status"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f "$keys" ] || gone "$keys is missing (package debian-archive-keyring)"
echo "deb [signed-by=$keys] $mirror sid main" >"$work/etc/sources.list"
apt=(
  apt-get --quiet --quiet
  -o "Dir::Etc::SourceList=$work/etc/sources.list" -o Dir::Etc::SourceParts=/dev/null
  -o "Dir::State::Lists=$work/lists" -o "Dir::State::status=$work/status"
  -o "Dir::Cache=$work/cache" -o APT::Install-Recommends=false
  # As root apt downloads as another user, who may not write here.
  -o APT::Sandbox::User=root
)
"${apt[@]}" update >"$work/log" 2>&1 || gone "apt-get update for suite sid failed: $(tail -n 1 "$work/log")"
"${apt[@]}" install --yes --download-only mysql-server-core mysql-client-core >"$work/log" 2>&1 ||
  gone "suite sid does not give mysql-server-core and mysql-client-core: $(tail -n 1 "$work/log")"

new="$folder.new"
rm -rf "$new"
mkdir -p "$new"
for package in "$work"/cache/archives/*.deb; do
  dpkg -x "$package" "$new"
done
has_programs "$new" || gone 'the packages hold no usr/sbin/mysqld or usr/bin/mysql any more'
# Only a whole one gets the name: an interrupted download is begun anew.
rm -rf "$folder"
mv "$new" "$folder"
