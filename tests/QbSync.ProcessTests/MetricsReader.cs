using System.Net;
using QbSync.Testing.Metrics;
using QbSync.Testing.Processes;
using QbSync.Testing.Waiting;

namespace QbSync.ProcessTests;

/// <summary>Reads a source's <c>/metrics</c> again and again, from its first answer to its last: each is a whole one.</summary>
/// <param name="told">What the process says when pieces are lost.</param>
internal sealed class MetricsReader(QbSyncProcess source, int port, string told)
{
    private static readonly MetricsContract Contract = MetricsContract.Read();
    private static readonly HttpClient Http = new() { Timeout = Testing.Waiting.TaskExtensions.Timeout };
    private readonly List<double> _lostSinceTold = [];
    private volatile Exposition? _last;
    private volatile Task? _reading;
    private int _answers;

    /// <summary>The last answer; null while there is none.</summary>
    public Exposition? Last => _last;

    public int Answers => Volatile.Read(ref _answers);

    /// <summary>Pieces lost in a drain, in each answer to what was asked after the process had told of them. Once the reading has ended.</summary>
    public IReadOnlyList<double> LostSinceTold => _lostSinceTold;

    /// <summary>Ends when the process answers no more, having answered before.</summary>
    public Task ReadToTheEndAsync() => _reading = Task.Run(ReadAsync);

    /// <summary>Waits for an answer of which this is true.</summary>
    public async Task SeesAsync(Func<Exposition, bool> condition)
    {
        await Eventually.BecomesTrueAsync(() => (Last is { } last && condition(last)) || _reading!.IsCompleted);
        Assert.That(_reading!.IsCompleted, Is.False, () => $"It ended, or stopped to answer:{Environment.NewLine}{_reading.Exception}{Environment.NewLine}{source.Output}");
    }

    private async Task ReadAsync()
    {
        HashSet<string>? born = null;
        while (true)
        {
            var isTold = source.Output.Contains(told, StringComparison.Ordinal);
            string text;
            try
            {
                using var answer = await Http.GetAsync(new Uri($"http://127.0.0.1:{port}/metrics"));
                Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
                text = await answer.Content.ReadAsStringAsync();
            }
            catch (HttpRequestException) when (born is null && !source.HasExited)
            {
                continue; // it starts
            }
            catch (HttpRequestException)
            {
                return;
            }

            var scrape = Exposition.Parse(text);
            born ??= [.. MetricsContract.ListLasting(scrape)];
            Assert.That(Contract.FindMissing("source", hasClient: false, scrape), Is.Empty, "families");
            Assert.That(born.Except(MetricsContract.ListLasting(scrape)), Is.Empty, "series");
            if (isTold)
            {
                _lostSinceTold.Add(scrape.Sum("qbsync_drain_timeout_pieces_lost_total"));
            }

            MovedSeries.Note(text);
            Interlocked.Increment(ref _answers);
            _last = scrape;
        }
    }
}
