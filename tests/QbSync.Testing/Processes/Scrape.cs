using System.Globalization;
using QbSync.Testing.Metrics;

namespace QbSync.Testing.Processes;

/// <summary>One reading of a <c>/metrics</c> endpoint, or of its text.</summary>
public sealed class Scrape(string text)
{
    private static readonly HttpClient Http = new() { Timeout = Waiting.TaskExtensions.Timeout };

    public string Text { get; } = Noted(text);

    /// <summary>Reads the endpoint; null while nobody answers.</summary>
    public static async Task<Scrape?> TryReadAsync(int port)
    {
        try
        {
            return new Scrape(await Http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/metrics")));
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException)
        {
            return null;
        }
    }

    private static string Noted(string text)
    {
        MovedSeries.Note(text);
        return text;
    }

    /// <summary>Sum over all label sets that hold every one of <paramref name="labels"/>, written as <c>mode="source"</c>.</summary>
    public double Sum(string name, params string[] labels) => Text.Split('\n')
        .Where(line => line.StartsWith(name, StringComparison.Ordinal) && line.Length > name.Length && (line[name.Length] is '{' or ' '))
        .Where(line => labels.All(label => line.Contains(label, StringComparison.Ordinal)))
        .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
}
