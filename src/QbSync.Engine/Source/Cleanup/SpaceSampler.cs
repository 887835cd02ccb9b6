using Microsoft.Extensions.Logging;
using QbSync.Engine.Shared;
using QbSync.Engine.Source.Tracking;
using QbSync.Ports;

namespace QbSync.Engine.Source.Cleanup;

/// <summary>
/// Looks at the free space of every mapped root, off the loop: a device that hangs stops these looks and nothing else, and what is known grows old. Its one task
/// belongs to the loop.
/// </summary>
internal sealed partial class SpaceSampler(
    ILocalFiles disk, Live<SourceOptions> options, MonotonicClock clock, Func<SpaceSample, CancellationToken, ValueTask> post, ILogger<SpaceSampler> logger)
{
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(15);
    public static readonly TimeSpan ShortPause = TimeSpan.FromSeconds(2);
    private volatile View? _view;
    private volatile bool _isHurried;

    /// <summary>Whether a delete waits for what it freed.</summary>
    public bool IsHurried
    {
        set => _isHurried = value;
    }

    /// <summary>Takes the latest look at the client. Quick.</summary>
    public void See(ClientSnapshot snapshot)
    {
        // A look at some torrents brings no new figure with it.
        var told = snapshot.Update is { FreeBytes: { } free, Kind: not ClientUpdateKind.Watched } ? new ClientSpace(free, snapshot.At) : _view?.Client;
        _view = new View(snapshot.Description, snapshot.Update.FreeBytes is null ? null : told);
    }

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            if (_view is { } view)
            {
                try
                {
                    await post(await Task.Run(() => Sample(view), stop).ConfigureAwait(false), stop).ConfigureAwait(false);
                }
                catch (OperationCanceledException) when (stop.IsCancellationRequested)
                {
                    return;
                }
                catch (Exception e) when (e is not OutOfMemoryException)
                {
                    Log.NotSampled(logger, e.Message); // What is known grows old, and then nothing is deleted.
                }
            }

            await WaitAsync(stop).ConfigureAwait(false);
        }
    }

    private async Task WaitAsync(CancellationToken stop)
    {
        var began = clock.Now;
        do
        {
            await clock.DelayAsync(ShortPause, stop).ConfigureAwait(false);
        }
        while (!stop.IsCancellationRequested && _view is not null && !_isHurried && clock.Now - began < Pause);
    }

    private SpaceSample Sample(View view)
    {
        PathMap map = new(options.Current, view.Description);
        Dictionary<string, LocalFileSystem?> roots = new(StringComparer.Ordinal);
        foreach (var root in map.LocalFolders)
        {
            roots[root] = disk.GetFileSystem(root);
        }

        return new SpaceSample(roots, map.FindRoot(ClientPath.Split(view.Description.DefaultSavePath)), view.Client);
    }

    private sealed record View(ClientDescription Description, ClientSpace? Client);
}
