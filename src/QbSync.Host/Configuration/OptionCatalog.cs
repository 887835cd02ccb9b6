namespace QbSync.Host.Configuration;

/// <summary>Every option of both roles.</summary>
internal static class OptionCatalog
{
    public static IReadOnlyList<OptionDefinition> All { get; } =
    [
        new("data", Roles.Both, OptionKind.Path, "", "Folder with the torrents' files on this machine.") { IsRequired = true },
        new("state-dir", Roles.Both, OptionKind.Path, "", "Folder for QbSync's own state. Default: destination <data>/.qbsync, source $XDG_STATE_HOME/qbsync/source.") { MayBeEmpty = true },
        new("client", Roles.Both, OptionKind.Choice, "", "Torrent client: qbittorrent, or folder (no client: .torrent files in a folder).") { Choices = ["qbittorrent", "folder"], MayBeEmpty = true },
        new("client-dir", Roles.Both, OptionKind.Path, "", "For client=folder: where the .torrent files are. Default <data>/torrents.") { MayBeEmpty = true },
        new("qb-url", Roles.Both, OptionKind.Url, "", "Address of qBittorrent's WebUI, like http://127.0.0.1:8080.") { MayBeEmpty = true },
        new("qb-username", Roles.Both, OptionKind.Text, "", "User name of the WebUI; leave out where it asks for none.") { MayBeEmpty = true },
        new("qb-password", Roles.Both, OptionKind.Text, "", "Password of the WebUI; better from a file by qb-password-file.") { IsSecret = true, MayBeEmpty = true },
        new("qb-timeout", Roles.Both, OptionKind.Duration, "30s", "Longest time for one call to qBittorrent.") { PlainUnit = "1s", Min = "1s", Max = "10m" },
        new("synced-tag", Roles.Both, OptionKind.Text, "synced", "Tag for synced torrents; empty for none.") { MayBeEmpty = true },
        new("security", Roles.Both, OptionKind.Choice, "paired", "How peers prove who they are: paired (see qbsync pair), ca, token, or insecure (not at all; loopback addresses only).") { Choices = ["paired", "ca", "token", "insecure"] },
        new("insecure", Roles.Both, OptionKind.Boolean, "false", "Lets security=insecure leave this machine: whoever is on the way can read, write and delete."),
        new("tls-cert-file", Roles.Both, OptionKind.Path, "", "Own certificate (PEM), for security=ca and for a destination with security=token.") { MayBeEmpty = true },
        new("tls-key-file", Roles.Both, OptionKind.Path, "", "Its private key (PEM), readable by its owner alone.") { MayBeEmpty = true },
        new("tls-ca-file", Roles.Both, OptionKind.Path, "", "Certificates of the only authorities that count (PEM), for security=ca; a source with security=token may have it too.") { MayBeEmpty = true },
        new("allowed-peers", Roles.Both, OptionKind.List, "", "For security=ca: names of which one must be in the peer's certificate.") { MayBeEmpty = true },
        new("peer-token", Roles.Both, OptionKind.Text, "", "For security=token: the token that both sides know, 32 bytes or more; better from a file by peer-token-file.") { IsSecret = true, MayBeEmpty = true },
        new("peers-file", Roles.Both, OptionKind.Path, "", "The peers that are trusted. Default: peers.json in state-dir.") { MayBeEmpty = true },
        new("identity-file", Roles.Both, OptionKind.Path, "", "Who this node is: its certificate and key, made when absent. Default: identity.pem in state-dir.") { MayBeEmpty = true },
        new("health-addr", Roles.Both, OptionKind.Address, "127.0.0.1:8080", "Address of /healthz, /livez, /readyz and /metrics; empty for none.") { MayBeEmpty = true },
        new("log-level", Roles.Both, OptionKind.Choice, "info", "Least level of a log line.") { Choices = ["trace", "debug", "info", "warn", "warning", "error"] },

        new("destination-addr", Roles.Source, OptionKind.Address, "", "Host and port of the destination.") { IsRequired = true },
        new("source-name", Roles.Source, OptionKind.Text, "", "Name of this source at the destination. Default: the machine's name.") { MayBeEmpty = true },
        new("path-map", Roles.Source, OptionKind.List, "", "CLIENT=LOCAL: where a path of the client is on this machine; longest prefix wins.") { MayBeEmpty = true },
        new("min-space", Roles.Source, OptionKind.Size, "50GiB", "Free space below which finishing torrents come first.") { PlainUnit = "1GiB", Min = "0" },
        new("sleep", Roles.Source, OptionKind.Duration, "30s", "Longest time between two housekeeping cycles.") { PlainUnit = "1s", Min = "1s", Max = "1h" },
        new("qb-poll-interval", Roles.Source, OptionKind.Duration, "500ms", "Time between polls of the client while something downloads.") { PlainUnit = "1s", Min = "100ms", Max = "1m" },
        new("rate-limit", Roles.Source, OptionKind.Rate, "0", "Bytes a second over all streams; 0 for no limit.") { PlainUnit = "1B", Min = "0" },
        new("bandwidth-schedule", Roles.Source, OptionKind.List, "", "DAYS FROM-UNTIL RATE, like mon-fri 08:00-18:00 5MiB/s, local time; the first that holds counts, else rate-limit.") { MayBeEmpty = true },
        new("num-senders", Roles.Source, OptionKind.Integer, "4", "Workers that read, hash and hand over pieces.") { Min = "1", Max = "64" },
        new("min-connections", Roles.Source, OptionKind.Integer, "2", "Connections for pieces at first.") { Min = "1", Max = "32" },
        new("max-connections", Roles.Source, OptionKind.Integer, "8", "Connections for pieces at most.") { Min = "1", Max = "32" },
        new("read-ahead", Roles.Source, OptionKind.Size, "64MiB", "Bytes read and not yet handed over, all torrents together.") { PlainUnit = "1MiB", Min = "4MiB", Max = "4GiB" },
        new("open-files", Roles.Source, OptionKind.Integer, "256", "Files open for reading at most.") { Min = "16", Max = "65536" },
        new("piece-timeout", Roles.Source, OptionKind.Duration, "60s", "Time without any progress of a piece after which it is sent again.") { PlainUnit = "1s", Min = "5s", Max = "1h" },
        new("reconnect-max-delay", Roles.Source, OptionKind.Duration, "30s", "Longest pause between two tries to connect.") { PlainUnit = "1s", Min = "1s", Max = "10m" },
        new("keepalive", Roles.Source, OptionKind.Duration, "30s", "Silence on a connection after which the peer is asked for a sign of life.") { PlainUnit = "1s", Min = "10s", Max = "5m" },
        new("tcp-congestion", Roles.Source, OptionKind.Text, "auto", "Congestion control of connections for pieces: auto (bbr where the way is longer than 20 ms and the system allows it), system, or a name."),
        new("exclude-sync-tag", Roles.Source, OptionKind.Text, "", "Torrents with this tag are not synced; empty for none.") { MayBeEmpty = true },
        new("sync-failed-tag", Roles.Source, OptionKind.Text, "sync-failed", "Tag for torrents that failed; empty for none.") { MayBeEmpty = true },

        new("listen", Roles.Destination, OptionKind.Address, ":50051", "Address to listen on for sources."),
        new("save-path", Roles.Destination, OptionKind.Text, "", "The data folder as the destination's client sees it. Default: data.") { MayBeEmpty = true },
        new("min-free", Roles.Destination, OptionKind.Size, "10GiB", "Free space that is never used.") { PlainUnit = "1GiB", Min = "0" },
        new("max-stream-buffer", Roles.Destination, OptionKind.Size, "512MiB", "Bytes received and not yet written, all streams together; 0 for the default.") { PlainUnit = "1MiB", Min = "0", Max = "64GiB" },
        new("stream-workers", Roles.Destination, OptionKind.Integer, "0", "Workers that hash and write; 0 = twice the cores, 8 at most.") { Min = "0", Max = "256" },
        new("finalize-workers", Roles.Destination, OptionKind.Integer, "2", "Torrents read back at the same time.") { Min = "1", Max = "16" },
        new("publish", Roles.Destination, OptionKind.Choice, "file", "When files get their final names: file (each as soon as it is whole) or torrent (all together).") { Choices = ["file", "torrent"] },
        new("read-back", Roles.Destination, OptionKind.Choice, "cached", "Where bytes are read back from: cached, or media (the system's memory of them is dropped first).") { Choices = ["cached", "media"] },
        new("hardlinks", Roles.Destination, OptionKind.Boolean, "true", "Link a file that is here already under another name, instead of receiving it."),
        new("reflinks", Roles.Destination, OptionKind.Boolean, "true", "Clone such a file, sharing its blocks, where it cannot be linked."),
        new("poll-interval", Roles.Destination, OptionKind.Duration, "2s", "Time between polls of the client.") { PlainUnit = "1s", Min = "200ms", Max = "1m" },
        new("poll-timeout", Roles.Destination, OptionKind.Duration, "5m", "Time without progress after which a check of the client counts as stuck.") { PlainUnit = "1s", Min = "10s", Max = "1d" },
        new("orphan-age", Roles.Destination, OptionKind.Duration, "24h", "Time without its source after which an unfinished torrent is given up.") { PlainUnit = "1s", Min = "1h" },
        new("source-removed-start", Roles.Destination, OptionKind.Boolean, "true", "Let a torrent that was removed at the source be started here."),
        new("recheck", Roles.Destination, OptionKind.Choice, "auto", "Whether the client checks a torrent after it was added.") { Choices = ["always", "auto", "never"] },
    ];

    public static IEnumerable<OptionDefinition> For(Roles role) => All.Where(option => option.Roles.HasFlag(role));
}
