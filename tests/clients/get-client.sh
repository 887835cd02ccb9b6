#!/bin/bash
# Fetches qbittorrent-nox of another Debian suite, with all its libraries, from the mirror that apt already uses:
#   get-client.sh SUITE [--refresh]      e.g. bullseye (4.2), trixie (5.1)
# Needs no root and changes nothing of the system. Prints the path of a script that starts the client.
# Ends with 77 where it cannot work at all (no apt, no Debian source, the mirror lacks the suite), with 1 when something broke.
set -euo pipefail

suite=${1:?usage: get-client.sh SUITE [--refresh]}
refresh=${2:-}
[[ $suite =~ ^[a-z]+$ ]] || { echo "'$suite' is no suite name." >&2; exit 77; }
cache=${XDG_CACHE_HOME:-$HOME/.cache}/qbsync/clients
home=$cache/$suite
good_days=30

skip() { echo "$1" >&2; exit 77; }
for tool in apt-get dpkg dpkg-deb flock; do
    command -v "$tool" >/dev/null || skip "No $tool here: this needs Debian or a relative."
done

mkdir -p "$cache"
exec 9>"$cache/$suite.lock"
flock 9

usable() { "$home/run" --version 2>/dev/null | grep -q '^qBittorrent v'; }
if [[ -z $refresh && -n $(find "$home/client.json" -mtime "-$good_days" 2>/dev/null) ]] && usable; then
    echo "$home/run"
    exit 0
fi

# The mirror of the machine's own Debian source, whichever way that is written down.
mirror=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)' 2>/dev/null |
    awk -F'|' '$1 == "Debian" && $2 == "Debian" && $3 == "main" { print $4; exit }')
[[ -n $mirror ]] || skip "apt knows no Debian source here (after an apt-get update?)."

rm -rf "$home.new"
mkdir -p "$home.new"/{lists/partial,cache/archives/partial,etc,state,root}
: >"$home.new/state/status"
options=
for ring in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp; do
    if [[ -r $ring ]]; then
        options="[signed-by=$ring]"
        break
    fi
done
echo "deb $options $mirror $suite main" >"$home.new/etc/sources.list"

apt() {
    apt-get -q -o Dir::Etc::sourcelist="$home.new/etc/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o Dir::State="$home.new/state" -o Dir::State::lists="$home.new/lists" -o Dir::State::status="$home.new/state/status" \
        -o Dir::Cache="$home.new/cache" -o APT::Sandbox::User="$(id -un)" -o APT::Install-Recommends=false \
        -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
        -o Acquire::IndexTargets::deb::CNF::DefaultEnabled=false -o Debug::NoLocking=1 "$@"
}

apt -o APT::Update::Error-Mode=any update >"$home.new/log" 2>&1 || { tail -n 5 "$home.new/log" >&2; skip "The mirror has no suite $suite, or cannot be reached."; }
apt install -y --download-only qbittorrent-nox >>"$home.new/log" 2>&1 || { tail -n 5 "$home.new/log" >&2; exit 1; }
for package in "$home.new"/cache/archives/*.deb; do
    dpkg-deb -x "$package" "$home.new/root"
done

{
    echo '{'
    echo "  \"suite\": \"$suite\","
    echo '  "packages": ['
    for package in "$home.new"/cache/archives/*.deb; do
        printf '    { "name": "%s", "version": "%s", "sha256": "%s" },\n' "$(dpkg-deb -f "$package" Package)" \
            "$(dpkg-deb -f "$package" Version)" "$(sha256sum "$package" | cut -d' ' -f1)"
    done | sed '$ s/,$//'
    echo '  ]'
    echo '}'
} >"$home.new/client.json"
rm -rf "$home.new"/{lists,cache,etc,state}

# The closure's own loader and libraries, so that nothing of this system's is mixed in.
cat >"$home.new/run" <<'RUN'
#!/bin/bash
root=$(dirname "$(readlink -f "$0")")/root
loader=$(find "$root" -name 'ld-linux*.so.*' | head -n 1)
libraries=$(find "$root" \( -path '*/lib/*-linux-gnu*' -o -path '*/lib/*-linux-gnu*/libproxy' \) -prune -type d -print | sort -u)
for folder in $libraries; do [[ -d $folder/libproxy ]] && libraries+=$'\n'$folder/libproxy; done
plugins=$(find "$root" -type d -path '*/qt[56]/plugins' | head -n 1)
export LC_ALL=C.UTF-8
[[ -n $plugins ]] && export QT_PLUGIN_PATH=$plugins
exec "$loader" --library-path "$(tr '\n' ':' <<<"$libraries" | sed 's/:*$//')" "$(find "$root" -type f -name qbittorrent-nox -path '*/bin/*' | head -n 1)" "$@"
RUN
chmod +x "$home.new/run"
rm -rf "$home"
mv "$home.new" "$home"
if ! usable; then
    "$home/run" --version >&2 || true
    rm -rf "$home"
    echo "The fetched client does not run." >&2
    exit 1
fi
echo "$home/run"
