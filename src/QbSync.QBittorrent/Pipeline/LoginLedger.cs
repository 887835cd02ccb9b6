using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using QbSync.Ports;

namespace QbSync.QBittorrent.Pipeline;

/// <summary>What became of a login.</summary>
internal enum LoginEnd
{
    /// <summary>Sent, and its answer not seen: it may have been refused.</summary>
    Unknown,

    /// <summary>Wrong credentials, which the client counts.</summary>
    Refused,

    /// <summary>The client listens to nobody at this address for an hour, and counts nothing meanwhile.</summary>
    Banned,
}

/// <summary>A login that did not succeed.</summary>
internal readonly record struct LoginEntry(DateTimeOffset At, LoginEnd End, string Credentials);

/// <summary>
/// Keeps us from causing a ban: the client counts wrong logins up to five and never forgets them by itself. After a refusal the next try
/// is in 10 min, then in 60 min, then there is none until something changes; never are there more than three in an hour, since a proxy
/// that was started again looks as the client does. Each login is
/// written down before it is sent, so a restart adds none. Used by one caller at a time: the opening of a session.
/// </summary>
internal sealed partial class LoginLedger(IDurableRecords? records, string address, ILogger logger)
{
    private const string Name = "qb-login", Magic = "qb-login 1";
    private const int MostInAnHour = 3, MostAskedInAnHour = 2, MostAlike = 3, MostInARow = 4, Kept = 16, Rounds = 20_000;
    private static readonly TimeSpan AfterFirst = TimeSpan.FromMinutes(10), AfterSecond = TimeSpan.FromMinutes(60);
    private static readonly TimeSpan AfterBan = TimeSpan.FromMinutes(65), Hour = TimeSpan.FromMinutes(60);

    private readonly List<LoginEntry> _entries = [];
    private byte[] _salt = RandomNumberGenerator.GetBytes(16);
    private (QBittorrentCredentials Of, string Digest)? _digest;
    private string? _accepted;
    private bool _isLoaded;

    /// <summary>Whether a login may be sent now; if not, how long to wait, or null until something changes.</summary>
    public bool MayTry(DateTimeOffset now, QBittorrentCredentials credentials, LoginCause cause, out TimeSpan? wait)
    {
        var digest = DigestOf(credentials);
        var last = _entries.Count > 0 ? _entries[^1] : default;
        var mine = _entries.Where(entry => entry.Credentials == digest).ToList();
        var refusals = mine.Count(static entry => entry.End == LoginEnd.Refused);
        var isKnownWrong = refusals > 0;

        // A ban that ended has cleared the client's own count.
        var inARow = _entries.Skip(_entries.FindLastIndex(static entry => entry.End == LoginEnd.Banned) + 1).Count();
        var isTooMany = cause switch
        {
            LoginCause.Planned => inARow >= MostInARow || refusals >= MostAlike,
            LoginCause.Asked => inARow >= MostInARow,
            LoginCause.Restarted => false,
        };
        if (isKnownWrong && isTooMany)
        {
            wait = null;
            return false;
        }

        var next = now;
        if (cause == LoginCause.Planned && mine.Count > 0)
        {
            next = last.End == LoginEnd.Banned ? last.At + AfterBan
                : refusals == 0 ? now
                : mine.FindLast(static entry => entry.End == LoginEnd.Refused).At + (refusals == 1 ? AfterFirst : AfterSecond);
        }

        // One of the three is kept for other credentials, which a person who asks over and over will give in the end.
        var most = cause == LoginCause.Asked && isKnownWrong ? MostAskedInAnHour : MostInAnHour;
        var recent = _entries.Where(entry => MayBeCounted(entry) && entry.At > now - Hour).ToList();
        if (recent.Count >= most)
        {
            var free = recent[^most].At + Hour;
            next = free > next ? free : next;
        }

        wait = next > now ? next - now : TimeSpan.Zero;
        return next <= now;
    }

    /// <summary>Reads what earlier processes went through; once.</summary>
    public async ValueTask LoadAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (_isLoaded || records is null)
        {
            return;
        }

