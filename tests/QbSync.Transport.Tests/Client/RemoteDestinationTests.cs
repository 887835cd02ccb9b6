using System.Security.Cryptography;
using Grpc.Net.Client;
using Microsoft.Extensions.Time.Testing;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Machine;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Torrents;
using QbSync.Transport.Tests.Server;
using AbortCause = QbSync.Ports.AbortCause;
using AbortRequest = QbSync.Ports.AbortRequest;
using ClientView = QbSync.Outcomes.ClientView;
using Place = QbSync.Ports.Place;
using Refusal = QbSync.Outcomes.Refusal;
using RefusalReason = QbSync.Outcomes.RefusalReason;

namespace QbSync.Transport.Tests.Client;

/// <summary>Every verb over real gRPC on the loopback.</summary>
internal sealed class RemoteDestinationTests : LoopbackVerbs
{
    [Test]
    public async Task Hello_TellsWhoCallsAndWhatAnswers()
    {
        var greeting = await Remote.HelloAsync(Caller, default).DefaultTimeout();
        Assert.That(greeting with { Clock = null }, Is.EqualTo(new DestinationGreeting(42, "fake", TimeSpan.FromSeconds(45))));
        Assert.That(greeting.Clock, Is.Not.Null);
        Assert.That(Fake.Requests.Single().Caller, Is.EqualTo(Caller));
    }

    [Test]
    [TransportCase(6)]
    public async Task GetStatus_OfManyLargeTorrents_IsAskedUntilAllAreAnswered()
    {
        var ids = Enumerable.Range(0, 256).Select(NumberedId).ToList();
        var have = new PieceBitmap(2_097_152);
        have.SetAll();
        Fake.OnStatus = request =>
            [.. request.Torrents.Select(id => new DestinationTorrentStatus { Id = id, State = DestinationTorrentState.Receiving, Epoch = 7, Have = have })];
        var answers = await Remote.GetStatusAsync(Caller, new StatusRequest(ids, true), default).DefaultTimeout();
        Assert.That(answers.Select(answer => answer.Id), Is.EqualTo(ids));
        Assert.That(answers, Has.All.Matches<DestinationTorrentStatus>(answer => answer.Have!.IsFull && answer.Deferred!.Count == 0));

        // A bitmap has 256 KiB: an answer of 1 MiB at most has no more than three.
        Assert.That(Fake.Requests.Count(request => request.Request is StatusRequest), Is.GreaterThanOrEqualTo(256 / 3));
    }

    [Test]
    [TransportCase(6)]
    public async Task GetStatus_OfTooManyTorrents_IsMalformed()
    {
        var ids = Enumerable.Range(0, 257).Select(NumberedId).ToList();
        var error = await CatchAsync(() => Remote.GetStatusAsync(Caller, new StatusRequest(ids, false), default).AsTask());
        Assert.That(error.Fault, Is.EqualTo(PeerFault.Malformed));
    }

    [Test]
    public async Task Init_WithTorrentAndFiles_ArrivesWhole()
    {
        var torrent = RandomNumberGenerator.GetBytes(5 << 20);
        var request = NewInit() with
        {
            Torrent = torrent,
            Files = [new SourceFile(0, new FileIdentity(1, 2, 3, 4), []), new SourceFile(1, null, ["a", "b"])],
            FilesDigest = SHA256.HashData(torrent),
            IsDownloading = true,
        };
        var have = new PieceBitmap(9);
        have.Set(3);
        Fake.OnInit = _ => new InitOutcome.Open(1, 11, have, new PieceBitmap(9), true, OldPlace: true);
        var outcome = await Remote.InitAsync(Caller, request, default).DefaultTimeout();
        var open = (InitOutcome.Open)outcome;
        Assert.That((open.Incarnation, open.Epoch, open.OwnNames, open.OldPlace), Is.EqualTo((42UL, 11UL, true, true)));
        Assert.That(open.Have.ContentEquals(have));

        var seen = Fake.Requests.Select(item => item.Request).OfType<InitRequest>().Single();
        Assert.That(seen.Torrent.Span.SequenceEqual(torrent));
        Assert.That(seen.Files!.Select(file => (file.FileIndex, file.Identity)), Is.EqualTo(request.Files!.Select(file => (file.FileIndex, file.Identity))));
        Assert.That(seen.Files![1].Name, Is.EqualTo(new[] { "a", "b" }));
        Assert.That(seen.FilesDigest.ToArray(), Is.EqualTo(request.FilesDigest.ToArray()));
        Assert.That(seen.Place.SubPath, Is.EqualTo(new[] { "films", "new" }));
        Assert.That((seen.Place.Layout, seen.Place.Root, seen.IsDownloading), Is.EqualTo((ContentLayout.Subfolder, "disk", true)));
        Assert.That(seen.Parameters.Tags, Is.EqualTo(new[] { "x", "y" }));
        Assert.That((seen.Parameters.Category, seen.Parameters.AddedAt, seen.Parameters.CompletedAt), Is.EqualTo(("films", request.Parameters.AddedAt, (DateTimeOffset?)null)));
    }

