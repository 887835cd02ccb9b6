using System.Globalization;
using System.Text;
using QbSync.Host.Reporting;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace QbSync.Host.Commands.Control;

/// <summary>In which order torrents are shown.</summary>
internal enum StatusOrder
{
    /// <summary>As they were told: those under way first, by name.</summary>
    Told,

    /// <summary>The fastest first.</summary>
    Rate,

    /// <summary>Those that wait longest first.</summary>
    Oldest,
}

/// <summary>A status as lines of a terminal. Pure: it knows nothing of a console but its size.</summary>
internal static class StatusScreen
{
    private const int LinesOfATorrent = 2;
    private const int LeastBar = 8;

    /// <param name="height">Lines that there are; null for as many as it takes.</param>
    /// <param name="lost">What is wrong with the connection; null when nothing is.</param>
    public static IRenderable Draw(StatusDocument now, int width, int? height, StatusOrder order, string? lost = null)
    {
        List<string> lines = [.. Head(now, width)];
        if (lost is not null)
        {
            lines.Add(Line("red", $"Connection lost, last seen {Clock(now.At)}. {lost}", width));
        }

        if (now.Problem is { } problem)
        {
            lines.Add(Line("yellow", problem, width));
        }

        lines.Add("");
        var torrents = Sorted(now.Torrents ?? [], order).ToList();

        // The last line of a terminal stays free, and one is for how many more there are.
        var room = height is { } rows ? Math.Max(1, (rows - lines.Count - 2) / LinesOfATorrent) : torrents.Count;
        foreach (var torrent in torrents.Take(room))
        {
            lines.AddRange(Torrent(torrent, width));
        }

        if (torrents.Count - room + now.More is > 0 and var more)
        {
            lines.Add(Line("grey", $"{more} more", width));
        }

        return new Rows(lines.Select(static line => line.Length == 0 ? (IRenderable)new Text("") : new Markup(line)));
    }

    private static IEnumerable<string> Head(StatusDocument now, int width)
    {
        yield return Both("bold", $"QbSync {now.Mode} {now.Name} {now.Version}", now.State == "running" ? "green" : "yellow", now.State, width);
        yield return Line("", $"{Amounts.Rate(now.Throughput.Now)}, {Work(now.Totals)}", width);
        yield return Line("", $"{now.Totals.Finished} of {now.Totals.Torrents} at the destination{(now.Totals.Failed > 0 ? $", {now.Totals.Failed} failed" : "")}", width);
        if (now.Client is { } client)
        {
            yield return Line("", $"Client {client.Version ?? "not known yet"}: {Answers(client.Ok)}", width);
        }

        foreach (var peer in now.Peers ?? [])
        {
            yield return Line(
                "",
                peer.Address is null ? $"Source {peer.Name}: {(peer.Ok == true ? "connected" : "not connected")}"
                    : $"Destination {peer.Address}: {Answers(peer.Ok)}, {peer.Connections.Count} connections",
                width);
        }

        var min = now.Space.Min is { } least ? $", {Amounts.Bytes(least)} must stay" : "";
        var safe = now.SafeToDelete is { } some ? $"; safe to delete {Amounts.Bytes(some.Bytes)}{(some.Torrents is { } count ? $" of {count}" : "")}" : "";
        yield return Line("", $"Space {Amounts.Bytes(now.Space.Free)} free{min}{safe}", width);
        if (now.Waiting.Count > 0)
        {
            yield return Line("", $"Waiting: {string.Join(", ", now.Waiting.Select(static one => $"{one.Count} for {one.Reason}"))}", width);
        }
    }

    private static string Work(TotalsStatus totals) => totals.Pending == 0
        ? "nothing to do"
        : $"{totals.Pending} under way, {Amounts.Bytes(totals.BytesDone)} of {Amounts.Bytes(totals.Bytes)}, {Amounts.Duration(totals.EtaSeconds)} left";

    private static IEnumerable<string> Torrent(TorrentRow row, int width)
    {
        var state = row.Error is null ? row.WaitingFor == WaitingWords.None ? row.State : $"{row.State}, waits for {row.WaitingFor}" : "failed";
        yield return Both("", row.Name, row.Error is null ? "grey" : "red", state, width);
        var percent = Amounts.Percent(row.BytesDone, row.Bytes);
        var facts = row.Error is { } error ? $"  {error}" : string.Create(
            CultureInfo.InvariantCulture,
            $" {(percent is null ? Amounts.Unknown : $"{percent} %"),6}  {(row.Rate is > 0 ? Amounts.Rate(row.Rate) + "  " : "")}{(row.EtaSeconds is null ? "" : Amounts.Duration(row.EtaSeconds))}");
        facts = Fit(facts, width - LeastBar);
        var bar = Math.Min(40, Math.Max(LeastBar, width - CellsOf(facts)));
        var full = bar * (percent ?? 0) / 100;
        yield return $"[green]{new string('━', full)}[/][grey]{new string('─', bar - full)}[/]{Markup.Escape(facts)}";
    }

    private static IEnumerable<TorrentRow> Sorted(IReadOnlyList<TorrentRow> rows, StatusOrder order) => order switch
    {
        StatusOrder.Rate => rows.OrderByDescending(static row => row.Rate ?? 0),
        StatusOrder.Oldest => rows.OrderBy(static row => row.Finished).ThenBy(static row => row.Since),
        _ => rows,
    };

    private static string Answers(bool? ok) => ok switch { null => "not asked yet", true => "answers", false => "does not answer" };

    private static string Clock(DateTimeOffset at) => at.ToUniversalTime().ToString("HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    private static string Line(string style, string text, int width) => Style(style, Fit(text, width));

    /// <summary>One text at the left and one at the right, which is the shorter one and stays whole.</summary>
    private static string Both(string leftStyle, string left, string rightStyle, string right, int width)
    {
        var end = Fit(right, width / 2);
        var begin = Fit(left, width - CellsOf(end) - 1);
        return $"{Style(leftStyle, begin)}{new string(' ', width - CellsOf(begin) - CellsOf(end))}{Style(rightStyle, end)}";
    }

    private static string Style(string style, string text) => style.Length == 0 ? Markup.Escape(text) : $"[{style}]{Markup.Escape(text)}[/]";

    /// <summary>As much of it as fits, with nothing in it that a terminal obeys.</summary>
    private static string Fit(string text, int width)
    {
        var shown = ShownText.Mask(text);
        if (CellsOf(shown) <= width)
        {
            return shown;
        }

        var cut = new StringBuilder();
        var cells = 0;
        var parts = StringInfo.GetTextElementEnumerator(shown);
        while (parts.MoveNext())
        {
            var part = parts.GetTextElement();
            cells += CellsOf(part);
            if (cells > width - 1)
            {
                break;
            }

            cut.Append(part);
        }

        return cut.Append('…').ToString();
    }

    private static int CellsOf(string text) => new Segment(text).CellCount();
}
