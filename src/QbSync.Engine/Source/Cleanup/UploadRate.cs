using System.Text.Json.Serialization;

namespace QbSync.Engine.Source.Cleanup;

/// <summary>How much a torrent uploads: an average in which a day ago counts half. Immutable; durable as it is.</summary>
internal sealed record UploadRate
{
    private static readonly TimeSpan HalfLife = TimeSpan.FromHours(24);
    private static readonly TimeSpan Established = TimeSpan.FromHours(6);
    private static readonly TimeSpan LeastSeeding = TimeSpan.FromHours(1);

    /// <summary>The torrent, as the client names it.</summary>
    public required string Id { get; init; }

    /// <summary>Bytes a second.</summary>
    public double BytesPerSecond { get; init; }

    /// <summary>The client's counter at the last look.</summary>
    public long Uploaded { get; init; }

    /// <summary>When that was.</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>Over how long it was watched.</summary>
    public TimeSpan Observed { get; init; }

    /// <summary>Begins with what the torrent uploaded over its life, so that the first hours do not look like silence.</summary>
    public static UploadRate Begin(string id, long uploaded, TimeSpan seeding, DateTimeOffset now) => new()
    {
        Id = id,
        BytesPerSecond = OverLife(uploaded, seeding),
        Uploaded = Math.Max(0, uploaded),
        At = now,
    };

    /// <summary>The average after another look.</summary>
    public UploadRate Next(long uploaded, TimeSpan seeding, DateTimeOffset now)
    {
        if (uploaded < Uploaded)
        {
            return Begin(Id, uploaded, seeding, now); // Added anew, or a client without its records: another counter.
        }

        var passed = now - At;
        if (passed <= TimeSpan.Zero)
        {
            return this with { Uploaded = uploaded, At = now }; // The wall clock was set back; what is in between is not known.
        }

        var old = Math.Pow(0.5, passed / HalfLife);
        var rate = (uploaded - Uploaded) / passed.TotalSeconds;
        return this with
        {
            BytesPerSecond = (BytesPerSecond * old) + (rate * (1 - old)),
            Uploaded = uploaded,
            At = now,
            Observed = Observed + passed,
        };
    }

    /// <summary>What counts: while it was watched for hours only, not less than over its life.</summary>
    public double Effective(long uploaded, TimeSpan seeding) =>
        Observed < Established ? Math.Max(BytesPerSecond, OverLife(uploaded, seeding)) : BytesPerSecond;

    private static double OverLife(long uploaded, TimeSpan seeding) =>
        Math.Max(0, uploaded) / (seeding > LeastSeeding ? seeding : LeastSeeding).TotalSeconds;
}

/// <summary>The upload rates of all torrents: <c>uploads.json</c>.</summary>
internal sealed record UploadRateRecord
{
    /// <summary>Version of this format.</summary>
    public const int CurrentVersion = 1;

    public int Version { get; init; } = CurrentVersion;

    public IReadOnlyList<UploadRate> Rates { get; init; } = [];
}

[JsonSourceGenerationOptions]
[JsonSerializable(typeof(UploadRateRecord))]
internal sealed partial class UploadRateJsonContext : JsonSerializerContext;
