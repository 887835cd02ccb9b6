using System.Globalization;
using System.Net;

namespace QbSync.Host.Notifications;

/// <summary>How one try went.</summary>
/// <param name="Status">What was answered; null where nothing was.</param>
/// <param name="RetryAfter">When the receiver wants to be asked again; null where it does not say.</param>
/// <param name="Problem">What went wrong, for people; empty for nothing.</param>
internal sealed record TryOutcome(HttpStatusCode? Status, TimeSpan? RetryAfter, string Problem);

/// <summary>What follows a try.</summary>
internal abstract record NextStep
{
    private NextStep()
    {
    }

    /// <summary>It was taken.</summary>
    public sealed record Done : NextStep;

    /// <summary>It is tried again.</summary>
    public sealed record Again(TimeSpan After) : NextStep;

    /// <summary>It is not: the receiver does not take such a thing, or was away for too long.</summary>
    public sealed record GiveUp(bool IsRefused) : NextStep;
}

/// <summary>Whether and when a delivery is tried again. Pure: chance is passed in.</summary>
internal static class RetryRule
{
    /// <summary>Tries of one delivery.</summary>
    public const int Tries = 5;

    /// <summary>Longest wait that a receiver is granted.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    private const int Growth = 3;
    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1);

    /// <param name="tries">Tries so far, this one included.</param>
    /// <param name="chance">From 0 to 1.</param>
    public static NextStep Decide(TryOutcome outcome, int tries, double chance)
    {
        if ((int?)outcome.Status is >= 200 and < 300)
        {
            return new NextStep.Done();
        }

        if (outcome.Status is not (null or HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError))
        {
            return new NextStep.GiveUp(IsRefused: true);
        }

        if (tries >= Tries)
        {
            return new NextStep.GiveUp(IsRefused: false);
        }

        var own = FirstWait * Math.Pow(Growth, tries - 1) * chance;
        var asked = outcome.RetryAfter is { } wanted ? wanted < LongestWait ? wanted : LongestWait : TimeSpan.Zero;
        return new NextStep.Again(own > asked ? own : asked);
    }

    /// <summary>What a Retry-After says: seconds, with or without a fraction, or a date. Null for what says nothing.</summary>
    public static TimeSpan? ReadRetryAfter(string? header, DateTimeOffset now)
    {
        if (double.TryParse(header, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds >= 0)
        {
            return TimeSpan.FromSeconds(Math.Min(seconds, LongestWait.TotalSeconds));
        }

        return DateTimeOffset.TryParseExact(header, "r", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
            ? at > now ? at - now : TimeSpan.Zero
            : null;
    }
}
