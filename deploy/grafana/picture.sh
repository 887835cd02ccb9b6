#!/usr/bin/env bash
# Draws docs/pictures/dashboard*.svg anew: source, destination, simulated clients and a real Prometheus run for some minutes, and the dashboard's own queries
# are drawn as Grafana would. Needs the .NET 10 SDK and prometheus on the path.
#   picture.sh [SECONDS] [FOLDER]
set -euo pipefail
top=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../..
QBSYNC_PICTURE_SECONDS=${1:-240}
QBSYNC_PICTURE=$(readlink -m -- "${2:-$top/docs/pictures}")
export QBSYNC_PICTURE_SECONDS QBSYNC_PICTURE
dotnet test "$top/tests/QbSync.IntegrationTests" -c Release --nologo -v quiet --filter FullyQualifiedName~DashboardPicture
ls -l "$QBSYNC_PICTURE"
