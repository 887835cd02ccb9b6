#!/usr/bin/env bash
# Brings PublicAPI.Unshipped.txt of each library up to what the library has public now; the change is then there to be reviewed. Nothing else is touched.
#   src/public-api.sh [NAME..]   such as Engine; without names, all five
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")"
[ $# -gt 0 ] || set -- Abstractions Transport Storage QBittorrent Engine

for name in "$@"; do
  project="QbSync.$name/QbSync.$name.csproj" api="QbSync.$name/PublicAPI.Unshipped.txt"
  # The compiler's complaints are what is wanted, so it has to run, and they must not end the build.
  log=$(dotnet build "$project" -c Release --nologo -v quiet -p:TreatWarningsAsErrors=false -t:Rebuild -p:BuildProjectReferences=true 2>&1) || {
    grep -E "error" <<<"$log" | sort -u >&2
    exit 1
  }
  added=$(sed -nE "s/.*QbSync\.$name\/[^ ]*: warning RS0016: Symbol '(.*)' is not part of the declared public API.*/\1/p" <<<"$log" | sort -u)
  gone=$(sed -nE "s/.*QbSync\.$name\/[^ ]*: warning RS0017: Symbol '(.*)' is part of the declared API.*/\1/p" <<<"$log" | sort -u)
  {
    echo "#nullable enable"
    { grep -v '^#' "$api" || true; echo "$added"; } | grep -vxF -- "${gone:-#}" | grep -v '^$' | LC_ALL=C sort -u
  } >"$api.new"
  mv "$api.new" "$api"
  echo "$name: $(grep -c . <<<"$added" || true) added, $(grep -c . <<<"$gone" || true) gone"
done
