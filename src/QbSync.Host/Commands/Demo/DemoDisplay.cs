using System.Globalization;
using QbSync.Engine.Status;
using Spectre.Console;

namespace QbSync.Host.Commands.Demo;

/// <summary>Shows status snapshots while a demo runs: bars on a terminal, else a line each second.</summary>
internal sealed class DemoDisplay(IAnsiConsole console, TimeProvider time)
{
    private readonly long _started = time.GetTimestamp();

    /// <summary>Shows <paramref name="status"/> until <paramref name="isOver"/> says so; four times a second on a terminal.</summary>
    public Task ShowAsync(Func<EngineStatus?> status, Func<EngineStatus?, bool> isOver, CancellationToken cancellationToken) =>
        console.Profile.Capabilities.Interactive
            ? console.Live(Bars(status())).StartAsync(live => LoopAsync(TimeSpan.FromMilliseconds(250), now => live.UpdateTarget(Bars(now)), status, isOver, cancellationToken))
            : LoopAsync(TimeSpan.FromSeconds(1), now => console.Profile.Out.Writer.WriteLine(PlainLine(now)), status, isOver, cancellationToken);

    private async Task LoopAsync(
        TimeSpan interval, Action<EngineStatus?> show, Func<EngineStatus?> status, Func<EngineStatus?, bool> isOver, CancellationToken cancellationToken)
    {
        using var shown = new PeriodicTimer(TimeSpan.FromMilliseconds(50), time);
        var last = long.MinValue;
        while (true)
        {
            var now = status();
            var over = isOver(now);
            if (over || last == long.MinValue || time.GetElapsedTime(last) >= interval)
            {
                show(now);
                last = time.GetTimestamp();
            }

            if (over)
            {
                return;
            }

            await shown.WaitForNextTickAsync(cancellationToken);
        }
    }

    private Table Bars(EngineStatus? status)
    {
        var table = new Table().NoBorder().AddColumn("torrent").AddColumn("").AddColumn("pieces").AddColumn("state");
        foreach (var torrent in Ordered(status))
        {
            var full = torrent.Pieces == 0 ? 0 : 30 * torrent.PiecesDone / torrent.Pieces;
            table.AddRow(
                Markup.Escape(torrent.Name),
                $"[green]{new string('━', full)}[/][grey]{new string('─', 30 - full)}[/]",
                $"{torrent.PiecesDone}/{torrent.Pieces}",
                Markup.Escape(Describe(torrent)));
        }

        table.AddRow("", "", "", Invariant($"{status?.BytesPerSecond / (1 << 20) ?? 0:0} MiB/s after {time.GetElapsedTime(_started).TotalSeconds:0.0} s"));
        return table;
    }

    private string PlainLine(EngineStatus? status)
    {
        var torrents = Ordered(status).Select(torrent => Invariant(
            $"{torrent.Name[..1]} {torrent.PiecesDone}/{torrent.Pieces} {(torrent.Pieces == 0 ? 0 : 100 * torrent.PiecesDone / torrent.Pieces)}% {Describe(torrent)}"));
        return Invariant($"{time.GetElapsedTime(_started).TotalSeconds,6:0.0} s  {string.Join("  |  ", torrents)}  |  {status?.BytesPerSecond / (1 << 20) ?? 0:0} MiB/s");
    }

    private static IEnumerable<TorrentProgress> Ordered(EngineStatus? status) => (status?.Torrents ?? []).OrderBy(torrent => torrent.Name, StringComparer.Ordinal);

    private static string Describe(TorrentProgress torrent) =>
        torrent.WaitingFor == WaitingReason.None ? torrent.State : $"{torrent.State}, waits for {torrent.WaitingFor}".ToLowerInvariant();

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
