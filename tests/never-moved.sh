#!/usr/bin/env bash
# Says which series of the contract (METRICS.md up to its additional metrics) no test of a run ever moved, and fails if there are any. test.sh ends with it; of some
# projects alone: QBSYNC_MOVED=/tmp/moved dotnet test ..., and then tests/never-moved.sh /tmp/moved
set -euo pipefail
top=$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")
folder=${1:?the folder that QBSYNC_MOVED named}
sed '/^## Additional metrics/,$d' "$top/METRICS.md" | grep -o '^| `qbsync_[a-z_]*`' | tr -d '|` ' | sort -u >"$folder/contract"
never=$(awk -v contract="$folder/contract" '
  BEGIN { while ((getline family < contract) > 0) promised[family] = 1 }
  { family = $2; sub(/\{.*/, "", family); if (!(family in promised)) sub(/_count$/, "", family) }
  family in promised { seen[family] = 1; series[$2] = 1; if ($1 == 1) moved[$2] = 1 }
  END {
    for (one in series) if (!(one in moved)) print one
    for (family in promised) if (!(family in seen)) print family " (no test saw it)"
  }' "$folder"/*.txt | sort)
[ -z "$never" ] || { echo "$never"; exit 1; }
echo "Every series of the contract was moved by a test."
