using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using QbSync.Host.Configuration;
using QbSync.Ports;

namespace QbSync.Host.Commands.Pairing;

/// <summary>Grants as people write and read them: <c>KEY=VALUE</c>, an empty value taking the bound away.</summary>
internal static class GrantText
{
    private const long LeastRate = 64 << 10;

    /// <summary>What may be given, for messages.</summary>
    public const string Usage = "roots=NAME,.. categories=NAME,.. quota=SIZE rate=RATE may-start=true|false may-delete=true|false; KEY= takes a bound away";

    /// <summary>Grants with these changes; null, and what is wrong, when one is not understood.</summary>
    public static PeerGrants? Change(PeerGrants grants, IReadOnlyCollection<string> changes, out string problem)
    {
        problem = changes.Count == 0 ? $"Nothing to grant. Give {Usage}." : "";
        if (problem.Length > 0)
        {
            return null;
        }

        foreach (var change in changes)
        {
            var parts = change.Split('=', 2);
            if (parts.Length != 2 || !TryChange(grants, parts[0].Trim(), parts[1].Trim(), out var next))
            {
                problem = $"\"{change}\" is not understood. Give {Usage}.";
                return null;
            }

            grants = next;
        }

        return grants;
    }

    /// <summary>Each grant that is not the default, in the form in which it can be given.</summary>
    public static string Describe(PeerGrants grants)
    {
        List<string> bounds = [];
        if (grants.Roots is { } roots)
        {
            bounds.Add($"roots={string.Join(',', roots)}");
        }

        if (grants.Categories is { } categories)
        {
            bounds.Add($"categories={string.Join(',', categories)}");
        }

        if (grants.Quota is { } quota)
        {
            bounds.Add($"quota={quota.ToString(CultureInfo.InvariantCulture)}B");
        }

        if (grants.Rate is { } rate)
        {
            bounds.Add($"rate={rate.ToString(CultureInfo.InvariantCulture)}B/s");
        }

        if (!grants.MayStart)
        {
            bounds.Add("may-start=false");
        }

        if (!grants.MayDelete)
        {
            bounds.Add("may-delete=false");
        }

        return bounds.Count == 0 ? "everything" : string.Join(' ', bounds);
    }

    private static bool TryChange(PeerGrants grants, string key, string value, [NotNullWhen(true)] out PeerGrants? next)
    {
        next = key switch
        {
            "roots" => grants with { Roots = ReadNames(value) },
            "categories" => grants with { Categories = ReadNames(value) },
            "quota" when value.Length == 0 => grants with { Quota = null },
            "quota" when Units.TryParseSize(value, 1, out var bytes) && bytes >= 0 => grants with { Quota = bytes },
            "rate" when value.Length == 0 => grants with { Rate = null },
            "rate" when Units.TryParseRate(value, out var rate) && rate >= LeastRate => grants with { Rate = rate },
            "may-start" when TryReadFlag(value, out var flag) => grants with { MayStart = flag },
            "may-delete" when TryReadFlag(value, out var flag) => grants with { MayDelete = flag },
            _ => null,
        };
        return next is not null;
    }

    private static string[]? ReadNames(string value) =>
        value.Length == 0 ? null : value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static bool TryReadFlag(string value, out bool flag)
    {
        flag = value is "true" or "1" or "";
        return flag || value is "false" or "0";
    }
}
