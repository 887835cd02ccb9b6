using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Shared;

internal sealed partial class ReadBack
{
    // A list of tens of thousands of files costs the client more than a status does.
    private const int Thrift = 10;

    /// <summary>Looks at the file list until it is as it should be. Whether it was, in time.</summary>
    public async Task<bool> UntilFilesAsync(
        ClientChange change, ClientTorrentId id, Func<IReadOnlyList<ClientFile>, bool> holds, CancellationToken cancellationToken)
    {
        var (held, _) = await LookAsync(change, token => client.GetFilesAsync(id, token), holds, cancellationToken).ConfigureAwait(false);
        if (!held)
        {
            Log.NotSeen(logger, change.Verb, id, change.Within.TotalSeconds);
        }

        return held;
    }

    /// <summary>Looks until a torrent with one of these hashes is listed; null when that did not happen in time.</summary>
    /// <param name="epoch">Of the client that was asked: one that was restarted since does not list what it had not written down.</param>
    public async Task<(TorrentStatus? Seen, bool Restarted)> UntilListedAsync(
        ClientChange change, InfoHash v1, InfoHash v2, int epoch, CancellationToken cancellationToken)
    {
        var (held, seen) = await LookAsync(change, FindAsync, static look => look.Found is not null || look.Restarted, cancellationToken).ConfigureAwait(false);
        if (!held)
        {
            Log.NotSeen(logger, change.Verb, new ClientTorrentId((v1.Length > 0 ? v1 : v2).ToString()), change.Within.TotalSeconds);
        }

        return seen;

        async ValueTask<(TorrentStatus? Found, bool Restarted)> FindAsync(CancellationToken token)
        {
            var found = await client.FindAsync(v1, v2, token).ConfigureAwait(false);
            return (found, found is null && (await client.DescribeAsync(refresh: false, token).ConfigureAwait(false)).Epoch != epoch);
        }
    }

    private async Task<(bool Held, T Seen)> LookAsync<T>(
        ClientChange change, Func<CancellationToken, ValueTask<T>> read, Func<T, bool> holds, CancellationToken cancellationToken)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _end.Token);
        var times = new LookTimes(change.Within);
        var began = time.GetTimestamp();
        var rest = TimeSpan.Zero;
        while (true)
        {
            var pause = times.Next - time.GetElapsedTime(began);
            pause = pause > rest ? pause : rest;
            if (pause > TimeSpan.Zero)
            {
                await Task.Delay(pause, time, ends.Token).ConfigureAwait(false);
            }

            var askedAt = time.GetTimestamp();
            var seen = await read(ends.Token).ConfigureAwait(false);
            rest = time.GetElapsedTime(askedAt) * Thrift;
            if (holds(seen))
            {
                return (true, seen);
            }

            if (times.Looked(time.GetElapsedTime(began)))
            {
                return (false, seen);
            }
        }
    }
}
