#!/usr/bin/env bash
# Sets up what the tests need, builds with warnings as errors, checks the format, runs every test, and ends with "N passed, N failed". Of a whole run, a series
# of METRICS.md that no test moved is a failure, too.
#   --long          also tests of category Long, and the real-client tests on every version of qBittorrent that the package source has
#   --only NAME     one test project: QbSync.NAME
#   --no-format     skip the format check
#   --kills N       how often the destination is killed in one sync (12; with --long 100)
#   --cuts N        how often its file system loses power in one sync (6; with --long 40)
#   --traces N      recorded syncs of which every crash state is gone through (6; with --long 18)
set -uo pipefail
top=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
cd "$top"

only="" long=false format=true
while [ $# -gt 0 ]; do
  case "$1" in
    --long) long=true ;;
    --no-format) format=false ;;
    --kills) export QBSYNC_KILLS=${2:?--kills needs a number}; shift ;;
    --cuts) export QBSYNC_CUTS=${2:?--cuts needs a number}; shift ;;
    --traces) export QBSYNC_TRACES=${2:?--traces needs a number}; shift ;;
    --only) only=${2:?--only needs a name}; shift ;;
    *) echo "test.sh: no option $1" >&2; exit 2 ;;
  esac
  shift
done

if $long; then
  export QBSYNC_KILLS=${QBSYNC_KILLS:-100} QBSYNC_CUTS=${QBSYNC_CUTS:-40} QBSYNC_TRACES=${QBSYNC_TRACES:-18}
fi

fail() { echo "test.sh: $1" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo -n "$@"; else return 1; fi
}

command -v dotnet >/dev/null || fail "the .NET 10 SDK is needed; dotnet is not on the path."

missing=()
command -v qbittorrent-nox >/dev/null || missing+=(qbittorrent-nox)
command -v promtool >/dev/null || missing+=(prometheus)
command -v chromium >/dev/null || command -v google-chrome >/dev/null || missing+=(chromium)
# can_mount: whether a file can be mounted as a file system here, which needs root, loop devices and mkfs.ext4.
can_mount() {
  local folder code=1
  [ "$(id -u)" = 0 ] && PATH=$PATH:/usr/sbin:/sbin command -v mkfs.ext4 >/dev/null || return 1
  folder=$(mktemp -d) || return 1
  mkdir "$folder/mount"
  truncate -s 8M "$folder/image"
  if PATH=$PATH:/usr/sbin:/sbin mkfs.ext4 -q -F "$folder/image" 2>/dev/null && mount -o loop "$folder/image" "$folder/mount" 2>/dev/null; then
    umount "$folder/mount" && code=0
  fi
  rm -rf "$folder"
  return $code
}

# can_make_networks: whether a network of one's own can be made here, with a device whose packets a process carries.
can_make_networks() {
  [ "$(id -u)" = 0 ] && [ -c /dev/net/tun ] && unshare --net true 2>/dev/null && { true <>/dev/net/tun; } 2>/dev/null
}

# Tests of category Mounts run where file systems can be mounted; of the kinds, those that can be made.
left_out=()
if can_mount; then
  export PATH=$PATH:/usr/sbin:/sbin
  command -v mkfs.xfs >/dev/null || missing+=(xfsprogs)
  command -v mkfs.btrfs >/dev/null || missing+=(btrfs-progs)
else
  echo "No loop mounts here (they need root, loop devices and mkfs.ext4): tests of category Mounts are not selected."
  left_out+=("TestCategory!=Mounts")
fi

# Tests of category Wan run where networks can be made.
if ! can_make_networks; then
  echo "No networks of one's own here (they need root, namespaces and /dev/net/tun): tests of category Wan are not selected."
  left_out+=("TestCategory!=Wan")
fi

$long || left_out+=("TestCategory!=Long")

