#!/usr/bin/env bash
# Sets up what the tests need, builds with warnings as errors, checks the format, runs every test, and ends with "N passed, N failed".
#   --long          also the real-client tests on other versions of qBittorrent
#   --only NAME     one test project: QbSync.NAME
#   --no-format     skip the format check
set -uo pipefail
top=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
cd "$top"

only="" long=false format=true
while [ $# -gt 0 ]; do
  case "$1" in
    --long) long=true ;;
    --no-format) format=false ;;
    --only) only=${2:?--only needs a name}; shift ;;
    *) echo "test.sh: no option $1" >&2; exit 2 ;;
  esac
  shift
done

fail() { echo "test.sh: $1" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo -n "$@"; else return 1; fi
}

command -v dotnet >/dev/null || fail "the .NET 10 SDK is needed; dotnet is not on the path."

missing=()
command -v qbittorrent-nox >/dev/null || missing+=(qbittorrent-nox)
if [ ${#missing[@]} -gt 0 ] && command -v apt-get >/dev/null; then
  echo "Installing ${missing[*]} ..."
  { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
    >/dev/null 2>&1 || echo "Could not install ${missing[*]}; what needs it will be skipped." >&2
fi

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

echo "Building ..."
dotnet build QbSync.sln -c Release --nologo -v quiet -warnaserror || fail "the build failed."

if $format; then
  echo "Checking the format ..."
  dotnet format QbSync.sln --verify-no-changes --no-restore --severity warn || fail "the format differs; run: dotnet format"
fi

results="$top/artifacts/test-results"
rm -rf "$results"
mkdir -p "$results"
projects=(tests/*Tests/*.csproj)
[ -z "$only" ] || projects=("tests/QbSync.$only/QbSync.$only.csproj")
broken=0
# run PROJECT LABEL [more arguments]: one test project, its counts kept under the label
run() {
  local project=$1 label=$2 code
  shift 2
  echo "Testing $label ..."
  dotnet test "$project" -c Release --no-build --nologo -v quiet --logger "trx;LogFileName=$label.trx" --results-directory "$results" "$@"
  code=$?
  if [ $code -ne 0 ] && [ ! -e "$results/$label.trx" ]; then
    echo "test.sh: $label came to no result (exit code $code)." >&2
    broken=$((broken + 1))
  fi
}

for project in "${projects[@]}"; do
  run "$project" "$(basename "$project" .csproj)"
done

if $long && [ -z "$only" ]; then
  # The whole way, and what each call does, on every other version of the client that the machine's package source has.
  for suite in trixie sid; do
    if tests/clients/get-client.sh "$suite"; then
      export QBSYNC_QBITTORRENT="${XDG_CACHE_HOME:-$HOME/.cache}/qbsync/clients/$suite/run"
      for name in QbSync.QBittorrent.Tests QbSync.ClientTests; do
        run "tests/$name/$name.csproj" "$name.$suite" --filter TestCategory=Real
      done
      unset QBSYNC_QBITTORRENT
    else
      echo "test.sh: no client of $suite can be had here." >&2
    fi
  done
fi

count() { cat "$results"/*.trx 2>/dev/null | grep -o "<Counters [^>]*" | grep -o " $1=\"[0-9]*\"" | grep -o '[0-9]*' | awk '{ sum += $1 } END { print sum + 0 }'; }
total=$(count total) passed=$(count passed) failed=$(count failed)
failed=$((failed + broken))
skipped=$((total - passed - (failed - broken)))

# Which failed, by name, at the very end: what a person, or the tail of a log, sees first.
grep -ho '<UnitTestResult [^>]*outcome="Failed"' "$results"/*.trx 2>/dev/null | sed -n 's/.*testName="\([^"]*\)".*/failed: \1/p' | sort -u

if [ "$passed" -eq 0 ] && [ "$failed" -eq 0 ]; then
  echo "test.sh: no test ran." >&2
  code=1
elif [ "$failed" -gt 0 ]; then
  code=1
elif [ "$skipped" -gt 0 ] && [ "${CI:-}" = true ]; then
  echo "test.sh: a skipped test counts as a failure where CI=true." >&2
  code=1
else
  code=0
fi

if [ "$skipped" -gt 0 ]; then echo "$passed passed, $failed failed, $skipped skipped"; else echo "$passed passed, $failed failed"; fi
exit $code
