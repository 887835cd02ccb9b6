using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using QbSync.Testing.Machine;
using QbSync.Testing.Waiting;

namespace QbSync.Testing.Monitoring;

/// <summary>A value of a series; a query of a moment has one, a query of a range has several.</summary>
public readonly record struct PrometheusSample(DateTimeOffset At, double Value);

/// <summary>A series of an answer.</summary>
public sealed record PrometheusSeries(IReadOnlyDictionary<string, string> Labels, IReadOnlyList<PrometheusSample> Samples);

/// <summary>
/// A Prometheus of the machine's own package, with data of its own in a folder that goes with it, which scrapes every second. It is ended by its process.
/// Tests that need it are ignored where it is not installed.
/// </summary>
public sealed class PrometheusServer : IAsyncDisposable
{
    private readonly TempDirectory _folder = new();
    private readonly StringBuilder _output = new();
    private readonly Lock _gate = new();
    private readonly HttpClient _http;
    private readonly Process _process;

    private PrometheusServer(IEnumerable<(string Job, Uri Target)> targets)
    {
        var port = FreePorts.Take();
        _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = Waiting.TaskExtensions.Timeout };
        var jobs = targets.Select(static target => $"  - job_name: {target.Job}\n    static_configs:\n      - targets: ['{target.Target.Authority}']\n");
        File.WriteAllText(
            _folder["prometheus.yml"],
            $"global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\nscrape_configs:\n{string.Concat(jobs)}");
        var process = Promtool.TryStart(new ProcessStartInfo(
            "prometheus",
            [
                $"--config.file={_folder["prometheus.yml"]}", $"--storage.tsdb.path={_folder["data"]}", $"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
            ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        });
        if (process is null)
        {
            _folder.Dispose();
            Assert.Ignore("Prometheus is not installed.");
        }

        _process = process!;
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Starts it, and waits until it answers queries.</summary>
    /// <param name="targets">What it scrapes, each as a job.</param>
    public static async Task<PrometheusServer> StartAsync(params (string Job, Uri Target)[] targets)
    {
        var server = new PrometheusServer(targets);
        await Eventually.BecomesTrueAsync(async () =>
        {
            Assert.That(server._process.HasExited, Is.False, server.Output);
            try
            {
                using var answer = await server._http.GetAsync(new Uri("/-/ready", UriKind.Relative));
                return answer.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
        return server;
    }

    /// <summary>Asks for this moment. What Prometheus does not understand fails the test.</summary>
    public Task<IReadOnlyList<PrometheusSeries>> QueryAsync(string query) => AskAsync(query, $"/api/v1/query?query={Uri.EscapeDataString(query)}");

    /// <summary>Asks for a range, as a panel with a time axis does.</summary>
    public Task<IReadOnlyList<PrometheusSeries>> QueryAsync(string query, DateTimeOffset from, DateTimeOffset until, TimeSpan step) => AskAsync(
        query,
        string.Create(
            CultureInfo.InvariantCulture,
            $"/api/v1/query_range?query={Uri.EscapeDataString(query)}&start={Seconds(from)}&end={Seconds(until)}&step={step.TotalSeconds}"));

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync().DefaultTimeout();
        _process.Dispose();
        _http.Dispose();
        _folder.Dispose();
    }

    private string Output
    {
        get
        {
            lock (_gate)
            {
                return _output.ToString();
            }
        }
    }

    private async Task<IReadOnlyList<PrometheusSeries>> AskAsync(string query, string path)
    {
        using var answer = await _http.GetAsync(new Uri(path, UriKind.Relative));
        using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        Assert.That(json.RootElement.GetProperty("status").GetString(), Is.EqualTo("success"), $"{query}{Environment.NewLine}{json.RootElement.GetRawText()}");
        var data = json.RootElement.GetProperty("data");
        return data.GetProperty("resultType").GetString() == "scalar"
            ? [new PrometheusSeries(new Dictionary<string, string>(), [Sample(data.GetProperty("result"))])]
            : [.. data.GetProperty("result").EnumerateArray().Select(Series)];
    }

    private static PrometheusSeries Series(JsonElement series) => new(
        series.GetProperty("metric").EnumerateObject().ToDictionary(static label => label.Name, static label => label.Value.GetString()!),
        series.TryGetProperty("value", out var value) ? [Sample(value)] : [.. series.GetProperty("values").EnumerateArray().Select(Sample)]);

    private static PrometheusSample Sample(JsonElement pair) => new(
        DateTimeOffset.UnixEpoch.AddSeconds(pair[0].GetDouble()),
        pair[1].GetString() switch
        {
            "NaN" => double.NaN,
            "+Inf" => double.PositiveInfinity,
            "-Inf" => double.NegativeInfinity,
            var number => double.Parse(number!, CultureInfo.InvariantCulture),
        });

    private static string Seconds(DateTimeOffset time) => (time.ToUnixTimeMilliseconds() / 1000.0).ToString("F3", CultureInfo.InvariantCulture);

    private void Keep(string? line)
    {
        lock (_gate)
        {
            _output.AppendLine(line);
        }
    }
}
