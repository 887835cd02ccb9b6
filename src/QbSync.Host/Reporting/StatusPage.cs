using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace QbSync.Host.Reporting;

/// <summary>The status page as it is sent: whole, and of use without scripts. Its script keeps it up to date. Pure; every text of others is encoded.</summary>
internal static class StatusPage
{
    private const int ShownRecent = 10;
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);
    private static readonly string[] Template = Encoding.UTF8.GetString(Read("page.html")).Split("{{");

    /// <summary>The files that the page loads, with their types.</summary>
    public static IReadOnlyList<(string Name, string Type)> Assets { get; } =
        [("page.css", "text/css; charset=utf-8"), ("page.js", "text/javascript; charset=utf-8")];

    public static byte[] Read(string name)
    {
        using var stream = typeof(StatusPage).Assembly.GetManifestResourceStream($"QbSync.Host.Page.{name}")!;
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }

    public static byte[] Render(StatusDocument now)
    {
        var page = new StringBuilder(Template[0]);
        foreach (var part in Template.AsSpan(1))
        {
            var end = part.IndexOf("}}", StringComparison.Ordinal);
            page.Append(Value(part[..end], now)).Append(part, end + 2, part.Length - end - 2);
        }

        return Encoding.UTF8.GetBytes(page.ToString());
    }

    private static string Value(string name, StatusDocument now) => name switch
    {
        "row" => Row(new TorrentRow()),
        "torrents" => string.Concat((now.Torrents ?? []).Select(Row)),
        "source-cards" => now.SafeToDelete is null ? DestinationCards(now) : SourceCards(now),
        "waiting" => now.Waiting.Count == 0 ? Item(("quiet", "Nothing waits.")) : string.Concat(now.Waiting.Select(static one =>
            Item(("", $"{one.Count} for {WordOf(one.Reason)}"), ("quiet", $"oldest {Amounts.Duration(one.OldestSeconds)}")))),
        "recent" => now.Recent.Count == 0 ? Item(("quiet", "Nothing yet.")) : string.Concat(now.Recent.Take(ShownRecent).Select(static one =>
            Item(("name", one.Name), ("quiet", $"{one.What} {Clock(one.At)}")))),
        "words" => string.Join(' ', WaitingWords.All.Select(static word => $"data-{word.Key}=\"{Encode(word.Value)}\"")),
        "problem-hidden" => now.Problem is null ? " hidden" : "",
        "spark" => Spark(now.Throughput.Samples),
        _ => Encode(Text(name, now)),
    };

    private static string Text(string name, StatusDocument now) => name switch
    {
        "title" => $"{now.Name} – QbSync {now.Mode}",
        "mode" => now.Mode,
        "name" => now.Name,
        "state" => now.State,
        "version" => now.Version,
        "problem" => now.Problem ?? "",
        "rate" => Amounts.Rate(now.Throughput.Now),
        "spark-text" => now.Throughput.Samples.Where(static one => one is not null).ToList() is { Count: > 0 } known
            ? $"last {now.Throughput.Samples.Count} s: least {Amounts.Rate(known.Min())}, most {Amounts.Rate(known.Max())}"
            : "nothing measured yet",
        "pending" => now.Totals.Pending.ToString(CultureInfo.InvariantCulture),
        "eta" => now.Totals.Pending == 0 ? "nothing to do"
            : $"{Amounts.Bytes(now.Totals.BytesDone)} of {Amounts.Bytes(now.Totals.Bytes)}, {Amounts.Duration(now.Totals.EtaSeconds)} left",
        "finished" => $"{now.Totals.Finished} of {now.Totals.Torrents}",
        "failed" => now.Totals.Failed > 0 ? $"at the destination; {now.Totals.Failed} failed" : "at the destination",
        "free" => Amounts.Bytes(now.Space.Free),
        "min" => now.Space.Min is { } min ? $"{Amounts.Bytes(min)} must stay free" : "no limit",
        "client" => now.Client is null ? "none" : now.Client.Version ?? "not known yet",
        "client-state" => now.Client is null ? "" : Answers(now.Client.Ok),
        "more" => now.More > 0 ? $"and {now.More} more" : now.Torrents is { Count: > 0 } ? "" : "There are no torrents yet.",
        "at-iso" => now.At.ToString("O", CultureInfo.InvariantCulture),
        "at" => Clock(now.At),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "The template asks for what there is not."),
    };

    private static string SourceCards(StatusDocument now) =>
        Card("Safe to delete", ("figure", "safe", Amounts.Bytes(now.SafeToDelete!.Bytes)), ("quiet", "safe-text", SafeText(now.SafeToDelete)))
        + string.Concat((now.Peers ?? []).Take(1).Select(static peer => Card(
            "Destination",
            ("", "peer", $"{peer.Connections.Count} connections, {peer.Streams ?? 0} streams"),
            ("quiet", "peer-state", $"{peer.Address} {Answers(peer.Ok)}"))));

    private static string DestinationCards(StatusDocument now) => Card(
        "Sources",
        ("", "peer", $"{(now.Peers ?? []).Count(static peer => peer.Ok == true)} connected"),
        ("quiet", "peer-state", string.Join(", ", (now.Peers ?? []).Select(static peer => $"{peer.Name}{(peer.Ok == true ? "" : " (away)")}"))));

    private static string SafeText(SafeToDelete safe) =>
        safe.Torrents is { } count ? $"{count} {(count == 1 ? "torrent" : "torrents")}, whole at the destination" : "whole at the destination";

    private static string Card(string title, params (string Kind, string Id, string Text)[] lines) =>
        $"<div class=\"card\"><dt>{title}</dt>{string.Concat(lines.Select(static line => $"<dd class=\"{line.Kind}\" id=\"{line.Id}\">{Encode(line.Text)}</dd>"))}</div>\n";

    private static string Row(TorrentRow row)
    {
        var percent = Amounts.Percent(row.BytesDone, row.Bytes);
        var why = row.Error is { } error ? $"Failed: {error}"
            : row.WaitingFor == WaitingWords.None ? "" : $"Waits for {WordOf(row.WaitingFor)}{(row.Reason is { } reason ? $": {reason}" : "")}";
        return $"""
            <li data-hash="{Encode(row.Hash)}" data-finished="{(row.Finished ? "true" : "false")}"><div class="head"><span class="name" data-f="name">{Encode(row.Name)}</span><span class="pill" data-f="state">{Encode(row.State)}</span></div><div class="bar"><progress data-f="bar" max="100"{(percent is { } value ? $" value=\"{value}\"" : "")} aria-label="{Encode(row.Name)}"></progress><span data-f="percent">{(percent is null ? Amounts.Unknown : $"{percent} %")}</span></div><div class="facts"><span data-f="pieces">{(row.Pieces is null ? "pieces not known" : $"{row.PiecesDone} of {row.Pieces} pieces")}</span><span data-f="bytes">{(row.Bytes is null ? Amounts.Unknown : $"{Amounts.Bytes(row.BytesDone)} of {Amounts.Bytes(row.Bytes)}")}</span><span data-f="rate">{(row.Rate is > 0 ? Amounts.Rate(row.Rate) : "")}</span><span data-f="eta">{(row.EtaSeconds is null ? "" : $"{Amounts.Duration(row.EtaSeconds)} left")}</span><span class="why{(row.Error is null ? "" : " bad")}" data-f="why">{Encode(why)}</span></div></li>

            """;
    }

    private static string Item(params (string Kind, string Text)[] parts) =>
        $"<li>{string.Concat(parts.Select(static part => $"<span class=\"{part.Kind}\">{Encode(part.Text)}</span>"))}</li>\n";

    private static string Spark(IReadOnlyList<long?> samples)
    {
        var most = Math.Max(1, samples.Max() ?? 1);
        return string.Join(' ', samples.Select((one, i) =>
            string.Create(CultureInfo.InvariantCulture, $"{i + StatusMaker.Samples - samples.Count},{29 - (28.0 * (one ?? 0) / most):0.0}")));
    }

    private static string WordOf(string reason) => WaitingWords.All.TryGetValue(reason, out var word) && word.Length > 0 ? word : reason;

    private static string Answers(bool? ok) => ok switch { null => "not asked yet", true => "answers", false => "does not answer" };

    private static string Clock(DateTimeOffset at) => at.ToUniversalTime().ToString("HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    private static string Encode(string text) => Encoder.Encode(text);
}
