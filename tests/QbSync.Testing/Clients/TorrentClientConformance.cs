using QbSync.Ports;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Testing.Clients;

/// <summary>
/// What every <see cref="ITorrentClient"/> must do, run on each implementation. A change is asked for, then waited for by reads, as the engines do.
/// Derived fixtures make the client; it and the tests see the same files under the same paths.
/// </summary>
[NonParallelizable]
public abstract partial class TorrentClientConformance
{
    private static int _seed = 1000;

    protected abstract ITorrentClient Client { get; }

    /// <summary>A folder that exists and that the client may read and write.</summary>
    protected abstract string DataFolder { get; }

    /// <summary>How long a change may take to be seen.</summary>
    protected virtual TimeSpan Patience => Waiting.TaskExtensions.Timeout;

    /// <summary>A folder of the test's own, empty.</summary>
    protected string Folder { get; private set; } = "";

    /// <summary>What the client says it can do: that it does, and what it cannot it refuses as unsupported, sending nothing.</summary>
    protected ClientCapabilities Can { get; private set; } = new();

    [SetUp]
    public async Task AskWhatItCanAsync() => Can = (await Client.DescribeAsync(refresh: false, CancellationToken.None).DefaultTimeout()).Capabilities;

    [SetUp]
    public void MakeFolder() => Folder = Directory.CreateDirectory(Path.Combine(DataFolder, $"t{Interlocked.Increment(ref _seed)}")).FullName;

    /// <summary>A torrent that no other test has.</summary>
    protected static TorrentBuilder Unique(string name, TorrentVersion version = TorrentVersion.V1, int pieceLength = 16 * 1024) =>
        new($"{name}-{Interlocked.Increment(ref _seed)}") { Seed = _seed, Version = version, PieceLength = pieceLength };

    /// <summary>Three files; pieces 1 and 3 lie across their bounds.</summary>
    protected static BuiltTorrent Several(TorrentVersion version = TorrentVersion.V1) =>
        Unique("several", version).AddFile("a.bin", 20_000).AddFile("sub/b.bin", 40_000).AddFile("sub/ünïcode ☃", 50_000).AddFile("empty", 0).Build();

    protected async Task<ClientTorrentId> AddAsync(BuiltTorrent torrent, bool skipCheck = false, string category = "", params string[] tags)
    {
        var outcome = await Client.AddAsync(
            new AddTorrentRequest { Torrent = torrent.Bytes, SavePath = Folder, SkipCheck = skipCheck, Category = category, Tags = tags },
            CancellationToken.None).DefaultTimeout();
        Assert.That(outcome, Is.EqualTo(AddTorrentOutcome.Taken));
        TorrentStatus? found = null;
        await Eventually.BecomesTrueAsync(async () => (found = await FindAsync(torrent)) is not null, Patience);

        // As the engines do: a client may take no tags with a torrent, and shows what it took.
        if (!found!.Tags.IsSupersetOf(tags))
        {
            await Client.AddTagsAsync([found.Id], tags, CancellationToken.None).DefaultTimeout();
        }

        return found.Id;
    }

    /// <summary>Whether a torrent of that version can be had; if not, that it is refused and leaves nothing.</summary>
    protected async Task<bool> HoldsAsync(TorrentVersion version)
    {
        if (version != TorrentVersion.V2 || Can.HoldsV2Torrents)
        {
            return true;
        }

        var torrent = Several(version);
        var outcome = await Client.AddAsync(new AddTorrentRequest { Torrent = torrent.Bytes, SavePath = Folder }, CancellationToken.None).DefaultTimeout();
        Assert.That(outcome, Is.Not.EqualTo(AddTorrentOutcome.Taken));
        Assert.That(await FindAsync(torrent), Is.Null);
        return false;
    }

    protected static void AssertUnsupported(AsyncTestDelegate call) => Assert.ThrowsAsync(
        Is.TypeOf<TorrentClientException>().With.Property(nameof(TorrentClientException.Fault)).EqualTo(ClientFault.Unsupported), call);

    protected Task<TorrentStatus?> FindAsync(BuiltTorrent torrent) =>
        Client.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, CancellationToken.None).DefaultTimeout();

    protected async Task<TorrentStatus> GetAsync(ClientTorrentId id)
    {
        var answer = await Client.GetAsync([id], CancellationToken.None).DefaultTimeout();
        Assert.That(answer, Has.Count.EqualTo(1));
        return answer[0];
    }

    protected async Task<TorrentStatus> UntilAsync(ClientTorrentId id, Func<TorrentStatus, bool> condition)
    {
        var status = await GetAsync(id);
        try
        {
            await Eventually.BecomesTrueAsync(async () => condition(status = await GetAsync(id)), Patience);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"The torrent stays {status}.");
        }

        return status;
    }

    /// <summary>Asks for a check and waits for its end, which old answers may seem to be.</summary>
    protected async Task<TorrentStatus> RecheckAsync(ClientTorrentId id, Func<TorrentStatus, bool> expected)
    {
        await Client.RecheckAsync(id, CancellationToken.None).DefaultTimeout();
        return await UntilAsync(id, status => !status.State.IsChecking() && expected(status));
    }

    protected static bool IsStoppedAndComplete(TorrentStatus status) => status is { State: ClientTorrentState.StoppedUp, Progress: 1, AmountLeft: 0 };
}
