using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Testing.Destinations;

/// <summary>
/// What every <see cref="IDestination"/> does, run on the engine itself and over the network. Calls are repeated while they are answered Running, as a
/// source does. Derived fixtures make the destination, with a client that works.
/// </summary>
[NonParallelizable]
public abstract class DestinationConformance
{
    private static int _seed;

    /// <summary>The destination; the same for all tests.</summary>
    protected abstract IDestination Destination { get; }

    /// <summary>The same destination over another way, where there is one.</summary>
    protected virtual IDestination Other => Destination;

    /// <summary>Where its final files are.</summary>
    protected abstract string DataFolder { get; }

    private static Caller Caller { get; } = new(new Guid("00000000-0000-0000-0000-000000000011"), "conformance");

    /// <summary>A greeting waits until the state has been read.</summary>
    [SetUp]
    public async Task GreetAsync() => await Destination.HelloAsync(Caller, CancellationToken.None).DefaultTimeout();

    [Test]
    public async Task Hello_SaysWhoAnswersAndKeepsItsIncarnation()
    {
        var first = await Destination.HelloAsync(Caller, CancellationToken.None).DefaultTimeout();
        var second = await Destination.HelloAsync(Caller, CancellationToken.None).DefaultTimeout();
        Assert.That(first.AnswerWithin, Is.GreaterThan(TimeSpan.Zero));
        Assert.That(second.Incarnation, Is.EqualTo(first.Incarnation));
    }

    [Test]
    public async Task Torrent_Unknown_IsAbsentForEveryVerb()
    {
        var init = MakeInit(Make());
        var statuses = await Destination.GetStatusAsync(Caller, new StatusRequest([init.Id], WithBitmaps: true), CancellationToken.None).DefaultTimeout();
        Assert.That(statuses.Single().State, Is.EqualTo(DestinationTorrentState.Absent));
        Assert.That(await FinalizeAsync(init), Is.TypeOf<FinalizeOutcome.Unknown>());
        Assert.That(await ProveAsync(init), Is.TypeOf<ProveOutcome.Unknown>());
        Assert.That(await StartAsync(init), Is.TypeOf<StartOutcome.Unknown>());
        Assert.That(await WithdrawAsync(init), Is.EqualTo(new WithdrawOutcome.Done(null)));
        Assert.That(await ConfirmAsync(init), Is.TypeOf<ConfirmOutcome.Unknown>());
        Assert.That(await AbortAsync(init), Is.EqualTo(new AbortOutcome.Done(0, 0)));
    }

    [Test]
    public async Task Init_WithoutTheTorrent_AsksForIt()
    {
        var init = MakeInit(Make());
        var outcome = await InitAsync(init with { Torrent = default });
        Assert.That((outcome as InitOutcome.Refused)?.Refusal.Reason, Is.EqualTo(RefusalReason.TorrentFileNeeded));
    }

    [Test]
    public async Task Finalize_WithPiecesMissing_NamesThem()
    {
        var init = MakeInit(Make());
        var open = (InitOutcome.Open)await InitAsync(init);
        Assert.That(open.Have.Count, Is.Zero);
        var incomplete = (FinalizeOutcome.Incomplete)await FinalizeAsync(init);
        Assert.That((incomplete.Have.Count, incomplete.Epoch), Is.EqualTo((0, open.Epoch)));
        Assert.That(await StartAsync(init), Is.TypeOf<StartOutcome.Refused>());
        Assert.That(await AbortAsync(init), Is.TypeOf<AbortOutcome.Done>());
    }

