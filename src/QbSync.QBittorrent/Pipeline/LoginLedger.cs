namespace QbSync.QBittorrent.Pipeline;

/// <summary>
/// Keeps us from causing a ban: the client counts wrong logins up to five and never forgets them by itself. After a refusal the next
/// try is in 10 min, then in 60 min, then there is none until somebody changes the credentials. Owned by the session, used under its
/// single flight.
/// </summary>
internal sealed class LoginLedger
{
    private const int MostRefusals = 3;
    private static readonly TimeSpan AfterFirst = TimeSpan.FromMinutes(10), AfterSecond = TimeSpan.FromMinutes(60);
    private static readonly TimeSpan AfterBan = TimeSpan.FromMinutes(65);

    private int _refusals;
    private DateTimeOffset _next = DateTimeOffset.MinValue;

    /// <summary>Whether a login may be sent now; if not, how long to wait, or null for good.</summary>
    public bool MayTry(DateTimeOffset now, out TimeSpan? wait)
    {
        wait = _refusals >= MostRefusals ? null : _next - now;
        return _refusals < MostRefusals && now >= _next;
    }

    /// <summary>Records wrong credentials; gives the time to the next try, null for none.</summary>
    public TimeSpan? Refused(DateTimeOffset now) => Record(now, _refusals == 0 ? AfterFirst : AfterSecond);

    /// <summary>Records a ban; gives the time to the next try, null for none.</summary>
    public TimeSpan? Banned(DateTimeOffset now) => Record(now, AfterBan);

    /// <summary>Forgets all, as the client does.</summary>
    public void Accepted()
    {
        _refusals = 0;
        _next = DateTimeOffset.MinValue;
    }

    private TimeSpan? Record(DateTimeOffset now, TimeSpan wait)
    {
        _next = now + wait;
        return ++_refusals >= MostRefusals ? null : wait;
    }
}