    [Test]
    public async Task Init_EachAnswer_Crosses()
    {
        InitOutcome[] outcomes =
        [
            new InitOutcome.Running(new OperationProgress(FinalizeStage.Opening, 3, 9, RefusalReason.NoSpace)),
            new InitOutcome.Refused(new Refusal(RefusalReason.TorrentFileNeeded)),
        ];
        foreach (var outcome in outcomes)
        {
            Fake.OnInit = _ => outcome;
            Assert.That(await Remote.InitAsync(Caller, NewInit(), default).DefaultTimeout(), Is.EqualTo(outcome));
        }

        Fake.OnInit = _ => new InitOutcome.Complete(new CompletionView(new byte[] { 1 }, null, new byte[] { 0x80 }));
        var complete = (InitOutcome.Complete)await Remote.InitAsync(Caller, NewInit(), default).DefaultTimeout();
        Assert.That(complete.View.Selection.ToArray(), Is.EqualTo(new byte[] { 0x80 }));
    }

    [Test]
    public async Task Init_TorrentAboveTheLimit_IsALimit()
    {
        await using var small = await DestinationServer.StartAsync(Fake, Logs, options => options.MaxTorrentBytes = 1 << 20, time: new FakeTimeProvider(TimeProvider.System.GetUtcNow()));
        await using var remote = Connect(small.Port);
        var error = await CatchAsync(() => remote.InitAsync(Caller, NewInit() with { Torrent = new byte[5 << 20] }, default).AsTask());
        Assert.That(error.Fault, Is.EqualTo(PeerFault.Limit));
        Assert.That(error.Message, Does.Contain("5242880"));
    }

    [Test]
    public async Task Finalize_EachAnswer_Crosses()
    {
        var have = new PieceBitmap(5);
        FinalizeOutcome[] outcomes =
        [
            new FinalizeOutcome.Running(new OperationProgress(FinalizeStage.Verifying, 1, 2)),
            new FinalizeOutcome.Unknown(),
            new FinalizeOutcome.Refused(new Refusal(RefusalReason.SelectionChanged, "why")),
        ];
        var request = new FinalizeRequest { Id = Id, SelectionFingerprint = new byte[] { 1, 2, 3 }, Parameters = new TorrentParameters { Category = "c" } };
        foreach (var outcome in outcomes)
        {
            Fake.OnFinalize = _ => outcome;
            Assert.That(await Remote.FinalizeAsync(Caller, request, default).DefaultTimeout(), Is.EqualTo(outcome));
        }

        Fake.OnFinalize = _ => new FinalizeOutcome.Incomplete(4, have, have);
        var incomplete = (FinalizeOutcome.Incomplete)await Remote.FinalizeAsync(Caller, request, default).DefaultTimeout();
        Assert.That((incomplete.Epoch, incomplete.Have.Length), Is.EqualTo((4UL, 5)));

        var view = new ClientView(ClientTorrentState.StoppedUp, 1, 0, TimeProvider.System.GetUtcNow());
        Fake.OnFinalize = _ => new FinalizeOutcome.Complete(new CompletionView(new byte[] { 9 }, view, new byte[] { 0xc0 }));
        var complete = (FinalizeOutcome.Complete)await Remote.FinalizeAsync(Caller, request, default).DefaultTimeout();
        Assert.That((complete.View.Client!.State, complete.View.Client.Progress), Is.EqualTo((ClientTorrentState.StoppedUp, 1.0)));

        var seen = Fake.Requests.Select(item => item.Request).OfType<FinalizeRequest>().First();
        Assert.That(seen.SelectionFingerprint.ToArray(), Is.EqualTo(new byte[] { 1, 2, 3 }));
        Assert.That(seen.Parameters.Category, Is.EqualTo("c"));
    }

