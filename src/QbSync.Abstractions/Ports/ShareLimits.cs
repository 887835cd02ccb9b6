using System.Globalization;

namespace QbSync.Ports;

/// <summary>Which kind of limit.</summary>
public enum ShareLimitKind
{
    /// <summary>The client's own setting for all torrents holds.</summary>
    Global = 0,

    /// <summary>No limit, whatever the client's own setting is.</summary>
    Unlimited = 1,

    /// <summary>A value of the torrent's own.</summary>
    Value = 2,
}

/// <summary>One limit of seeding; the default is <see cref="Global"/>.</summary>
public readonly record struct ShareLimit
{
    private ShareLimit(ShareLimitKind kind, double value) => (Kind, Value) = (kind, value);

    /// <summary>The client's own setting holds.</summary>
    public static ShareLimit Global => default;

    /// <summary>No limit.</summary>
    public static ShareLimit Unlimited { get; } = new(ShareLimitKind.Unlimited, 0);

    /// <summary>Which kind.</summary>
    public ShareLimitKind Kind { get; }

    /// <summary>The limit, of <see cref="ShareLimitKind.Value"/>; else 0.</summary>
    public double Value { get; }

    /// <summary>A limit of the torrent's own.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative or no number.</exception>
    public static ShareLimit Of(double value) => double.IsFinite(value) && value >= 0
        ? new ShareLimit(ShareLimitKind.Value, value)
        : throw new ArgumentOutOfRangeException(nameof(value), value, "A limit is a number from 0 on.");

    /// <summary>The limit of a number as clients write it, and as <see cref="ToNumber"/> does; anything that is no limit is <see cref="Global"/>.</summary>
    public static ShareLimit FromNumber(double? number) => number switch
    {
        >= 0 and < double.PositiveInfinity => Of(number.Value),
        -1 => Unlimited,
        _ => Global,
    };

    /// <summary>-2 for <see cref="Global"/>, -1 for <see cref="Unlimited"/>, else the value.</summary>
    public double ToNumber() => Kind switch
    {
        ShareLimitKind.Global => -2,
        ShareLimitKind.Unlimited => -1,
        ShareLimitKind.Value => Value,
    };

    /// <summary>What is left of it after <paramref name="used"/>: a limit that is reached is none of this torrent's any more.</summary>
    public ShareLimit After(double used) => Kind != ShareLimitKind.Value ? this : Value > used ? Of(Value - Math.Max(used, 0)) : Global;

    /// <summary>For people.</summary>
    public override string ToString() => Kind == ShareLimitKind.Value ? Value.ToString(CultureInfo.InvariantCulture) : Kind.ToString();
}

/// <summary>When a client ends seeding a torrent by itself. The default leaves all to the client's own settings.</summary>
/// <param name="Ratio">Uploaded to downloaded.</param>
/// <param name="SeedingMinutes">Minutes of seeding, whole ones.</param>
/// <param name="InactiveMinutes">Minutes of seeding in which nobody asked, whole ones.</param>
public sealed record ShareLimits(ShareLimit Ratio, ShareLimit SeedingMinutes, ShareLimit InactiveMinutes)
{
    /// <summary>All is left to the client's own settings.</summary>
    public static ShareLimits Global { get; } = new(default, default, default);

    /// <summary>Limits as clients write them: see <see cref="ShareLimit.FromNumber"/>.</summary>
    public static ShareLimits FromNumbers(double? ratio, double? seedingMinutes, double? inactiveMinutes)
    {
        var limits = new ShareLimits(ShareLimit.FromNumber(ratio), ShareLimit.FromNumber(seedingMinutes), ShareLimit.FromNumber(inactiveMinutes));

        // Nearly all torrents have none of their own, and share the one object.
        return limits == Global ? Global : limits;
    }

    /// <summary>
    /// What is left of them when another client goes on with a torrent that has this ratio and has seeded for this long. Inactivity counts from
    /// the last upload, so all of that limit is left.
    /// </summary>
    public ShareLimits After(double ratio, TimeSpan seeded) =>
        new(Ratio.After(ratio), SeedingMinutes.After(Math.Floor(seeded.TotalMinutes)), InactiveMinutes);
}