    [Test]
    public async Task Torrent_SyncedHandedOverAndConfirmed_AnswersEachStepAsSeen()
    {
        var torrent = Make();
        var init = MakeInit(torrent);
        await SendAllAsync(torrent, (InitOutcome.Open)await InitAsync(init));
        var complete = (FinalizeOutcome.Complete)await FinalizeAsync(init);
        Assert.That(complete.View.Selection.ToArray(), Is.EqualTo(init.Selection.ToArray()));
        Assert.That(torrent.FindDifference(DataFolder), Is.Null);

        var proof = ((ProveOutcome.Proven)await ProveAsync(init)).Proof;
        Assert.That(proof.ProofId.ToArray(), Is.EqualTo(complete.View.ProofId.ToArray()));
        Assert.That((proof.SelectedBytes, proof.BytesReadBack), Is.EqualTo((100_000L, 100_000L)));
        Assert.That(proof.Client.State, Is.EqualTo(ClientTorrentState.StoppedUp));

        var started = (StartOutcome.Started)await StartAsync(init);
        Assert.That(started.Seen.State.IsActive());
        await ShowsAsync(init.Id, DestinationTorrentState.HandedOff);
        var withdrawn = (WithdrawOutcome.Done)await WithdrawAsync(init);
        Assert.That(withdrawn.Seen!.State.IsStopped());
        await ShowsAsync(init.Id, DestinationTorrentState.Complete);

        Assert.That(await StartAsync(init), Is.TypeOf<StartOutcome.Started>());
        Assert.That(((ProveOutcome.Proven)await ProveAsync(init)).Proof.Client.State.IsActive());
        Assert.That(await ConfirmAsync(init), Is.TypeOf<ConfirmOutcome.Done>());
        Assert.That((await WithdrawAsync(init) as WithdrawOutcome.Refused)?.Refusal.Reason, Is.EqualTo(RefusalReason.HandedOff));
        Assert.That((await AbortAsync(init) as AbortOutcome.Refused)?.Refusal.Reason, Is.EqualTo(RefusalReason.Complete));
    }

    [Test]
    [TransportCase(8)]
    public async Task Verbs_TwiceLateAndOverAnotherLink_EndInTheSameState()
    {
        var torrent = Make();
        var init = MakeInit(torrent);
        var opens = await BothAsync(destination => InitAsync(init, destination));
        var open = (InitOutcome.Open)opens[0];
        Assert.That(((InitOutcome.Open)opens[1]).Epoch, Is.EqualTo(open.Epoch));
        await SendAllAsync(torrent, open);
        await SendAllAsync(torrent, open, Other);
        var completes = await BothAsync(destination => FinalizeAsync(init, destination));
        Assert.That(completes, Has.All.TypeOf<FinalizeOutcome.Complete>());
        Assert.That(await InitAsync(init, Other), Is.TypeOf<InitOutcome.Complete>(), "late");
        Assert.That(await BothAsync(destination => ProveAsync(init, destination)), Has.All.TypeOf<ProveOutcome.Proven>());
        Assert.That(await BothAsync(destination => StartAsync(init, destination)), Has.All.TypeOf<StartOutcome.Started>());
        Assert.That(await BothAsync(destination => ConfirmAsync(init, destination)), Has.All.TypeOf<ConfirmOutcome.Done>());
        Assert.That(await FinalizeAsync(init, Other), Is.Not.TypeOf<FinalizeOutcome.Incomplete>(), "late");
        Assert.That(await BothAsync(destination => AbortAsync(init, destination)), Has.All.TypeOf<AbortOutcome.Refused>());
        await ShowsAsync(init.Id, DestinationTorrentState.HandedOff);
        Assert.That(torrent.FindDifference(DataFolder), Is.Null);
    }

    private async Task<T[]> BothAsync<T>(Func<IDestination, Task<T>> call)
    {
        var both = await Task.WhenAll(call(Destination), call(Other));
        return [.. both, await call(Destination)];
    }

    private static BuiltTorrent Make() => new TorrentBuilder($"conformance-{Interlocked.Increment(ref _seed)}") { Seed = 90_000 + _seed, PieceLength = 16384, Length = 100_000 }.Build();

    private static InitRequest MakeInit(BuiltTorrent torrent) => new()
    {
        Id = torrent.Id,
        Selection = Selection.All(torrent.Manifest).ToBytes(),
        Place = new Place("", [], ContentLayout.Original),
        Parameters = new TorrentParameters { Tags = ["a"] },
        Torrent = torrent.Bytes,
    };

    private static byte[] Fingerprint(InitRequest init) => Selection.All(TorrentManifest.Parse(init.Torrent)).Fingerprint(init.Id);

    private static async Task<T> RepeatAsync<T>(Func<ValueTask<T>> call, Func<T, bool> goesOn)
    {
        T outcome = default!;
        await Eventually.BecomesTrueAsync(async () => !goesOn(outcome = await call()));
        return outcome;
    }

