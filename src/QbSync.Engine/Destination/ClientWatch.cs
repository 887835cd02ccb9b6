using Microsoft.Extensions.Logging;
using QbSync.Ports;

namespace QbSync.Engine.Destination;

/// <summary>
/// The one poll of the client that serves every torrent. Keeps the last snapshot, says whether the client answers, and wakes who waits for it.
/// Its loop belongs to the engine; readers may be any thread.
/// </summary>
internal sealed partial class ClientWatch(ITorrentClient client, TimeProvider time, ILogger<ClientWatch> logger)
{
    private volatile ClientSnapshot? _snapshot;
    private volatile Health? _health;
    private volatile TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The last snapshot, null before the first answer.</summary>
    public ClientSnapshot? Snapshot => _snapshot;

    /// <summary>Whether the last call worked; null before the first.</summary>
    public bool? IsOk => _health?.Ok;

    /// <summary>What is wrong with the client, for people.</summary>
    public string Problem => _health?.Problem ?? "";

    /// <summary>Age of a sighting.</summary>
    public TimeSpan GetAge(ClientSighting sighting) => time.GetElapsedTime(sighting.Stamp);

    /// <summary>Waits for the next answer of the client.</summary>
    public Task NextAsync(CancellationToken cancellationToken) => _next.Task.WaitAsync(cancellationToken);

    /// <summary>Asks once. True when the client answered.</summary>
    public async Task<bool> PollAsync(IReadOnlyCollection<ClientTorrentId> watched, CancellationToken cancellationToken)
    {
        var stamp = time.GetTimestamp();
        try
        {
            var update = await client.PollAsync(watched, cancellationToken).ConfigureAwait(false);
            _snapshot = new ClientSnapshot(_snapshot, update, watched, stamp);
            if (_health is not { Ok: true })
            {
                _health = new Health(true, "");
                Log.ClientAnswers(logger);
            }

            var waiting = _next;
            _next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting.TrySetResult();
            return true;
        }
        catch (TorrentClientException e)
        {
            // An open breaker is the same trouble, told already.
            if (_health is not { Ok: false } before || (before.Problem != e.Message && e.Fault != ClientFault.BreakerOpen))
            {
                _health = new Health(false, e.Message);
                Log.ClientFails(logger, e.Fault, e.Message);
            }

            return false;
        }
    }

    private sealed record Health(bool Ok, string Problem);
}
