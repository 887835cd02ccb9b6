using System.Runtime.CompilerServices;
using System.Threading.Channels;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.World;

/// <summary>
/// A small honest destination: it parses what it is sent, hashes every piece, and says Complete only for what it holds. The test makes it absent, full,
/// slow, forgetful or stubborn. Thread-safe.
/// </summary>
internal sealed partial class MemoryDestination(TimeProvider time) : IDestination
{
    private readonly Lock _gate = new();
    private readonly Dictionary<InfoHash, HeldTorrent> _torrents = [];
    private readonly List<Channel<DestinationUpdate>> _watchers = [];
    private readonly List<string> _calls = [];

    public ulong Incarnation { get; private set; } = 1;

    public bool IsDown { get; private set; }

    /// <summary>What calls get while it is down.</summary>
    public PeerException Fault { get; set; } = new(PeerFault.Unreachable, "The destination is down.");

    public Guid? Source { get; private set; }

    /// <summary>What Init answers instead; null for the truth.</summary>
    public Func<InitRequest, InitOutcome?> OnInit { get; set; } = static _ => null;

    /// <summary>What Finalize answers instead; null for the truth.</summary>
    public Func<FinalizeRequest, FinalizeOutcome?> OnFinalize { get; set; } = static _ => null;

    /// <summary>What a Finalize waits for before it is looked at.</summary>
    public Func<CancellationToken, Task> FinalizeGate { get; set; } = static _ => Task.CompletedTask;

    /// <summary>What pieces are answered instead on links that are opened from now on; null for the truth.</summary>
    public Func<PieceRef, PieceAckStatus?> OnPiece { get; set; } = static _ => null;

    /// <summary>Whether statuses tell selections.</summary>
    public bool TellsSelections { get; set; } = true;

    /// <summary>How fast the link is, and how late its answers come. In force for links that are opened later, too.</summary>
    public LinkPace Pace { get; } = new();

    public MemoryLink? Link { get; private set; }

    /// <summary>Ends when Hello may be answered.</summary>
    public Task HelloGate { get; set; } = Task.CompletedTask;

    public IReadOnlyList<string> Calls
    {
        get
        {
            lock (_gate)
            {
                return [.. _calls];
            }
        }
    }

    public int Count(string verb) => Calls.Count(call => call == verb);

    public HeldTorrent? Find(InfoHash id)
    {
        lock (_gate)
        {
            return _torrents.GetValueOrDefault(id);
        }
    }

    /// <summary>Cuts every stream, and refuses calls until it is back.</summary>
    public void SetDown(bool down)
    {
        List<Channel<DestinationUpdate>> watchers;
        lock (_gate)
        {
            IsDown = down;
            watchers = [.. _watchers];
            _watchers.Clear();
        }

        foreach (var watcher in watchers)
        {
            watcher.Writer.TryComplete(new PeerException(PeerFault.Unreachable, "The destination went away."));
        }

        Link?.SetConnected(!down);
    }

    /// <summary>A crash: what was not durable is lost, streams are cut, a new incarnation comes up.</summary>
    public void Restart(Func<HeldTorrent, int, bool> survives)
    {
        SetDown(true);
        lock (_gate)
        {
            Incarnation++;
            foreach (var torrent in _torrents.Values)
            {
                torrent.Epoch++;
                for (var piece = 0; piece < torrent.Have.Length; piece++)
                {
                    if (!survives(torrent, piece))
                    {
                        torrent.Have.Clear(piece);
                    }
                }
            }
        }

        SetDown(false);
    }

    /// <summary>Has all of a torrent complete, from before this test.</summary>
    public void Hold(BuiltTorrent torrent)
    {
        var held = new HeldTorrent(torrent.Manifest, QbSync.Torrents.Selection.All(torrent.Manifest).ToBytes()) { State = DestinationTorrentState.Complete };
        held.Have.SetAll();
        lock (_gate)
        {
            _torrents[torrent.Id] = held;
        }
    }

