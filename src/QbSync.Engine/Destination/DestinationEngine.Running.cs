using QbSync.Engine.Shared;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Destination;

public sealed partial class DestinationEngine
{
    /// <summary>How often the free space is looked at.</summary>
    private static readonly TimeSpan RoomInterval = TimeSpan.FromSeconds(10);

    /// <summary>Most torrents that are asked for by id in one poll.</summary>
    private const int MaxWatched = 64;

    private readonly CancellationTokenSource _disposed = new();
    private Task _running = Task.CompletedTask;

    /// <summary>
    /// Recovers what the process before left, then runs until <paramref name="stop"/>: new work is refused, what was received is made durable, and the
    /// sessions are closed. Call once.
    /// </summary>
    /// <exception cref="StorageException">The state folder or the data folder cannot be used.</exception>
    public Task RunAsync(CancellationToken stop)
    {
        var run = RunCoreAsync(stop);
        _running = run;
        return run;
    }

    private async Task RunCoreAsync(CancellationToken stop)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(stop, _disposed.Token);
        try
        {
            if (_options.Current.DryRun)
            {
                // Reading the state would change it: a dry run knows no torrent.
                _recovered.TrySetResult();
                await Task.WhenAll(
                    RepeatAsync(TimeSpan.FromSeconds(1), TickAsync, ends),
                    _watch is null ? Task.CompletedTask : RepeatAsync(_options.Current.PollInterval, PollClientAsync, ends)).ConfigureAwait(false);
                return;
            }

            await RecoverAsync(ends.Token).ConfigureAwait(false);
            var loops = new List<Task>
            {
                RepeatAsync(TimeSpan.FromSeconds(1), TickAsync, ends),
                RepeatAsync(RoomInterval, LookForRoomAsync, ends),
                RepeatAsync(_options.Current.OrphanScan, SweepAsync, ends),
            };
            if (_watch is not null)
            {
                loops.Add(RepeatAsync(_options.Current.PollInterval, PollClientAsync, ends));
            }

            await Task.WhenAll(loops).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (ends.IsCancellationRequested)
        {
            // Stopped before the state was read.
        }
        finally
        {
            await StopAsync().ConfigureAwait(false);
        }
    }

    private async Task RecoverAsync(CancellationToken cancellationToken)
    {
        var storages = await _store.RecoverAsync(cancellationToken).ConfigureAwait(false);
        var context = MakeContext();
        foreach (var storage in storages)
        {
            _quotas.Restore(storage.Request);
            _sessions[storage.Request.Manifest.Id] = new TorrentSession(storage, context);
        }

        _context = context;
        await LookForRoomAsync(cancellationToken).ConfigureAwait(false);
        ShowStatus();
        _recovered.TrySetResult();
        Log.Recovered(_logger, storages.Count, context.Incarnation);
        foreach (var session in _sessions.Values)
        {
            await session.ResumeAsync().ConfigureAwait(false);
        }
    }

    private async Task StopAsync()
    {
        lock (_gate)
        {
            // What is not there by now never comes: all sessions below are all that there are.
            _isStopping = true;
        }

        _recovered.TrySetCanceled(CancellationToken.None);
        _hub.Stop();
        await Parallel.ForEachAsync(
            _sessions.Values,
            new ParallelOptions { MaxDegreeOfParallelism = 8 },
            static async (session, _) => await session.DisposeAsync().ConfigureAwait(false)).ConfigureAwait(false);
        Log.Stopped(_logger, _sessions.Count);
    }

    /// <summary>Runs a loop's body at once and then each interval. A body's fault ends the engine, since nothing else would tell of it.</summary>
    private async Task RepeatAsync(TimeSpan interval, Func<CancellationToken, Task> body, CancellationTokenSource ends)
    {
        using var timer = new PeriodicTimer(interval, _time);
        try
        {
            do
            {
                await body(ends.Token).ConfigureAwait(false);
            }
            while (await timer.WaitForNextTickAsync(ends.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (ends.IsCancellationRequested)
        {
            // Stopping.
        }
        catch
        {
            await ends.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task TickAsync(CancellationToken cancellationToken)
    {
        foreach (var session in _sessions.Values)
        {
            if (session.View.IsRetired)
            {
                await ForgetAsync(session).ConfigureAwait(false);
            }
            else
            {
                session.Tick();
            }
        }

        TellNews();
        ShowStatus();
    }

    private async Task ForgetAsync(TorrentSession session)
    {
        if (_sessions.TryRemove(new KeyValuePair<InfoHash, TorrentSession>(session.Id, session)))
        {
            await session.DisposeAsync().ConfigureAwait(false);
        }
    }

    private Task LookForRoomAsync(CancellationToken cancellationToken)
    {
        if (_room.Look())
        {
            _hub.Room();
        }

        return Task.CompletedTask;
    }

    private async Task PollClientAsync(CancellationToken cancellationToken)
    {
        while (!await _watch!.PollAsync(GetWatched(), cancellationToken).ConfigureAwait(false))
        {
            // A client that is back is found at the end of its break, and not an interval later.
            if (ClientPatience.AfterFailure(_client!.Availability, _time.GetUtcNow()) is not { } pause)
            {
                return;
            }

            await Task.Delay(pause, _time, cancellationToken).ConfigureAwait(false);
        }

        if (_watch.Snapshot is not { } snapshot)
        {
            return;
        }

        foreach (var session in _sessions.Values)
        {
            await session.LookAsync(snapshot).ConfigureAwait(false);
        }
    }

    /// <summary>The client's ids of our torrents, those seen longest ago first: a client that is slow to list all is asked for them.</summary>
    private ClientTorrentId[] GetWatched() => _watch!.Snapshot is not { } snapshot
        ? []
        : [.. _sessions.Values
            .Select(session => session.View.Storage?.Request.Manifest)
            .Select(manifest => manifest is null ? null : snapshot.Find(manifest.V1, manifest.V2))
            .OfType<ClientSighting>()
            .OrderBy(static seen => seen.Stamp)
            .Take(MaxWatched)
            .Select(static seen => seen.Status.Id)];
}
