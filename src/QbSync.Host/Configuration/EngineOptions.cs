using QbSync.Engine;
using QbSync.Storage;
using QbSync.Transport;

namespace QbSync.Host.Configuration;

/// <summary>A role's settings as the parts that it is made of take them.</summary>
internal static class EngineOptions
{
    public static SourceOptions ForSource(RoleSettings settings)
    {
        var values = settings.Values;
        return new SourceOptions
        {
            Data = settings.Data,
            Name = values.TextOrNull("source-name") ?? Environment.MachineName,
            PathMap = [.. settings.PathMap.Select(map => new PathMapping(map.Key, map.Value))],
            SyncedTag = values.Text("synced-tag"),
            SyncFailedTag = values.Text("sync-failed-tag"),
            ExcludeSyncTag = values.Text("exclude-sync-tag"),
            SourceRemovedTag = values.Text("source-removed-tag"),
            Handoff = settings.Handoff,
            Filter = settings.Filter,
            Order = values.Choice<BacklogOrder>("order"),
            MaxActive = values.Integer("max-active"),
            PollInterval = values.Duration("qb-poll-interval"),
            Sleep = values.Duration("sleep"),
            NumSenders = values.Integer("num-senders"),
            ReadAhead = values.Bytes("read-ahead"),
            ReconnectMaxDelay = values.Duration("reconnect-max-delay"),
            MinSpace = values.Bytes("min-space"),
            MetricsMaxTorrents = values.Integer("metrics-max-torrents"),
            MetricsMaxFinished = values.Integer("metrics-max-finished"),
            MetricsNames = values.Flag("metrics-names"),
            RateLimit = values.Bytes("rate-limit"),
            BandwidthSchedule = settings.BandwidthSchedule,
        };
    }

    public static DestinationOptions ForDestination(RoleSettings settings)
    {
        var values = settings.Values;
        return new DestinationOptions
        {
            DataRoot = settings.Data,
            SavePath = values.TextOrNull("save-path") ?? settings.Data,
            SyncedTag = values.Text("synced-tag"),
            PollInterval = values.Duration("poll-interval"),
            PollTimeout = values.Duration("poll-timeout"),
            FinalizeWorkers = values.Integer("finalize-workers"),
            MinFreeBytes = values.Bytes("min-free"),
            MaxPeerSessions = values.Integer("max-peer-torrents"),
            Publish = values.Choice<PublishPolicy>("publish"),
            OrphanAge = values.Duration("orphan-age"),
            MetricsMaxFinished = values.Integer("metrics-max-finished"),
            MetricsNames = values.Flag("metrics-names"),
            SourceRemovedStart = values.Flag("source-removed-start"),
            Recheck = values.Choice<RecheckPolicy>("recheck"),
            DryRun = settings.IsDryRun,
        };
    }

    /// <summary>A source's way to its destination.</summary>
    public static TransportClientOptions ForLink(RoleSettings settings)
    {
        var values = settings.Values;
        return new TransportClientOptions
        {
            Address = values.Address("destination-addr")!.Value.ToString(),
            MinConnections = values.Integer("min-connections"),
            MaxConnections = values.Integer("max-connections"),
            PieceTimeout = values.Duration("piece-timeout"),
            ReconnectMaxDelay = values.Duration("reconnect-max-delay"),
            KeepAlive = values.Duration("keepalive"),
            RateLimit = values.Bytes("rate-limit"),
            TcpCongestion = values.Text("tcp-congestion"),
            Security = settings.Security,
        };
    }

    public static StorageOptions ForStore(RoleSettings settings)
    {
        var values = settings.Values;
        return new StorageOptions
        {
            DataRoot = settings.Data,
            StateDirectory = settings.StateDirectory,
            MinFreeBytes = values.Bytes("min-free"),
            Hardlinks = values.Flag("hardlinks"),
            Reflinks = values.Flag("reflinks"),
            ReadBack = values.Choice<ReadBackSource>("read-back"),
        };
    }
}
