#!/usr/bin/env bash
# tests/erps/get-odoo.sh FOLDER: unpack Odoo 19 into FOLDER, which this script makes, with the Python
# packages that it needs in a venv there.
#
# Debian's suite sid has the package odoo-19.  Nothing is installed: it is downloaded through an apt of
# its own (own lists, own cache, no packages known), from wherever this machine's apt gets Debian, and
# unpacked; the Python packages come from PyPI.  Two minutes, 1.5 GB.  PostgreSQL must be there (Debian:
# postgresql).  Exits 69 when something cannot be had here, with the reason.
set -euo pipefail

folder=$(realpath -m "$1")
is_whole() { [ -x "$1/venv/bin/python" ] && [ -f "$1/root/usr/bin/odoo" ]; }
if is_whole "$folder"; then exit 0; fi

gone() {
  echo "no Odoo: $1" >&2
  exit 69
}

command -v apt-get >/dev/null && command -v dpkg >/dev/null || gone 'this is not Debian or Ubuntu'
mirror=$(
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
    grep -vE '^[[:space:]]*#' | grep -oE 'https?://[^][:space:]]+/debian/?([[:space:]]|$)' | head -n 1 | tr -d '[:space:]'
) || true
[ -n "$mirror" ] || gone "apt's sources name no Debian mirror"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f "$keys" ] || gone "$keys is missing (package debian-archive-keyring)"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{etc,lists/partial,cache/archives/partial,deb}
: >"$work/status"
echo "deb [signed-by=$keys] $mirror sid main" >"$work/etc/sources.list"
apt=(
  apt-get --quiet --quiet
  -o "Dir::Etc::SourceList=$work/etc/sources.list" -o Dir::Etc::SourceParts=/dev/null
  -o "Dir::State::Lists=$work/lists" -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache"
  # As root apt downloads as another user, who may not write here.
  -o APT::Sandbox::User=root
  # A mirror that stands still serves lists whose date is over; they are signed all the same.
  -o Acquire::Check-Valid-Until=false
)
"${apt[@]}" update >"$work/log" 2>&1 || gone "apt-get update for suite sid failed: $(tail -n 1 "$work/log")"
(cd "$work/deb" && "${apt[@]}" download odoo-19) >"$work/log" 2>&1 ||
  gone "suite sid does not give odoo-19: $(tail -n 1 "$work/log")"

new="$folder.new"
rm -rf "$new"
mkdir -p "$new/root"
dpkg -x "$work"/deb/odoo-19_*.deb "$new/root"
"${PYTHON:-python3}" -m venv "$new/venv"
"$new/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
  asn1crypto babel cbor2 chardet cryptography docutils freezegun geoip2 gevent greenlet idna jinja2 libsass \
  lxml lxml-html-clean markupsafe num2words ofxparse openpyxl passlib pillow polib psutil psycopg2-binary \
  pyopenssl pypdf pyserial python-dateutil python-magic python-stdnum pytz pyusb qrcode reportlab requests \
  rjsmin 'setuptools<81' urllib3 vobject werkzeug xlrd xlsxwriter xlwt zeep >"$work/log" 2>&1 ||
  gone "PyPI does not give what Odoo needs: $(tail -n 1 "$work/log")"
is_whole "$new" || gone 'the package holds no usr/bin/odoo any more'
# A venv knows its own place: it is told the one that it gets.
grep -rlF "$new" "$new/venv/bin" "$new/venv/pyvenv.cfg" | xargs --no-run-if-empty sed -i "s#$new#$folder#g"
# Only a whole one gets the name: an interrupted download is begun anew.
rm -rf "$folder"
mv "$new" "$folder"
