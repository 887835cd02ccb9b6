using QbSync.Engine;
using QbSync.Engine.Destination;

namespace BothEnds;

/// <summary>Runs two engines until the source has nothing left to send.</summary>
internal static class Sync
{
    public static async Task<int> RunAsync(SourceEngine source, DestinationEngine destination, int torrents, CancellationToken cancellationToken)
    {
        using var stopSource = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var stopDestination = new CancellationTokenSource();
        var receiving = destination.RunAsync(stopDestination.Token);
        var sending = source.RunAsync(stopSource.Token);
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!cancellationToken.IsCancellationRequested && !sending.IsCompleted && !receiving.IsCompleted && !IsOver(source, torrents))
        {
            await look.WaitForNextTickAsync(CancellationToken.None);
        }

        foreach (var torrent in source.Status.Torrents)
        {
            Console.WriteLine($"{torrent.State,-12} {torrent.PiecesDone} of {torrent.Pieces}  {torrent.Name} {torrent.Reason}");
        }

        await stopSource.CancelAsync();
        await sending;
        await stopDestination.CancelAsync();
        await receiving;
        return source.Status.Torrents.All(torrent => torrent.State == "Synced") ? 0 : 1;
    }

    private static bool IsOver(SourceEngine source, int torrents) =>
        source.Status.Torrents.Count(torrent => torrent.State is "Synced" or "Failed") >= torrents;
}
