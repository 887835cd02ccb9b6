using System.Text;
using QbSync.Engine.Status;
using QbSync.Host.Reporting;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Reporting;

internal sealed class StatusDocumentTests
{
    private static readonly TorrentProgress Whole = StatusLab.Torrent(1, "Synced", 10) with { FinishedAt = DateTimeOffset.UnixEpoch };

    /// <summary>Each a state of a role that a document has to be made of.</summary>
    private static readonly (string What, EngineStatus? Engine)[] States =
    [
        ("not made yet", null),
        ("starting", new EngineStatus { At = default }),
        ("nothing there", StatusLab.Engine()),
        ("under way", StatusLab.Engine(StatusLab.Torrent(1))),
        ("nothing known of it", StatusLab.Engine(StatusLab.Torrent(1, "Discovered") with { Pieces = 0, PiecesDone = 0, Bytes = 0 })),
        ("whole", StatusLab.Engine(Whole)),
        ("failed", StatusLab.Engine(StatusLab.Torrent(1, "Failed") with { Reason = "three strikes" })),
        ("excluded", StatusLab.Engine(StatusLab.Torrent(1, "Excluded"))),
        ("at a stage", StatusLab.Engine(StatusLab.Torrent(1, "Finalizing (Checking)", 10))),
        ("client away", StatusLab.Engine(StatusLab.Torrent(1) with { WaitingFor = WaitingReason.Client }) with { ClientOk = false, Problem = "refused" }),
        ("peer away", StatusLab.Engine(StatusLab.Torrent(1) with { WaitingFor = WaitingReason.Peer }) with { PeerOk = false }),
        ("draining", StatusLab.Engine(Whole) with { IsDraining = true, FreeBytes = 5, DeletableBytes = 7 }),
    ];

    [Test]
    [HostCase(26)]
    public async Task Document_InEachState_IsOfTheSchema([Values] bool isSource, [Range(0, 11)] int state)
    {
        await using var lab = new StatusLab(isSource);
        lab.Show(States[state].Engine);
        Assert.That(SchemaCheck.Find(lab.Board.Current.Json, Schema()), Is.Empty, States[state].What);
    }

    [Test]
    [HostCase(26)]
    public void Schema_Check_FindsWhatIsWrong()
    {
        var text = Encoding.UTF8.GetString(new StatusSnapshot(1, new StatusDocument { Mode = "source", State = "running", Torrents = [] }).Json);
        Assert.Multiple(() =>
        {
            Assert.That(SchemaCheck.Find(Encoding.UTF8.GetBytes(text), Schema()), Is.Empty);
            Assert.That(SchemaCheck.Find(Encoding.UTF8.GetBytes(text.Replace("\"running\"", "\"odd\"")), Schema()), Has.Count.EqualTo(1));
            Assert.That(SchemaCheck.Find(Encoding.UTF8.GetBytes(text.Replace("\"more\":0", "\"more\":null")), Schema()), Has.Count.EqualTo(1));
            Assert.That(SchemaCheck.Find(Encoding.UTF8.GetBytes(text.Replace("\"more\":0", "\"less\":0")), Schema()), Has.Count.EqualTo(2));
        });
    }

    [Test]
    [HostCase(26)]
    public async Task Document_WhatIsNotKnown_IsNull()
    {
        await using var lab = new StatusLab();
        var now = lab.Show(StatusLab.Engine(StatusLab.Torrent(1, "Discovered") with { Pieces = 0, PiecesDone = 0, Bytes = 0 }));
        Assert.Multiple(() =>
        {
            Assert.That(now.Space, Is.EqualTo(new SpaceStatus(null, 100, null)));
            Assert.That(now.SafeToDelete, Is.EqualTo(new SafeToDelete(null, null)));
            Assert.That(now.Torrents![0], Has.Property("Bytes").Null.And.Property("BytesDone").Null.And.Property("Pieces").Null.And.Property("Rate").Null);
            Assert.That(now.Totals.Bytes, Is.Null);
            Assert.That(lab.Show(null).Throughput.Now, Is.Null);
        });
    }

    [Test]
    public async Task Torrent_ThatMoves_HasARateAndATime()
    {
        await using var lab = new StatusLab();
        lab.Show(StatusLab.Engine(StatusLab.Torrent(1, done: 2)));
        var row = lab.Show(StatusLab.Engine(StatusLab.Torrent(1, done: 4))).Torrents![0];
        Assert.That((row.BytesDone, row.Rate, row.EtaSeconds, row.WaitingFor), Is.EqualTo((4000L, 2000L, 3L, "none")));
    }

