#!/usr/bin/env bash
# Builds dist/magento-erp-sidecar_VERSION_ARCH.deb: the program in a virtual environment of its own,
# /usr/lib/erp-sidecar, on the system's Python.  Needs python3-venv, python3-pip, dpkg-dev and fakeroot,
# and no debhelper; nothing is written outside of build/ and dist/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

name=magento-erp-sidecar
python=${PYTHON:-/usr/bin/python3}
revision=${REVISION:-1}
build=$PWD/build/deb
root=$build/root
venv=$root/usr/lib/erp-sidecar

for needed in dpkg-deb dpkg-shlibdeps fakeroot; do
  command -v "$needed" >/dev/null || { echo "$needed is missing: apt-get install dpkg-dev fakeroot" >&2; exit 69; }
done
"$python" -c 'import ensurepip, pip, sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "$python is no Python 3.11 or later with venv and pip: apt-get install python3-venv python3-pip" >&2
  exit 69
}
minor=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
interpreter=/usr/bin/python$minor
architecture=$(dpkg --print-architecture)
umask 022
# Files of the same version are the same, whenever they are built.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH PIP_DISABLE_PIP_VERSION_CHECK=1

# Else pip takes a sidecar that lies there for one that is installed.
unset PYTHONPATH PYTHONHOME

rm -rf "$build"
mkdir -p "$build/source" "$build/wheel" "$root/DEBIAN" dist

echo "building the wheel …" >&2
# From a copy: setuptools leaves files beside the source, and takes in what it left there before.
cp -R pyproject.toml README.md LICENSE sidecar adapters sql "$build/source"
"$python" -m venv "$build/tools"
"$build/tools/bin/python" -m pip wheel --quiet --no-deps --wheel-dir "$build/wheel" "$build/source"
wheel=$(echo "$build"/wheel/*.whl)
version=$(basename "$wheel" | cut -d- -f2)-$revision

echo "filling the virtual environment …" >&2
"$interpreter" -m venv --without-pip "$venv"
"$python" -m pip --python "$venv" install --quiet --no-compile --constraint constraints.txt \
  "$wheel[ntlm,signature]"
# Where it is built is not where it runs: the programs name the former, so one of our own takes their
# place.  -I: a PYTHONPATH of whoever calls it must not put other code into the daemon.
find "$venv/bin" -type f -delete
cat >"$venv/bin/erp-sidecar" <<'PROGRAM'
#!/usr/lib/erp-sidecar/bin/python -I
from sidecar.cli import main

main()
PROGRAM
chmod 755 "$venv/bin/erp-sidecar"
sed -i '/^command = /d' "$venv/pyvenv.cfg"
find "$venv" -name direct_url.json -delete
"$venv/bin/python" -m compileall -q -s "$root" -p / --invalidation-mode unchecked-hash "$venv/lib"

echo "laying out the files …" >&2
put() { install -D -m 644 "$1" "$root/$2"; }
install -d "$root/usr/bin"
ln -s ../lib/erp-sidecar/bin/erp-sidecar "$root/usr/bin/erp-sidecar"
for unit in systemd/*.service; do put "$unit" "usr/lib/systemd/system/$(basename "$unit")"; done
put systemd/erp-sidecar.sysusers usr/lib/sysusers.d/erp-sidecar.conf
put systemd/erp-sidecar.tmpfiles usr/lib/tmpfiles.d/erp-sidecar.conf
put config/sidecar.yaml etc/erp-sidecar/sidecar.yaml
# As it came: who has not changed it has installed nothing in a database.
put config/sidecar.yaml usr/lib/erp-sidecar/sidecar.yaml
for mapping in config/mappings/*.yaml; do
  put "$mapping" "usr/share/$name/mappings/$(basename "$mapping")"
done
for file in sql/*.sql; do put "$file" "usr/share/$name/sql/$(basename "$file")"; done
for document in README.md CHANGELOG.md docs/*.md; do
  put "$document" "usr/share/doc/$name/$document"
done
put LICENSE "usr/share/doc/$name/copyright"
if [ -e systemd/erp-sidecar.logrotate ]; then
  put systemd/erp-sidecar.logrotate etc/logrotate.d/erp-sidecar
fi
for page in docs/man/*.[1-8]; do
  [ -e "$page" ] || continue
  put "$page" "usr/share/man/man${page##*.}/$(basename "$page")"
  gzip -9n "$root/usr/share/man/man${page##*.}/$(basename "$page")"
done

echo "packing …" >&2
# The shared libraries that the extension modules want; dpkg-shlibdeps wants a source package's file.
mkdir -p "$build/debian"
printf 'Source: %s\n\nPackage: %s\nArchitecture: any\n' "$name" "$name" >"$build/debian/control"
mapfile -t modules < <(find "$venv/lib" -name '*.so*' -type f)
libraries=$(cd "$build" && dpkg-shlibdeps -O --ignore-missing-info "${modules[@]}" 2>/dev/null |
  sed -n 's/^shlibs:Depends=//p')
(cd "$root" && find etc -type f -printf '/%p\n' | sort) >"$root/DEBIAN/conffiles"
for script in preinst postinst prerm postrm; do
  install -m 755 "packaging/deb/$script" "$root/DEBIAN/$script"
done
cat >"$root/DEBIAN/control" <<CONTROL
Package: $name
Version: $version
Architecture: $architecture
Maintainer: The magento-erp-sidecar authors <sidecar@localhost>
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Depends: python$minor, systemd | adduser${libraries:+, $libraries}
Recommends: ca-certificates
Section: net
Priority: optional
Description: carries a Magento 2 shop's orders to an ERP and its answers back
 A daemon beside a running Magento 2 shop: it learns of orders by triggers that
 point at them and by a sweep that needs none, delivers them to an ERP over REST
 or SOAP, and writes the answer into the Magento order.  Checkout never waits for
 it; nothing is lost and nothing is booked twice.
CONTROL
find "$root" -newermt "@$SOURCE_DATE_EPOCH" -print0 |
  xargs -0r touch --no-dereference --date="@$SOURCE_DATE_EPOCH"
fakeroot dpkg-deb --build --root-owner-group -Zxz "$root" "dist/${name}_${version}_$architecture.deb" >/dev/null
echo "dist/${name}_${version}_$architecture.deb"