filter=()
[ ${#left_out[@]} -eq 0 ] || filter=(--filter "$(IFS='&'; echo "${left_out[*]}")")

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

# Where tests keep which metrics they moved: of all projects together it is known which none did.
[ -n "$only" ] || export QBSYNC_MOVED="$results/moved"
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

# The other versions of the client that the machine's package source has: before the tests, since some are of one version with another.
suites=() not_had=()
if $long; then
  for suite in bullseye trixie sid; do
    reason=$(tests/clients/get-client.sh "$suite" 2>&1 >/dev/null)
    code=$?
    if [ $code -eq 0 ]; then
      suites+=("$suite")
      continue
    fi
    not_had+=("$suite ($(tail -n 1 <<<"$reason"))")
    # 77: it cannot work on this machine. Else only the stable suite has to be there: the oldest may have left the mirror, the newest is as it is.
    if [ $code -ne 77 ] && [ "$suite" = trixie ]; then
      broken=$((broken + 1))
    fi
  done
fi

# lane NAME..: those of the chosen projects, one after the other.
lane() {
  local name project
  for name in "$@"; do
    project="tests/QbSync.$name/QbSync.$name.csproj"
    [[ " ${projects[*]} " != *" $project "* ]] || run "$project" "QbSync.$name" "${filter[@]}"
  done
}

# Tests of real clients and processes wait most of their time, so others run beside them; what measures ways and windows runs alone.
beside=(ClientTests ProcessTests)
others=(Abstractions.Tests ArchitectureTests Engine.Tests Host.Tests QBittorrent.Tests Storage.Tests)
alone=()
for project in "${projects[@]}"; do
  name=$(basename "$project" .csproj)
  name=${name#QbSync.}
  [[ " ${beside[*]} ${others[*]} " == *" $name "* ]] || alone+=("$name")
done

log=$(mktemp)
( broken=0; lane "${beside[@]}"; exit $broken ) >"$log" 2>&1 &
lane "${others[@]}"
wait $!
broken=$((broken + $?))
cat "$log"
rm -f "$log"
lane "${alone[@]}"

# The whole way, and what each call does, on each of those versions.
warned=()
for suite in "${suites[@]}"; do
  [ -z "$only" ] || break
  export QBSYNC_QBITTORRENT="${XDG_CACHE_HOME:-$HOME/.cache}/qbsync/clients/$suite/run"
  version=$("$QBSYNC_QBITTORRENT" --version | sed 's/^qBittorrent v//')
  counted=$results
  if [ "$suite" = sid ] && [ ! -d "tests/QbSync.QBittorrent.Tests/Transcripts/$version" ]; then
    # A version that nobody has measured: what fails is told and counts for nothing.
    results="$counted/unmeasured"
  fi
  for name in QbSync.QBittorrent.Tests QbSync.ClientTests; do
    run "tests/$name/$name.csproj" "$name.$suite" --filter TestCategory=Real
    if [ "$results" != "$counted" ] && grep -q 'outcome="Failed"' "$results/$name.$suite.trx" 2>/dev/null; then
      warned+=("$name on qBittorrent $version of $suite, which is newer than what was measured")
    fi
  done
  results=$counted
  unset QBSYNC_QBITTORRENT
done

unmoved=""
if [ -z "$only" ] && ! unmoved=$(tests/never-moved.sh "$QBSYNC_MOVED"); then
  broken=$((broken + 1))
  unmoved=${unmoved:-"it is not known which: tests kept nothing"}
else
  unmoved=""
fi

count() { cat "$results"/*.trx 2>/dev/null | grep -o "<Counters [^>]*" | grep -o " $1=\"[0-9]*\"" | grep -o '[0-9]*' | awk '{ sum += $1 } END { print sum + 0 }'; }
total=$(count total) passed=$(count passed) failed=$(count failed)
failed=$((failed + broken))
skipped=$((total - passed - (failed - broken)))

# Which failed, and what each said, at the very end: what a person, or the tail of a log, sees first.
tell_failures() {
  awk '
    /<UnitTestResult / { failed = /outcome="Failed"/; name = $0; sub(/.*testName="/, "", name); sub(/".*/, "", name) }
    /<\/UnitTestResult>/ { failed = 0 }
    failed && /<ErrorInfo>/ { print "failed: " name; left = 25 }
    /<\/ErrorInfo>/ { left = 0 }
    failed && left-- > 0 { gsub(/<[^>]*>/, ""); if (/[^ ]/) print "  " $0 }
  ' "$@" | sed "s/&lt;/</g; s/&gt;/>/g; s/&quot;/\"/g; s/&apos;/'/g; s/&#x[AD];/ /g; s/&amp;/\&/g"
}
tell_failures "$results"/*.trx 2>/dev/null

[ -z "$unmoved" ] || { echo "failed: no test moved these series of METRICS.md:"; sed 's/^/  /' <<<"$unmoved"; }
[ ${#not_had[@]} -eq 0 ] || printf 'not had: qBittorrent of %s\n' "${not_had[@]}"
[ ${#warned[@]} -eq 0 ] || printf 'warning: failures of %s\n' "${warned[@]}"

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