    [Test]
    public async Task Abort_EachAnswer_Crosses()
    {
        AbortOutcome[] outcomes =
        [
            new AbortOutcome.Done(3, 1L << 40),
            new AbortOutcome.FinalizingInstead(),
            new AbortOutcome.Running(new OperationProgress(FinalizeStage.Queued, 0, 0)),
            new AbortOutcome.Refused(new Refusal(RefusalReason.HandedOff)),
        ];
        foreach (var outcome in outcomes)
        {
            Fake.OnAbort = _ => outcome;
            Assert.That(await Remote.AbortAsync(Caller, new AbortRequest(Id, AbortCause.Excluded), default).DefaultTimeout(), Is.EqualTo(outcome));
        }

        Assert.That(Fake.Requests.Select(item => item.Request).OfType<AbortRequest>(), Has.All.EqualTo(new AbortRequest(Id, AbortCause.Excluded)));
    }

    [Test]
    public async Task Abort_ModeKeep_Arrives()
    {
        var request = new AbortRequest(Id, AbortCause.Operator, Ports.AbortMode.Keep);
        await Remote.AbortAsync(Caller, request, default).DefaultTimeout();
        Assert.That(Fake.Requests.Select(item => item.Request).OfType<AbortRequest>().Single(), Is.EqualTo(request));
    }

    [Test]
    public async Task Watch_UpdatesOfEachKind_Arrive()
    {
        var status = new DestinationTorrentStatus { Id = Id, State = DestinationTorrentState.Receiving, HeldPieces = 3, NeededPieces = 4 };
        Fake.Tell(new DestinationUpdate.Changed(status));
        Fake.Tell(new DestinationUpdate.HaveChanged(Id, 1, 2, new PieceBitmap(8), new PieceBitmap(8)));
        Fake.Tell(new DestinationUpdate.Room());
        Fake.Tell(new DestinationUpdate.Stopping());
        List<DestinationUpdate> seen = [];
        await foreach (var update in Remote.WatchAsync(Caller, default))
        {
            seen.Add(update);
            if (seen.Count == 4)
            {
                break;
            }
        }

        Assert.That(((DestinationUpdate.Changed)seen[0]).Status.HeldPieces, Is.EqualTo(3));
        Assert.That(((DestinationUpdate.HaveChanged)seen[1]).Losses, Is.EqualTo(2UL));
        Assert.That(seen[2], Is.TypeOf<DestinationUpdate.Room>());
        Assert.That(seen[3], Is.TypeOf<DestinationUpdate.Stopping>());
    }

    [Test]
    public async Task Watch_PeerStops_SaysSoAndEndsWithAPeerFault()
    {
        await using var updates = Remote.WatchAsync(Caller, default).GetAsyncEnumerator();
        Fake.Tell(new DestinationUpdate.Beat());
        Assert.That(await updates.MoveNextAsync().DefaultTimeout(), Is.True);
        var stopping = Server.DisposeAsync();
        Assert.That(await updates.MoveNextAsync().DefaultTimeout(), Is.True);
        Assert.That(updates.Current, Is.TypeOf<DestinationUpdate.Stopping>());
        var error = await CatchAsync(() => updates.MoveNextAsync().AsTask());
        Assert.That(error.Fault, Is.EqualTo(PeerFault.Unreachable));
        await stopping.DefaultTimeout();
    }

