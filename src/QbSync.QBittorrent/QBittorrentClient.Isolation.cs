using QbSync.Ports;
using QbSync.QBittorrent.Pipeline;

namespace QbSync.QBittorrent;

public sealed partial class QBittorrentClient
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _end = new();
    private readonly Lock _watchGate = new();
    private Task _watch = Task.CompletedTask;
    private bool _isWatching;

    /// <summary>Goes on with other credentials: the login in use is dropped, and a call that the old ones kept from being sent goes out.</summary>
    /// <exception cref="ArgumentException">They do not fit together; the message has every fault.</exception>
    public void UseCredentials(QBittorrentCredentials credentials)
    {
        ArgumentNullException.ThrowIfNull(credentials);
        credentials = credentials.WithoutEmpty();
        if (credentials.Validate().ToList() is { Count: > 0 } errors)
        {
            throw new ArgumentException(string.Join(' ', errors), nameof(credentials));
        }

        _credentials.Use(credentials);
        TryAnew();
    }

    /// <summary>
    /// Lets the next call try a login now, when it would have to wait after earlier ones were refused. What might make the client ban this
    /// address is refused even so.
    /// </summary>
    public void RetryLogin()
    {
        _credentials.Note(LoginCause.Asked);
        TryAnew();
    }

    private void TryAnew()
    {
        _session.Drop(null);
        _breaker.Lift();
    }

    private void BeginWatch()
    {
        lock (_watchGate)
        {
            if (_disposed == 0 && (!_isWatching || _watch.IsCompleted))
            {
                _isWatching = true;

                // Owned: awaited by dispose. It ends with the isolation.
                _watch = Task.Run(() => WatchAsync(_end.Token), CancellationToken.None);
            }
        }
    }

    // While calls are refused nobody else would see that a file of credentials changed, or that the client was started again, which ends what it
    // counted against us. Looks carry no credentials.
    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(LookEvery, _time);
        var wasAway = false;
        while (GoesOn() && await WaitAsync(timer, cancellationToken).ConfigureAwait(false))
        {
            if (_breaker.Availability is not { Gate: ClientGate.Isolated, LastFault: { } fault })
            {
                continue;
            }

            if (_credentials.Reread())
            {
                Log.CredentialsChanged(_logger, _url);
                TryAnew();
                continue;
            }

            if (_breaker.Availability.AllowsCalls(_time.GetUtcNow()))
            {
                continue;
            }

            var seen = await LookAsync(cancellationToken).ConfigureAwait(false);
            var letsIn = seen == true && (_credentials.Current.IsNone || !IsAboutCredentials(fault.Fault));
            if (letsIn || (seen is not null && wasAway))
            {
                TryAnew();
            }

            wasAway = seen is null;
        }
    }

    // One that is about to end because calls go through is none any more for the next isolation, which may begin just now.
    private bool GoesOn()
    {
        lock (_watchGate)
        {
            return _isWatching = _breaker.State != ClientGate.Closed;
        }
    }

    private async Task<bool?> LookAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _opener.LookAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static bool IsAboutCredentials(ClientFault fault) =>
        fault is ClientFault.Unauthorized or ClientFault.Banned or ClientFault.Forbidden;

    private static async ValueTask<bool> WaitAsync(PeriodicTimer timer, CancellationToken cancellationToken)
    {
        try
        {
            return await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async ValueTask EndWatchAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        Task watch;
        lock (_watchGate)
        {
            watch = _watch;
        }

        await watch.ConfigureAwait(false);
        _end.Dispose();
    }
}