    /// <summary>It has a torrent that no source of this test has sent.</summary>
    public void Hold(HeldTorrent torrent)
    {
        lock (_gate)
        {
            _torrents[torrent.Manifest.Id] = torrent;
        }
    }

    public void Forget(InfoHash id)
    {
        lock (_gate)
        {
            _torrents.Remove(id);
        }
    }

    public void Tell(DestinationUpdate update)
    {
        lock (_gate)
        {
            foreach (var watcher in _watchers)
            {
                watcher.Writer.TryWrite(update);
            }
        }
    }

    /// <summary>Tells who watches how a torrent stands.</summary>
    public void TellOf(InfoHash id)
    {
        DestinationTorrentStatus status;
        lock (_gate)
        {
            status = StatusOf(_torrents[id], withBitmaps: false);
        }

        Tell(new DestinationUpdate.Changed(status));
    }

    public async ValueTask<DestinationGreeting> HelloAsync(Caller caller, CancellationToken cancellationToken)
    {
        Enter("Hello", caller);
        await HelloGate.WaitAsync(cancellationToken);
        return new DestinationGreeting(Incarnation, "memory", TimeSpan.FromSeconds(45));
    }

    public async ValueTask<IReadOnlyList<DestinationTorrentStatus>> GetStatusAsync(
        Caller caller, StatusRequest request, CancellationToken cancellationToken)
    {
        Enter("GetStatus", caller);
        await Before("there.status");
        lock (_gate)
        {
            return [.. request.Torrents.Select(id => _torrents.GetValueOrDefault(id) is { } torrent
                ? StatusOf(torrent, request.WithBitmaps)
                : new DestinationTorrentStatus { Id = id, State = DestinationTorrentState.Absent })];
        }
    }

    public async IAsyncEnumerable<DestinationUpdate> WatchAsync(Caller caller, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Enter("Watch", caller);
        var updates = Channel.CreateUnbounded<DestinationUpdate>();
        lock (_gate)
        {
            if (IsDown)
            {
                throw new PeerException(Fault.Fault, Fault.Message); // it went away since the call came in
            }

            _watchers.Add(updates);
            foreach (var torrent in _torrents.Values.Where(static torrent => torrent.Losses > 0))
            {
                updates.Writer.TryWrite(new DestinationUpdate.Changed(StatusOf(torrent, withBitmaps: false)));
            }
        }

        await foreach (var update in updates.Reader.ReadAllAsync(cancellationToken))
        {
            yield return update;
        }
    }

    public ValueTask<InitOutcome> InitAsync(Caller caller, InitRequest request, CancellationToken cancellationToken)
    {
        Enter("Init", caller);
        if (OnInit(request) is { } instead)
        {
            return new(instead);
        }

        lock (_gate)
        {
            if (!_torrents.TryGetValue(request.Id, out var torrent))
            {
                if (request.Torrent.IsEmpty)
                {
                    return new(new InitOutcome.Refused(new Refusal(RefusalReason.TorrentFileNeeded)));
                }

                _calls.Add("InitWithTorrent");
                torrent = new HeldTorrent(TorrentManifest.Parse(request.Torrent), request.Selection.ToArray());
                _torrents[request.Id] = torrent;
            }

            if (torrent.State == DestinationTorrentState.Complete && torrent.Selection.AsSpan().SequenceEqual(request.Selection.Span))
            {
                return new(new InitOutcome.Complete(new CompletionView(default, null, torrent.Selection)));
            }

            torrent.State = DestinationTorrentState.Receiving;
            torrent.Selection = request.Selection.ToArray();
            torrent.Place = request.Place;
            return new(new InitOutcome.Open(
                Incarnation, torrent.Epoch, torrent.Have.Clone(), new PieceBitmap(torrent.Have.Length), false, Losses: torrent.Losses));
        }
    }

