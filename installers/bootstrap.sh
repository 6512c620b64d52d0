#!/bin/sh
# Sets up what is missing on this machine, and nothing else. Run again it takes a moment and changes nothing.
#
#   bootstrap.sh --for run     what `npm start` needs: node_modules, the viewer, nats-server, the demo's two kinds of PACS
#   bootstrap.sh --for test    that, and the peers of the tests
#
# Debian packages are installed as root or by sudo. A package that would start a service of its own is kept
# from doing so: the project starts its own processes on ports of its own.
set -eu
cd "$(dirname "$0")/.."

purpose=run
[ "${1:-}" = --for ] && purpose=${2:-run}

say() { printf 'bootstrap: %s\n' "$*" >&2; }
fail() { say "$*"; exit 69; }

# --- npm packages

lock_digest() { sha256sum package-lock.json | cut -d' ' -f1; }

node_modules_fresh() {
  [ -x node_modules/node/bin/node ] || return 1
  [ -f node_modules/.cdip-lock ] && [ "$(cat node_modules/.cdip-lock)" = "$(lock_digest)" ] && return 0
  [ node_modules/.package-lock.json -nt package-lock.json ]
}

if ! node_modules_fresh; then
  say 'installing the npm packages of package-lock.json'
  npm ci --no-audit --no-fund --loglevel=error >&2 || fail 'npm ci failed; its own message is above'
  [ -x node_modules/node/bin/node ] ||
    fail 'npm ran no install script, so Node 24 is missing: run "npm rebuild node" (npm may ask to allow it)'
fi
[ -f node_modules/.cdip-lock ] || lock_digest > node_modules/.cdip-lock

if [ ! -f node_modules/.cdip-viewer/index.html ]; then
  say 'preparing the viewer (OHIF, from its npm package)'
  node_modules/node/bin/node installers/prepare-viewer.ts || fail 'the viewer could not be prepared; why is above'
fi

if [ "$purpose" = test ] && ! [ node_modules/.cdip-tap-built -nt .taprc ]; then
  say 'building the test runner'
  PATH="$PWD/node_modules/.bin:$PATH" tap build >/dev/null 2>&1 || fail '"tap build" failed'
  : > node_modules/.cdip-tap-built
fi

# --- Debian packages: "file that shows it is there":"package"

wanted='/usr/sbin/nats-server:nats-server /usr/sbin/Orthanc:orthanc /usr/bin/dcmqrscp:dcmtk'
if [ "$purpose" = test ]; then
  wanted="$wanted /usr/bin/chromium:chromium /usr/share/fonts/truetype/liberation:fonts-liberation"
  wanted="$wanted /usr/lib/python3/dist-packages/pydicom:python3-pydicom /usr/bin/dciodvfy:dicom3tools"
  wanted="$wanted /usr/share/orthanc/plugins/libOrthancDicomWeb.so:orthanc-dicomweb"
  wanted="$wanted /usr/bin/mllp_send:python3-hl7"
  wanted="$wanted /usr/bin/gdcmconv:libgdcm-tools"
fi
missing=
for pair in $wanted; do
  [ -e "${pair%%:*}" ] || missing="$missing ${pair##*:}"
done
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null || fail "these are missing and this is no Debian:$missing"
if [ "$(id -u)" = 0 ]; then
  sudo=
elif command -v sudo >/dev/null; then
  sudo=sudo
else
  fail "these packages are missing; run as root: apt-get install$missing"
fi

say "installing the Debian packages:$missing"
# 101 is "not allowed" for invoke-rc.d: no service starts by being installed.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
  $sudo chmod 755 "$policy"
  trap '$sudo rm -f "$policy"' EXIT
fi
log=$(mktemp)
apt() { $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1; }
# shellcheck disable=SC2086  # a list of names
if ! apt install -y --no-install-recommends $missing; then
  apt update || { tail -n 20 "$log" >&2; fail "apt-get update failed; all of it is in $log"; }
  apt install -y --no-install-recommends $missing || { tail -n 20 "$log" >&2; fail "apt-get install failed; all of it is in $log"; }
fi
rm -f "$log"

# Nor at the next boot, where systemd runs.
if [ -d /run/systemd/system ]; then
  for unit in orthanc nats-server; do
    case "$missing" in *"$unit"*) $sudo systemctl disable --quiet "$unit" 2>/dev/null || true ;; esac
  done
fi
