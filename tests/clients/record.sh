#!/bin/bash
# Plays requests.txt on a real qBittorrent and stores what it answered below tests/QbSync.QBittorrent.Tests/Transcripts/VERSION:
#   record.sh VERSION      e.g. 4.5.2: the client on the path, or one that get-client.sh fetched, whichever has that version
# The client is started by the recording itself with a profile and ports of its own, on loopback, and ended by its process id.
# Ends with 77 where no client of that version is at hand.
set -euo pipefail

version=${1:?usage: record.sh VERSION}
tests=$(dirname -- "$(dirname -- "$(readlink -f -- "$0")")")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/qbsync/clients

client=
for candidate in "$(command -v qbittorrent-nox || true)" "$cache"/*/run; do
    if [[ -x $candidate && $(timeout 30 "$candidate" --version 2>/dev/null) == "qBittorrent v$version" ]]; then
        client=$candidate
        break
    fi
done
[[ -n $client ]] || { echo "No qBittorrent $version here; get-client.sh fetches other versions." >&2; exit 77; }

project=$tests/QbSync.QBittorrent.Tests/QbSync.QBittorrent.Tests.csproj
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
QBSYNC_QBITTORRENT=$client QBSYNC_RECORD=$folder dotnet test "$project" -c Release --nologo -v quiet --filter "FullyQualifiedName~Transcripts.RecordingTests"
[[ -d $folder/$version ]] || { echo "Nothing was recorded." >&2; exit 1; }
rm -rf "$tests/QbSync.QBittorrent.Tests/Transcripts/$version"
mv "$folder/$version" "$tests/QbSync.QBittorrent.Tests/Transcripts/$version"
echo "$(find "$tests/QbSync.QBittorrent.Tests/Transcripts/$version" -name '*.http' | wc -l) answers of qBittorrent $version were recorded."