    public async ValueTask<FinalizeOutcome> FinalizeAsync(Caller caller, FinalizeRequest request, CancellationToken cancellationToken)
    {
        Enter("Finalize", caller);
        await FinalizeGate(cancellationToken);
        if (OnFinalize(request) is { } instead)
        {
            return instead;
        }

        lock (_gate)
        {
            if (!_torrents.TryGetValue(request.Id, out var torrent))
            {
                return new FinalizeOutcome.Unknown();
            }

            if (!torrent.Layout.Selection.Fingerprint(request.Id).AsSpan().SequenceEqual(request.SelectionFingerprint.Span))
            {
                return new FinalizeOutcome.Refused(new Refusal(RefusalReason.SelectionChanged));
            }

            if (!torrent.Layout.IsComplete(torrent.Have))
            {
                return new FinalizeOutcome.Incomplete(torrent.Epoch, torrent.Have.Clone(), new PieceBitmap(torrent.Have.Length));
            }

            torrent.State = DestinationTorrentState.Complete;
            torrent.Parameters = request.Parameters;
            return new FinalizeOutcome.Complete(new CompletionView(new byte[] { 1 }, null, torrent.Selection));
        }
    }

    public ValueTask<AbortOutcome> AbortAsync(Caller caller, AbortRequest request, CancellationToken cancellationToken)
    {
        Enter($"Abort{request.Cause}", caller);
        if (OnAbort(request) is { } instead)
        {
            return new(instead);
        }

        lock (_gate)
        {
            if (_torrents.TryGetValue(request.Id, out var torrent) && torrent.State is DestinationTorrentState.Complete or DestinationTorrentState.HandedOff)
            {
                return new(new AbortOutcome.Refused(new Refusal(RefusalReason.Complete)));
            }

            if (request.Mode == AbortMode.Discard)
            {
                _torrents.Remove(request.Id);
            }

            return new(new AbortOutcome.Done(1, 1));
        }
    }

    public IPieceLink OpenLink(Caller caller, IPieceLinkSink sink) => Link = new MemoryLink(this, sink, Pace);

    /// <summary>Ends every watch, and does something that nobody is told of.</summary>
    public void CutWatches(Action unseen)
    {
        lock (_gate)
        {
            _watchers.ForEach(static watcher => watcher.Writer.TryComplete(new PeerException(PeerFault.Unreachable, "The watch was cut.")));
            _watchers.Clear();
            unseen();
        }
    }

    private DestinationTorrentStatus StatusOf(HeldTorrent torrent, bool withBitmaps) => new()
    {
        Id = torrent.Manifest.Id,
        State = torrent.State,
        Epoch = torrent.Epoch,
        Losses = torrent.Losses,
        Selection = TellsSelections ? torrent.Selection : default(ReadOnlyMemory<byte>),
        Refusal = torrent.StatusRefusal,
        Client = torrent.State is DestinationTorrentState.Complete or DestinationTorrentState.HandedOff && !torrent.IsClientAway ? ViewOf(torrent) : null,
        Have = withBitmaps ? torrent.Have.Clone() : null,
        Deferred = withBitmaps ? new PieceBitmap(torrent.Have.Length) : null,
    };

    /// <summary>Takes a whole piece in, as the far end of the link.</summary>
    internal PieceAckStatus Take(PieceRef piece, ulong epoch, ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            if (!_torrents.TryGetValue(piece.Torrent, out var torrent) || torrent.State != DestinationTorrentState.Receiving)
            {
                return PieceAckStatus.NotOpen;
            }

            if (torrent.Epoch != epoch)
            {
                return PieceAckStatus.StaleEpoch;
            }

            if (torrent.Have[piece.Index])
            {
                return PieceAckStatus.Held;
            }

            if (!System.Security.Cryptography.SHA1.HashData(bytes).AsSpan().SequenceEqual(torrent.Manifest.GetPieceHash(piece.Index).Sha1.Span))
            {
                return PieceAckStatus.HashMismatch;
            }

            torrent.Have.Set(piece.Index);
            return PieceAckStatus.Accepted;
        }
    }

    private void Enter(string verb, Caller caller)
    {
        lock (_gate)
        {
            _calls.Add(verb);
            Source = caller.Source;
            if (IsDown)
            {
                throw new PeerException(Fault.Fault, Fault.Message);
            }
        }
    }
}