        _isLoaded = true;
        try
        {
            if (await records.ReadAsync(Name, cancellationToken).ConfigureAwait(false) is { } bytes)
            {
                Read(Encoding.UTF8.GetString(bytes), now);
            }
        }
        catch (StorageException exception)
        {
            Log.LedgerUnusable(logger, exception.Message);
        }
    }

    /// <summary>A login is about to be sent.</summary>
    public ValueTask BeginAsync(DateTimeOffset now, QBittorrentCredentials credentials, CancellationToken cancellationToken)
    {
        _entries.Add(new LoginEntry(now, LoginEnd.Unknown, DigestOf(credentials)));
        _entries.RemoveRange(0, Math.Max(0, _entries.Count - Kept));
        return SaveAsync(cancellationToken);
    }

    /// <summary>The login that began last was not accepted; gives the time to the next try, null for none.</summary>
    public async ValueTask<TimeSpan?> FailedAsync(DateTimeOffset now, QBittorrentCredentials credentials, LoginEnd end)
    {
        _entries[^1] = new LoginEntry(now, end, DigestOf(credentials));
        _accepted = null;
        await SaveAsync(CancellationToken.None).ConfigureAwait(false);
        MayTry(now, credentials, LoginCause.Planned, out var wait);
        return wait;
    }

    /// <summary>The login that began last never reached the place where logins are counted.</summary>
    public ValueTask NeverArrivedAsync()
    {
        _entries.RemoveAt(_entries.Count - 1);
        return SaveAsync(CancellationToken.None);
    }

    /// <summary>Forgets all, as the client does at a success.</summary>
    public async ValueTask AcceptedAsync(QBittorrentCredentials credentials)
    {
        _accepted = DigestOf(credentials);
        if (_entries.Count > 0)
        {
            _entries.Clear();
            await SaveAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    // What worked a while ago was hardly refused where the answer is not known: a client that hangs must not cost it an hour.
    private bool MayBeCounted(LoginEntry entry) =>
        entry.End == LoginEnd.Refused || (entry.End == LoginEnd.Unknown && entry.Credentials != _accepted);

    private async ValueTask SaveAsync(CancellationToken cancellationToken)
    {
        if (records is null)
        {
            return;
        }

        try
        {
            if (_entries.Count == 0)
            {
                await records.RemoveAsync(Name, cancellationToken).ConfigureAwait(false);
                return;
            }

            var text = new StringBuilder().Append(Magic).Append(' ').AppendLine(Convert.ToHexStringLower(_salt));
            foreach (var entry in _entries)
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"{entry.At.UtcTicks} {(int)entry.End} {entry.Credentials}");
            }

            await records.WriteAsync(Name, Encoding.UTF8.GetBytes(text.ToString()), cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException exception)
        {
            Log.LedgerUnusable(logger, exception.Message);
        }
    }

    // A record that makes no sense is as none: the client's own count is the last guard.
    private void Read(string text, DateTimeOffset now)
    {
        var lines = text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length == 0 || !lines[0].StartsWith(Magic + ' ', StringComparison.Ordinal))
        {
            return;
        }

        try
        {
            _salt = Convert.FromHexString(lines[0].AsSpan(Magic.Length + 1));
            foreach (var parts in lines.Skip(1).Select(static line => line.Split(' ')))
            {
                // A clock that was set back since must not keep us waiting for the time that it showed.
                var at = new DateTimeOffset(long.Parse(parts[0], CultureInfo.InvariantCulture), TimeSpan.Zero);
                _entries.Add(new LoginEntry(at > now ? now : at, (LoginEnd)int.Parse(parts[1], CultureInfo.InvariantCulture), parts[2]));
            }
        }
        catch (Exception exception) when (exception is FormatException or OverflowException or ArgumentException or IndexOutOfRangeException)
        {
            _entries.Clear();
        }
    }

    private string DigestOf(QBittorrentCredentials credentials)
    {
        if (_digest is not { } known || known.Of != credentials)
        {
            var secret = string.Join('\n', address, credentials.Username, credentials.Password, credentials.BasicAuth);
            var bytes = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(secret), _salt, Rounds, HashAlgorithmName.SHA256, 16);
            _digest = known = (credentials, Convert.ToHexStringLower(bytes));
        }

        return known.Digest;
    }
}
