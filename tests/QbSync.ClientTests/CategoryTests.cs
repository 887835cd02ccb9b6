using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.ClientTests;

/// <summary>A torrent's category at a real client that does not have it, has it with a path of its own, or does not take it.</summary>
[Category("Real")]
[Parallelizable(ParallelScope.All)]
internal sealed class CategoryTests
{
    /// <summary>Event of a mark that the client does not show.</summary>
    private const string MarkNotSeen = nameof(MarkNotSeen);

    private DestinationLab _lab = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _lab = await DestinationLab.StartAsync();

    [TearDown]
    public void LookAtClients() => _lab.AssertClientRuns();

    [OneTimeTearDown]
    public async Task EndAsync()
    {
        if (_lab is not null)
        {
            await _lab.DisposeAsync();
        }
    }

    [Test, ClientCase(45)]
    public async Task ACategory_ThatIsMissing_IsMade()
    {
        var status = await CompleteAsync("missing", 360, "made here/é");
        Assert.That(status.Category, Is.EqualTo("made here/é"));
    }

    [Test, ClientCase(45)]
    public async Task ACategory_WithAPathOfItsOwn_LeavesTheContentWhereItIs()
    {
        var theirs = Directory.CreateDirectory(Path.Combine(_lab.Data, "of the category")).FullName;
        await PostAsync("torrents/createCategory", ("category", "with a path"), ("savePath", theirs));
        var status = await CompleteAsync("with path", 361, "with a path");
        Assert.That((status.Category, status.SavePath.TrimEnd('/'), status.IsManagedByCategory), Is.EqualTo(("with a path", Path.Combine(_lab.Data, "place with path"), false)));
        Assert.That(Directory.EnumerateFileSystemEntries(theirs), Is.Empty);
    }

    [Test, ClientCase(45)]
    public async Task ACategory_ThatTheClientDoesNotTake_IsGoneOnWithout_AndTriedAgain()
    {
        // No slash may stand at an end, nor two together.
        const string Category = "not//valid/";
        var status = await CompleteAsync("invalid", 362, Category);
        Assert.That(status.Category, Is.Empty);
        var before = Tries();
        await Eventually.BecomesTrueAsync(() => Tries() >= before + 2, expression: "the category is tried again");
        Assert.That((await _lab.Client.GetAsync([status.Id], CancellationToken.None)).Single().Category, Is.Empty);
    }

    private int Tries() => _lab.Logs.Entries.Count(static entry => entry.Id.Name == MarkNotSeen);

    private async Task<TorrentStatus> CompleteAsync(string name, int seed, string category)
    {
        var torrent = new TorrentBuilder($"category {name}") { PieceLength = 16 * 1024, Seed = seed, Length = 40_000 }.Build();
        var init = DestinationLab.MakeInit(torrent, null, ContentLayout.Original, $"place {name}");
        var status = await _lab.CompleteAsync(torrent, init with { Parameters = new TorrentParameters { Category = category } });
        Assert.That(status is { IsComplete: true, IsStopped: true }, Is.True);
        Assert.That(torrent.FindDifference(Path.Combine(_lab.Data, $"place {name}")), Is.Null);
        return status;
    }

    /// <summary>What a person does in the WebUI.</summary>
    private async Task PostAsync(string endpoint, params (string Name, string Value)[] fields)
    {
        using var http = new HttpClient();
        using var form = new FormUrlEncodedContent(fields.Select(static field => KeyValuePair.Create(field.Name, field.Value)));
        using var answer = await http.PostAsync(new Uri(_lab.Instance.Url, "api/v2/" + endpoint), form);
        Assert.That(answer.StatusCode, Is.EqualTo(System.Net.HttpStatusCode.OK));
    }
}