    [Test]
    [TransportCase(11)]
    public async Task Watch_CancelledByItsReader_IsACancellation()
    {
        using var cancel = new CancellationTokenSource();
        await using var updates = Remote.WatchAsync(Caller, cancel.Token).GetAsyncEnumerator(cancel.Token);
        var next = updates.MoveNextAsync().AsTask();
        await Eventually.BecomesTrueAsync(() => Fake.Requests.Any(item => item.Request is "watch"));
        await cancel.CancelAsync();
        Assert.That(async () => await next.DefaultTimeout(), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    [TransportCase(5)]
    public async Task Calls_AfterTheDestinationRestarted_SayHelloOnceAndAreRepeated()
    {
        await Remote.GetStatusAsync(Caller, new StatusRequest([Id], false), default).DefaultTimeout();
        var port = Server.Port;
        await Server.DisposeAsync();
        var restarted = new FakeDestination { Incarnation = 43 };
        restarted.OnInit = _ => new InitOutcome.Open(43, 1, new PieceBitmap(1), new PieceBitmap(1), false);
        Server = await DestinationServer.StartAsync(restarted, Logs, port: port, time: new FakeTimeProvider(TimeProvider.System.GetUtcNow()));

        // The first call may still meet the dead connection.
        await Eventually.BecomesTrueAsync(async () =>
        {
            try
            {
                await Remote.GetStatusAsync(Caller, new StatusRequest([Id], false), default);
                return true;
            }
            catch (PeerException e) when (e.IsTransient)
            {
                return false;
            }
        });
        var calls = Enumerable.Range(0, 50).Select(_ => Remote.InitAsync(Caller, NewInit(), default).AsTask());
        foreach (var outcome in await Task.WhenAll(calls).DefaultTimeout())
        {
            Assert.That(outcome is InitOutcome.Open { Incarnation: 43 });
        }

        Assert.That(restarted.Requests.Count(item => item.Request is "hello"), Is.EqualTo(1));
        Assert.That(Logs.Entries.Count(entry => entry.Id.Id == TransportEventIds.IncarnationChanged), Is.EqualTo(1));
    }

    [Test]
    [TransportCase(5)]
    public async Task Calls_FiftyAtOnceWhoseSessionIsGone_OneHelloAndEachOnceMore()
    {
        var time = new FakeTimeProvider();
        await using var server = await DestinationServer.StartAsync(Fake, Logs, time: time);
        await using var remote = Connect(server.Port);
        await remote.GetStatusAsync(Caller, new StatusRequest([Id], false), default).DefaultTimeout();
        Fake.Incarnation = 43;
        Fake.Requests.Clear();
        time.Advance(TimeSpan.FromMinutes(11));
        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => remote.GetStatusAsync(Caller, new StatusRequest([Id], false), default).AsTask())).DefaultTimeout();
        Assert.That(Fake.Requests.Count(static item => item.Request is "hello"), Is.EqualTo(1));
        Assert.That(Fake.Requests.Count(static item => item.Request is StatusRequest), Is.EqualTo(50));
        Assert.That(Logs.Entries.Count(static entry => entry.Id.Id == TransportEventIds.IncarnationChanged), Is.EqualTo(1));
    }

    [Test]
    public async Task Calls_OfAForgottenSession_AllWaitForOneHello()
    {
        var calls = Enumerable.Range(0, 50).Select(_ => Remote.AbortAsync(Caller, new AbortRequest(Id, AbortCause.Operator), default).AsTask());
        await Task.WhenAll(calls).DefaultTimeout();
        Assert.That(Fake.Requests.Count(item => item.Request is "hello"), Is.EqualTo(1));
    }

    [Test]
    [TransportCase(11)]
    public async Task Verb_ThatThrowsAtTheDestination_IsInternalWithAnIdOfTheLog()
    {
        Logs.Expect(TransportEventIds.VerbFailed);
        Fake.OnAbort = _ => throw new InvalidOperationException("secret");
        var error = await CatchAsync(() => Remote.AbortAsync(Caller, new AbortRequest(Id, AbortCause.Operator), default).AsTask());
        Assert.That(error.Fault, Is.EqualTo(PeerFault.Unreachable));
        Assert.That(error.ToString(), Does.Not.Contain("secret"));
        var entry = Logs.Entries.Single(item => item.Id.Id == TransportEventIds.VerbFailed);
        Assert.That(error.Message, Does.Contain(entry.Message.TrimEnd('.').Split(' ')[^1]));
        Fake.OnAbort = _ => new AbortOutcome.Done(0, 0);
        await Remote.AbortAsync(Caller, new AbortRequest(Id, AbortCause.Operator), default).DefaultTimeout();
    }

