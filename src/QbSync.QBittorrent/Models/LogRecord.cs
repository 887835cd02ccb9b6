namespace QbSync.QBittorrent.Models;

/// <summary>Which lines of the client's log are asked for.</summary>
[Flags]
public enum LogLevels
{
    /// <summary>None, which asks for nothing.</summary>
    None = 0,

    /// <summary>What the client does day by day.</summary>
    Normal = 1,

    /// <summary>What it thinks worth knowing.</summary>
    Info = 2,

    /// <summary>What went wrong with one thing.</summary>
    Warning = 4,

    /// <summary>What went wrong with the client.</summary>
    Critical = 8,

    /// <summary>All.</summary>
    All = Normal | Info | Warning | Critical,
}

/// <summary>A line of <c>log/main</c>.</summary>
public sealed record LogRecord
{
    /// <summary>Rises from line to line, from 0 at the client's start.</summary>
    public long? Id { get; init; }

    /// <summary>The text; it may name torrents and paths.</summary>
    public string? Message { get; init; }

    /// <summary>Since 1970: milliseconds up to 4.4, seconds from 4.5 on. See <see cref="At"/>.</summary>
    public long? Timestamp { get; init; }

    /// <summary>A value of <see cref="LogLevels"/>.</summary>
    public long? Type { get; init; }

    /// <summary>When it was written, by the client's clock; null when that was not told.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public DateTimeOffset? At => Timestamp switch
    {
        // No date of these clients in seconds has so many digits, nor one in milliseconds so few.
        > 100_000_000_000 and <= 253_402_300_799_999 and var milliseconds => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds),
        > 0 and <= 100_000_000_000 and var seconds => DateTimeOffset.FromUnixTimeSeconds(seconds),
        _ => null,
    };
}
