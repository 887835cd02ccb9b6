using System.Globalization;
using QbSync.Engine.Status;

namespace QbSync.Host.Commands.Demo;

/// <summary>What a demo measured.</summary>
/// <param name="links">Files that the destination linked; null where C is a file of its own.</param>
internal sealed class DemoFigures(DemoTorrents torrents, EngineStatus status, TimeSpan elapsed, double sentBytes, double? links)
{
    private const double MostResent = 1.02;

    private readonly long _payload = torrents.All.Where(torrent => links is null || torrent != torrents.Linked).Sum(torrent => torrent.PayloadBytes);

    public IEnumerable<string> Lines()
    {
        yield return Text($"{_payload / (double)(1 << 20):0.0} MiB in {elapsed.TotalSeconds:0.0} s, {_payload / (double)(1 << 20) / elapsed.TotalSeconds:0} MiB/s (A came in at 48 MiB/s).");
        yield return Text($"Bytes on the wire / payload: {sentBytes / _payload:0.000}.");
        if (links is not null)
        {
            yield return Text($"C: {torrents.Linked.Length >> 20} MiB hardlinked to B's file, none of it sent.");
        }

        foreach (var torrent in status.Torrents.OrderBy(torrent => torrent.Name, StringComparer.Ordinal))
        {
            if (torrent is { ArrivedAt: { } arrived, FinishedAt: { } finished })
            {
                yield return Text($"{torrent.Name}: final {(finished - arrived).TotalSeconds:0.00} s after its last piece.");
            }
        }
    }

    public IEnumerable<string> FindFaults()
    {
        if (sentBytes > _payload * MostResent || sentBytes < _payload)
        {
            yield return Text($"{sentBytes} bytes were sent for {_payload} of payload");
        }

        if (links == 0)
        {
            yield return "The destination linked no file.";
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
