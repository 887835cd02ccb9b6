#!/bin/bash
# Fetches qbittorrent-nox of another Debian suite, with all its libraries, from the mirror that apt already uses:
#   get-client.sh SUITE [--refresh]      e.g. bullseye (4.2), trixie (5.1)
# Needs no root and changes nothing of the system. Prints the path of a script that starts the client. What was fetched is good for 30 days.
# Ends with 77 where it cannot work at all (no apt, no Debian source, a mirror that cannot be reached), with 1 when something broke or the
# mirror has no such suite.
set -euo pipefail
export LC_ALL=C.UTF-8

suite=${1:?usage: get-client.sh SUITE [--refresh]}
refresh=${2:-}
fail() { echo "$1" >&2; exit 1; }
skip() { echo "$1" >&2; exit 77; }
[[ $suite =~ ^[a-z]+$ ]] || fail "'$suite' is no suite's name."
[[ -z $refresh || $refresh == --refresh ]] || fail "No option $refresh."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/qbsync/clients
home=$cache/$suite
good_days=30

for tool in apt-get dpkg-deb flock; do
    command -v "$tool" >/dev/null || skip "No $tool here: this needs Debian or a relative."
done

mkdir -p "$cache"
exec 9>"$cache/$suite.lock"
flock 9

usable() { timeout 60 "$1/run" --version 2>/dev/null | grep -q '^qBittorrent v'; }
if [[ -z $refresh && -n $(find "$home/client.json" -mtime "-$good_days" 2>/dev/null) ]] && usable "$home"; then
    echo "$home/run"
    exit 0
fi

# The mirror of the machine's own Debian source, whichever way that is written down.
mirror=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)' 2>/dev/null |
    awk -F'|' '$1 == "Debian" && $2 == "Debian" && $3 == "main" && !found { print $4; found = 1 }') || true
[[ -n $mirror ]] || skip "apt knows no Debian source here (after an apt-get update?)."

new=$home.new
trap 'rm -rf "$new"' EXIT
rm -rf "$new"
mkdir -p "$new"/{lists/partial,cache/archives/partial,etc,state,root}
: >"$new/state/status"
options=
for ring in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp; do
    if [[ -r $ring ]]; then
        options="[signed-by=$ring]"
        break
    fi
done
echo "deb $options $mirror $suite main" >"$new/etc/sources.list"

apt() {
    apt-get -q -o Dir::Etc::sourcelist="$new/etc/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o Dir::State="$new/state" -o Dir::State::lists="$new/lists" -o Dir::State::status="$new/state/status" \
        -o Dir::Cache="$new/cache" -o APT::Sandbox::User="$(id -un)" -o APT::Install-Recommends=false \
        -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
        -o Acquire::IndexTargets::deb::CNF::DefaultEnabled=false -o Debug::NoLocking=1 "$@" 9>&-
}

if ! apt -o APT::Update::Error-Mode=any update >"$new/log" 2>&1; then
    tail -n 5 "$new/log" >&2
    # Only apt's words tell a mirror that is away from one that has no such suite.
    grep -Eq 'Could not (resolve|connect)|Temporary failure|Connection (failed|refused|timed out)|Unable to connect' "$new/log" &&
        skip "The mirror cannot be reached."
    fail "The mirror has no usable suite $suite."
fi
if ! apt install -y --download-only qbittorrent-nox >>"$new/log" 2>&1; then
    tail -n 5 "$new/log" >&2
    fail "qbittorrent-nox of $suite could not be downloaded."
fi
for package in "$new"/cache/archives/*.deb; do
    dpkg-deb -x "$package" "$new/root"
done

# The closure's own loader and libraries, so that nothing of this system's is mixed in; found once, since a start should be quick.
relative() { sed "s|^$new/root|\$root|" | tr '\n' ':' | sed 's/:*$//'; }
loader=$(find "$new/root" -name 'ld-linux*.so.*' | sort | head -n 1 | relative)
program=$(find "$new/root" -path '*/bin/qbittorrent-nox' -type f | head -n 1 | relative)
libraries=$(find "$new/root" -type d \( -path '*/lib/*-linux-gnu' -o -path '*/lib/*-linux-gnu/libproxy' -o -path '*/lib64' \) | sort | relative)
plugins=$(find "$new/root" -type d -path '*/qt[56]/plugins' | head -n 1 | relative)
[[ -n $loader && -n $program ]] || fail "The packages of $suite hold no program that could be started."
cat >"$new/run" <<RUN
#!/bin/bash
root=\$(dirname "\$(readlink -f "\$0")")/root
export LC_ALL=C.UTF-8
plugins=$plugins
[[ -n \$plugins ]] && export QT_PLUGIN_PATH=\$plugins
exec "$loader" --library-path "$libraries" "$program" "\$@"
RUN
chmod +x "$new/run"
if ! usable "$new"; then
    "$new/run" --version >&2 || true
    fail "The fetched client does not run."
fi

{
    echo '{'
    echo "  \"suite\": \"$suite\","
    echo "  \"version\": \"$("$new/run" --version | sed 's/^qBittorrent v//')\","
    echo '  "packages": ['
    for package in "$new"/cache/archives/*.deb; do
        printf '    { "name": "%s", "version": "%s", "sha256": "%s" },\n' "$(dpkg-deb -f "$package" Package)" \
            "$(dpkg-deb -f "$package" Version)" "$(sha256sum "$package" | cut -d' ' -f1)"
    done | sed '$ s/,$//'
    echo '  ]'
    echo '}'
} >"$new/client.json"
rm -rf "$new"/{lists,cache,etc,state}
rm -rf "$home"
mv "$new" "$home"
trap - EXIT
echo "$home/run"
