#!/usr/bin/env bash
# tests/erps/get-tryton.sh FOLDER: Tryton 8.2 from PyPI into a venv in FOLDER, which this script makes.
# A minute, 110 MB; its database is a file.  Exits 69 when it cannot be had here, with the reason.
set -euo pipefail

folder=$(realpath -m "$1")
if [ -x "$folder/venv/bin/trytond" ]; then exit 0; fi

gone() {
  echo "no Tryton: $1" >&2
  exit 69
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
rm -rf "$folder/venv"
mkdir -p "$folder"
"${PYTHON:-python3}" -m venv "$folder/venv"
# The server comes last: where it is, the rest is too.
for packages in 'proteus~=8.2.0 trytond_sale~=8.2.0 trytond_account_invoice_stock~=8.2.0' 'trytond~=8.2.0'; do
  # shellcheck disable=SC2086
  "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check $packages >"$log" 2>&1 ||
    gone "PyPI does not give it: $(tail -n 1 "$log")"
done