    private async Task SendAllAsync(BuiltTorrent torrent, InitOutcome.Open open, IDestination? over = null)
    {
        var sink = new AckCounter();
        await using var link = (over ?? Destination).OpenLink(Caller, sink);
        for (var piece = 0; piece < torrent.Manifest.PieceCount; piece++)
        {
            Assert.That(await link.SendAsync(new WholePiece(torrent, piece, open.Epoch), CancellationToken.None).DefaultTimeout(), Is.EqualTo(SendOutcome.Sent));
        }

        await Eventually.BecomesTrueAsync(() => sink.Taken == torrent.Manifest.PieceCount);
    }

    private Task ShowsAsync(InfoHash id, DestinationTorrentState state) => Eventually.BecomesTrueAsync(
        async () => (await Destination.GetStatusAsync(Caller, new StatusRequest([id], WithBitmaps: false), CancellationToken.None))[0].State == state);

    private Task<InitOutcome> InitAsync(InitRequest init, IDestination? over = null) =>
        RepeatAsync(() => (over ?? Destination).InitAsync(Caller, init, CancellationToken.None), static outcome => outcome is InitOutcome.Running);

    private Task<FinalizeOutcome> FinalizeAsync(InitRequest init, IDestination? over = null) => RepeatAsync(
        () => (over ?? Destination).FinalizeAsync(
            Caller, new FinalizeRequest { Id = init.Id, SelectionFingerprint = Fingerprint(init), Parameters = init.Parameters }, CancellationToken.None),
        static outcome => outcome is FinalizeOutcome.Running);

    private Task<ProveOutcome> ProveAsync(InitRequest init, IDestination? over = null)
    {
        var nonce = BitConverter.GetBytes(Interlocked.Increment(ref _seed));
        return RepeatAsync(
            () => (over ?? Destination).ProveAsync(Caller, new ProveRequest(init.Id, nonce, Fingerprint(init)), CancellationToken.None),
            static outcome => outcome is ProveOutcome.Running);
    }

    private Task<StartOutcome> StartAsync(InitRequest init, IDestination? over = null) => RepeatAsync(
        () => (over ?? Destination).StartAsync(Caller, new StartRequest(init.Id, StartCause.Handoff, init.Parameters), CancellationToken.None),
        static outcome => outcome is StartOutcome.Running);

    private Task<WithdrawOutcome> WithdrawAsync(InitRequest init) => RepeatAsync(
        () => Destination.WithdrawAsync(Caller, new WithdrawRequest(init.Id), CancellationToken.None), static outcome => outcome is WithdrawOutcome.Running);

    private Task<ConfirmOutcome> ConfirmAsync(InitRequest init, IDestination? over = null) => RepeatAsync(
        () => (over ?? Destination).ConfirmHandoffAsync(Caller, new ConfirmHandoffRequest(init.Id, "source-removed", default), CancellationToken.None),
        static outcome => outcome is ConfirmOutcome.Refused { Refusal.Reason: RefusalReason.Busy });

    private Task<AbortOutcome> AbortAsync(InitRequest init, IDestination? over = null) => RepeatAsync(
        () => (over ?? Destination).AbortAsync(Caller, new AbortRequest(init.Id, AbortCause.Operator), CancellationToken.None), static outcome => outcome is AbortOutcome.Running);

    private sealed class AckCounter : IPieceLinkSink
    {
        private int _taken;

        public int Taken => Volatile.Read(ref _taken);

        public void OnAck(in PieceAck ack)
        {
            if (ack.Status.IsSuccess())
            {
                Interlocked.Increment(ref _taken);
            }
        }

        public void OnLost(PieceRef piece, long attempt, PieceLossCause cause)
        {
        }

        public void OnLinkChanged(bool connected)
        {
        }
    }

    private sealed class WholePiece(BuiltTorrent torrent, int piece, ulong epoch) : IChunkSource
    {
        private readonly byte[] _bytes = torrent.ReadPiece(piece);

        public PieceRef Piece => new(torrent.Id, piece);

        public ulong Epoch => epoch;

        public long Attempt => piece + 1;

        public IReadOnlyList<(int Offset, int Length)> Ranges => [(0, _bytes.Length)];

        public bool TryFill(int offset, Span<byte> destination)
        {
            _bytes.AsSpan(offset, destination.Length).CopyTo(destination);
            return true;
        }

        public void Dispose()
        {
        }
    }
}