    [TestCase("Streaming", 0, "window")]
    [TestCase("Streaming", 1000, "rate-limit")]
    [TestCase("Receiving", 0, "peer")]
    [TestCase("Opening", 0, "destination-disk")]
    [TestCase("Finalizing (Checking)", 0, "verification")]
    [TestCase("Discovered", 0, "client")]
    [TestCase("Synced", 0, "peer")]
    [HostCase(27)]
    public async Task Torrent_ThatDoesNotMoveForTenSeconds_WaitsForSomething(string state, long limit, string reason)
    {
        await using var lab = new StatusLab();
        var engine = StatusLab.Engine(StatusLab.Torrent(1, state)) with { RateLimit = limit };
        Assert.That(lab.Show(engine).Torrents![0].WaitingFor, Is.EqualTo("none"));
        var later = lab.Pass(WaitingWords.Unmoved);
        Assert.That(later.Torrents![0].WaitingFor, Is.EqualTo(reason));
        Assert.That(later.Waiting, Is.EqualTo(new[] { new WaitingStatus(reason, 1, 0) }));
    }

    [Test]
    [HostCase(27)]
    public async Task Torrent_ThatSaysWhatItWaitsFor_IsShownSoEverywhere([Values] WaitingReason reason)
    {
        await using var lab = new StatusLab();
        var now = lab.Show(StatusLab.Engine(StatusLab.Torrent(1) with { WaitingFor = reason, Reason = "because" }));
        var word = now.Torrents![0].WaitingFor;
        var page = System.Net.WebUtility.HtmlDecode(Encoding.UTF8.GetString(StatusPage.Render(now)));
        Assert.Multiple(() =>
        {
            Assert.That(WaitingWords.All, Contains.Key(word), "a word of the API");
            Assert.That(Schema(), Does.Contain($"\"{word}\""));
            Assert.That(now.Waiting.Select(one => one.Reason), Is.EqualTo(reason == WaitingReason.None ? Array.Empty<string>() : [word]));
            Assert.That(page, reason == WaitingReason.None ? Does.Not.Contain("Waits for") : Does.Contain($"Waits for {WaitingWords.All[word]}: because"));
        });
    }

    [Test]
    public async Task Recent_WhatHappens_IsToldOnceAndNewestFirst()
    {
        await using var lab = new StatusLab();
        lab.Show(StatusLab.Engine(Whole, StatusLab.Torrent(2), StatusLab.Torrent(3)));
        lab.Show(StatusLab.Engine(Whole, StatusLab.Torrent(2, "Synced", 10) with { FinishedAt = DateTimeOffset.UnixEpoch }, StatusLab.Torrent(3)));
        var now = lab.Show(StatusLab.Engine(Whole, StatusLab.Torrent(3, "Failed")));
        Assert.That(now.Recent.Select(one => (one.What, one.Hash)), Is.EqualTo(new[] { ("gone", $"{StatusLab.Id(2)}"), ("failed", $"{StatusLab.Id(3)}"), ("synced", $"{StatusLab.Id(2)}") }));
    }

    [Test]
    [HostCase(31)]
    public async Task Document_FiveThousandTorrents_ShowsAThousandPendingFirst()
    {
        await using var lab = new StatusLab();
        var now = lab.Show(StatusLab.Engine([.. Enumerable.Range(1, 5000).Select(i => i % 10 == 0 ? StatusLab.Torrent(i) : Whole with { Id = StatusLab.Id(i) })]));
        Assert.Multiple(() =>
        {
            Assert.That(now.Torrents, Has.Count.EqualTo(1000));
            Assert.That(now.Torrents!.Take(500).Select(row => row.Finished), Has.All.False);
            Assert.That(now.Torrents!.Skip(500).Select(row => row.Finished), Has.All.True);
            Assert.That((now.More, now.Totals.Torrents, now.Totals.Pending), Is.EqualTo((4000, 5000, 500)));
        });
    }

    [Test]
    public async Task Snapshot_SinceAnEarlierOne_TellsWhatChanged()
    {
        await using var lab = new StatusLab();
        lab.Show(StatusLab.Engine(Whole, StatusLab.Torrent(2), StatusLab.Torrent(3)));
        var before = lab.Board.Current;
        lab.Show(StatusLab.Engine(Whole, StatusLab.Torrent(2, done: 6), StatusLab.Torrent(4)));
        var (changed, gone) = lab.Board.Current.Since(before);
        Assert.That(changed.Select(row => row.Hash), Is.EquivalentTo(new[] { $"{StatusLab.Id(2)}", $"{StatusLab.Id(4)}" }));
        Assert.That(gone, Is.EqualTo(new[] { $"{StatusLab.Id(3)}" }));
    }

    [Test]
    public void Names_HostileOrLong_AreMadeFit()
    {
        Assert.Multiple(() =>
        {
            Assert.That(ShownText.Escape("a\u202eb\nc"), Is.EqualTo("a\\u202eb\\u000ac"));
            Assert.That(ShownText.Mask("a\u202eb\u001bc"), Is.EqualTo("a?b?c"));
            Assert.That(ShownText.Escape(new string('x', 600)), Has.Length.EqualTo(512));
            Assert.That(ShownText.Escape(string.Concat(Enumerable.Repeat("😀", 300))).Length, Is.LessThanOrEqualTo(512).And.GreaterThan(500));
        });
    }

    private static string Schema()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "QbSync.sln")))
        {
            folder = folder.Parent!;
        }

        return File.ReadAllText(Path.Combine(folder.FullName, "docs", "status.schema.json"));
    }
}
