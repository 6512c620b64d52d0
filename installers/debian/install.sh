#!/bin/sh
# Installs from this folder alone: sh install.sh edge | hub
set -eu
cd "$(dirname "$0")"
sha256sum --quiet -c SHA256SUMS
case "${1:-}" in
  edge) dpkg -i ./cdip-edge_*.deb ;;
  hub) dpkg -i ./debian/nats-server_*.deb ./cdip-hub_*.deb ;;
  *) echo "say: sh install.sh edge, or: sh install.sh hub" >&2; exit 64 ;;
esac
