using System.Net;
using Microsoft.Extensions.Time.Testing;
using QbSync.Ports;
using QbSync.Testing.Clients.Sim;
using QbSync.Testing.Logging;
using QbSync.Testing.Machine;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.QBittorrent.Tests.Transcripts;

/// <summary>Adds whose answer and effect differ: it is sent once, and a look tells what became of it.</summary>
[ClientCase(17)]
[TestFixture("2.5.1"), TestFixture("2.8.19"), TestFixture("2.11.4"), TestFixture("2.16.2")]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class AddAnswersTests : IDisposable
{
    private readonly TempDirectory _folder = new();
    private readonly LogErrorGuard _log = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly SimClientOptions _sim;
    private readonly FakeQBittorrentServer _server;
    private readonly QBittorrentTorrentClient _client;
    private readonly PlanTorrents _torrents = new();

    public AddAnswersTests(string api)
    {
        _sim = new SimClientOptions { SavePath = _folder.CreateFolder("data"), Generation = new SimGeneration(Version.Parse(api)) };
        _server = new FakeQBittorrentServer(new SimClientModel(_sim, _time), new FakeServerOptions());
        var options = new QBittorrentOptions { Url = new Uri("http://127.0.0.1:8080/") };
        _client = new QBittorrentTorrentClient(new QBittorrentClient(options, _server, loggers: _log, time: _time, random: new Random(1)), options, _log, _time);
    }

    [TearDown]
    public async Task EndAsync()
    {
        await _client.DisposeAsync();
        _log.Verify();
    }

    public void Dispose()
    {
        _server.Dispose();
        _log.Dispose();
        _folder.Dispose();
    }

    [Test]
    public async Task Add_RefusedInWordsThoughDone_IsUnclear_AndFound()
    {
        _server.Intercept("torrents/add", (_, answer) =>
        {
            answer();
            return Task.FromResult(_sim.Generation.AnswersByStatus ? _server.Text(HttpStatusCode.Conflict, "Conflict") : _server.Text(HttpStatusCode.OK, "Fails."));
        });
        Assert.That(await AddAsync(), Is.EqualTo(AddTorrentOutcome.Unclear));
        await OnceAsync(listed: true);
    }

    [Test]
    public async Task Add_TakenInWordsThoughNotDone_IsTaken_AndNotFound()
    {
        _server.Intercept("torrents/add", (_, _) => Task.FromResult(_server.Text(HttpStatusCode.OK, "Ok.")));
        Assert.That(await AddAsync(), Is.EqualTo(AddTorrentOutcome.Taken));
        await OnceAsync(listed: false);
    }

    [Test]
    public async Task Add_Accepted202_IsTaken()
    {
        _server.Intercept("torrents/add", (_, answer) =>
        {
            answer();
            return Task.FromResult(_server.Text(HttpStatusCode.Accepted, ""));
        });
        Assert.That(await AddAsync(), Is.EqualTo(AddTorrentOutcome.Taken));
        await OnceAsync(listed: true);
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Add_WhoseAnswerIsLost_IsUnclear_AndSentOnce(bool isDone)
    {
        _server.Intercept("torrents/add", (_, answer) =>
        {
            if (isDone)
            {
                answer();
            }

            throw new HttpRequestException(HttpRequestError.ResponseEnded, "The connection was cut.");
        });
        Assert.That(await AddAsync(), Is.EqualTo(AddTorrentOutcome.Unclear));
        await OnceAsync(isDone);
    }

    [Test]
    public async Task Add_ListedTwentySecondsLater_IsFoundThen()
    {
        _sim.ListingDelay = TimeSpan.FromSeconds(20);
        Assert.That(await AddAsync(), Is.EqualTo(AddTorrentOutcome.Taken));
        Assert.That(await FindAsync(), Is.Null);
        _time.Advance(TimeSpan.FromSeconds(20));
        await OnceAsync(listed: true);
    }

    [Test]
    public async Task Add_OfAPresentTorrent_ChangesNothing_WhateverIsAnswered()
    {
        await AddAsync();
        var before = await FindAsync();
        Assert.That(await AddAsync("another"), Is.EqualTo(_sim.Generation.IsOldest ? AddTorrentOutcome.Taken : AddTorrentOutcome.Unclear));
        var after = await FindAsync();
        Assert.That(after!.SavePath, Is.EqualTo(before!.SavePath));
        Assert.That(after.Tags, Is.EquivalentTo(before.Tags));
    }

    private Task<AddTorrentOutcome> AddAsync() => AddAsync("");

    private Task<AddTorrentOutcome> AddAsync(string place) => _client.AddAsync(
        new AddTorrentRequest { Torrent = _torrents["v1"].Bytes, SavePath = Path.Combine(_sim.SavePath, place).TrimEnd('/') }, CancellationToken.None).DefaultTimeout();

    private Task<TorrentStatus?> FindAsync() =>
        _client.FindAsync(_torrents["v1"].Manifest.V1, _torrents["v1"].Manifest.V2, CancellationToken.None).DefaultTimeout();

    private async Task OnceAsync(bool listed)
    {
        Assert.That(_server.Calls.Count(static call => call.Endpoint == "torrents/add"), Is.EqualTo(1));
        Assert.That(await FindAsync(), listed ? Is.Not.Null : Is.Null);
        Assert.That(_server.Model.Look(static look => look.Torrents.Count()), Is.EqualTo(listed ? 1 : 0));
    }
}