    [Test]
    public async Task Hello_NotAnsweredForFiveSeconds_IsATimeout()
    {
        var time = new FakeTimeProvider();
        await using var remote = Connect(Server.Port, time);
        Fake.HelloGate = new TaskCompletionSource().Task;
        var hello = remote.HelloAsync(Caller, default).AsTask();
        await Eventually.BecomesTrueAsync(() => Fake.Requests.Any(item => item.Request is "hello"));
        time.Advance(TimeSpan.FromSeconds(6));
        var error = await CatchAsync(() => hello);
        Assert.That((error.Fault, error.IsTransient), Is.EqualTo((PeerFault.Timeout, true)));
    }

    [Test]
    public async Task Watch_SilentForThirtySeconds_IsATimeout()
    {
        var time = new FakeTimeProvider();
        await using var remote = Connect(Server.Port, time);
        await using var updates = remote.WatchAsync(Caller, default).GetAsyncEnumerator();
        var next = updates.MoveNextAsync().AsTask();
        await Eventually.BecomesTrueAsync(() => Fake.Requests.Any(item => item.Request is "watch"));
        time.Advance(TimeSpan.FromSeconds(31));
        var error = await CatchAsync(() => next);
        Assert.That(error.Fault, Is.EqualTo(PeerFault.Timeout));
    }

    [Test]
    [TransportCase(7)]
    public async Task Init_ThirdUploadAtOnce_IsBusyUntilAnotherEnds()
    {
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{Server.Port}");
        var invoker = channel.CreateCallInvoker();
        var session = await HeldUpload.GreetAsync(invoker);
        using var first = new HeldUpload(invoker, session, NewInit());
        using var second = new HeldUpload(invoker, session, NewInit());
        var third = NewInit() with { Torrent = new byte[3 << 20] };

        // One that comes before both have their places has one of them itself, and takes it from who comes meanwhile.
        await Eventually.BecomesTrueAsync(async () =>
        {
            await first.BeginAsync();
            await second.BeginAsync();
            return await Remote.InitAsync(Caller, third, default) is InitOutcome.Refused { Refusal.Reason: RefusalReason.Busy };
        });
        Assert.That((await first.EndAsync()).Running, Is.Not.Null);
        Assert.That((await second.EndAsync()).Running, Is.Not.Null);

        Assert.That(await Remote.InitAsync(Caller, third, default).DefaultTimeout(), Is.TypeOf<InitOutcome.Running>());
    }

    [Test]
    public async Task Call_WithNobodyThere_IsUnreachable()
    {
        await using var remote = Connect(FreePorts.Take());
        var error = await CatchAsync(() => remote.HelloAsync(Caller, default).AsTask());
        Assert.That((error.Fault, error.IsTransient), Is.EqualTo((PeerFault.Unreachable, true)));
        Assert.That(error.Message, Does.Contain("127.0.0.1"));
    }

    [Test]
    public void Options_WrongOnes_AreNamedAllAtOnce()
    {
        var options = new TransportClientOptions { Address = "nowhere", MinConnections = 0, RateLimit = 5, Security = new() { Mode = SecurityMode.Insecure } };
        var registry = Prometheus.Metrics.NewCustomRegistry();
        Assert.That(
            () => new RemoteDestination(options, Prometheus.Metrics.WithCustomRegistry(registry), registry, Logs, TimeProvider.System, new Random(1)),
            Throws.ArgumentException.With.Message.Contains("destination-addr").And.Message.Contains("min-connections").And.Message.Contains("rate-limit"));
    }

    private static async Task<PeerException> CatchAsync(Func<Task> call)
    {
        try
        {
            await call().DefaultTimeout();
        }
        catch (PeerException e)
        {
            return e;
        }

        throw new AssertionException("No PeerException came.");
    }

    private static InfoHash NumberedId(int number)
    {
        var bytes = new byte[20];
        BitConverter.TryWriteBytes(bytes, number + 1);
        return InfoHash.FromBytes(bytes);
    }

    private static InitRequest NewInit() => new()
    {
        Id = Id,
        Selection = new byte[] { 0xc0 },
        Place = new Place("disk", ["films", "new"], ContentLayout.Subfolder),
        Parameters = new TorrentParameters { Category = "films", Tags = ["x", "y"], AddedAt = new DateTimeOffset(2024, 1, 2, 3, 4, 5, TimeSpan.Zero) },
    };
}
