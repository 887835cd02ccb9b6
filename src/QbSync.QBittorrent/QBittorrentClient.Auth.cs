using QbSync.QBittorrent.Pipeline;

namespace QbSync.QBittorrent;

public sealed partial class QBittorrentClient
{
    /// <inheritdoc />
    public Task LoginAsync(CancellationToken cancellationToken) => OpenSessionAsync(refresh: false, cancellationToken);

    /// <inheritdoc />
    public async Task LogoutAsync(CancellationToken cancellationToken)
    {
        // Straight to HTTP: a logout that is refused must not log in to log out.
        if (_session.Current is not { } session)
        {
            return;
        }

        _session.Drop(session);
        var startedAt = _time.GetTimestamp();
        try
        {
            var request = ApiCalls.Logout.Request(session.Profile);
            await _http.SendAsync(ApiCalls.Logout, request, new CallProgress(), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _metrics.CallEnded(ApiOperation.Logout, startedAt);
        }
    }
}
