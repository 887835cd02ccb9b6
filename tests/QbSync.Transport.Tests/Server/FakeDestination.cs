using System.Collections.Concurrent;
using System.Threading.Channels;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;

namespace QbSync.Transport.Tests.Server;

/// <summary>A destination whose answers a test sets, and which takes pieces into memory.</summary>
internal sealed class FakeDestination : IDestination, IPieceIntake
{
    private readonly Channel<DestinationUpdate> _updates = Channel.CreateBounded<DestinationUpdate>(100); // more than a test makes

    public ulong Incarnation { get; set; } = 42;

    public ConcurrentQueue<(Caller Caller, object? Request)> Requests { get; } = new();

    /// <summary>Ends when Hello may be answered.</summary>
    public Task HelloGate { get; set; } = Task.CompletedTask;

    public Func<StatusRequest, IReadOnlyList<DestinationTorrentStatus>> OnStatus { get; set; } = request =>
        [.. request.Torrents.Select(id => new DestinationTorrentStatus { Id = id, State = DestinationTorrentState.Absent })];

    /// <summary>Ends when statuses may be answered.</summary>
    public Task StatusGate { get; set; } = Task.CompletedTask;

    /// <summary>What a watcher is told, instead of what <see cref="Tell"/> was given.</summary>
    public Func<CancellationToken, IAsyncEnumerable<DestinationUpdate>>? OnWatch { get; set; }

    public Func<InitRequest, InitOutcome> OnInit { get; set; } = _ => new InitOutcome.Running(new OperationProgress(FinalizeStage.Opening, 0, 0));

    public Func<FinalizeRequest, FinalizeOutcome> OnFinalize { get; set; } = _ => new FinalizeOutcome.Unknown();

    public Func<ProveRequest, ProveOutcome> OnProve { get; set; } = _ => new ProveOutcome.Unknown();

    public Func<StartRequest, StartOutcome> OnStart { get; set; } = _ => new StartOutcome.Unknown();

    public Func<WithdrawRequest, WithdrawOutcome> OnWithdraw { get; set; } = _ => new WithdrawOutcome.Done(null);

    public Func<ConfirmHandoffRequest, ConfirmOutcome> OnConfirm { get; set; } = _ => new ConfirmOutcome.Done();

    public Func<AbortRequest, AbortOutcome> OnAbort { get; set; } = _ => new AbortOutcome.Done(1, 2);

    public Func<PieceRef, ulong, (PieceAckStatus Status, FakeTransfer? Transfer)> OnBegin { get; set; } =
        (_, _) => (PieceAckStatus.Pending, new FakeTransfer(64 * 1024));

    public ConcurrentDictionary<PieceRef, FakeTransfer> Pieces { get; } = new();

    public void Tell(DestinationUpdate update) => _updates.Writer.TryWrite(update);

    public async ValueTask<DestinationGreeting> HelloAsync(Caller caller, CancellationToken cancellationToken)
    {
        Requests.Enqueue((caller, "hello"));
        await HelloGate.WaitAsync(cancellationToken);
        return new DestinationGreeting(Incarnation, "fake", TimeSpan.FromSeconds(20));
    }

    public async ValueTask<IReadOnlyList<DestinationTorrentStatus>> GetStatusAsync(Caller caller, StatusRequest request, CancellationToken cancellationToken)
    {
        Requests.Enqueue((caller, request));
        await StatusGate.WaitAsync(cancellationToken);
        return OnStatus(request);
    }

    public IAsyncEnumerable<DestinationUpdate> WatchAsync(Caller caller, CancellationToken cancellationToken)
    {
        Requests.Enqueue((caller, "watch"));
        return OnWatch?.Invoke(cancellationToken) ?? _updates.Reader.ReadAllAsync(cancellationToken);
    }

    public ValueTask<InitOutcome> InitAsync(Caller caller, InitRequest request, CancellationToken cancellationToken)
    {
        Requests.Enqueue((caller, request));
        return ValueTask.FromResult(OnInit(request));
    }

    public ValueTask<FinalizeOutcome> FinalizeAsync(Caller caller, FinalizeRequest request, CancellationToken cancellationToken)
    {
        Requests.Enqueue((caller, request));
        return ValueTask.FromResult(OnFinalize(request));
    }

    public ValueTask<ProveOutcome> ProveAsync(Caller caller, ProveRequest request, CancellationToken cancellationToken)
    {
        Requests.Enqueue((caller, request));
        return ValueTask.FromResult(OnProve(request));
    }

    public ValueTask<StartOutcome> StartAsync(Caller caller, StartRequest request, CancellationToken cancellationToken)
    {
        Requests.Enqueue((caller, request));
        return ValueTask.FromResult(OnStart(request));
    }

    public ValueTask<WithdrawOutcome> WithdrawAsync(Caller caller, WithdrawRequest request, CancellationToken cancellationToken)
    {
        Requests.Enqueue((caller, request));
        return ValueTask.FromResult(OnWithdraw(request));
    }

    public ValueTask<ConfirmOutcome> ConfirmHandoffAsync(Caller caller, ConfirmHandoffRequest request, CancellationToken cancellationToken)
    {
        Requests.Enqueue((caller, request));
        return ValueTask.FromResult(OnConfirm(request));
    }

    public ValueTask<AbortOutcome> AbortAsync(Caller caller, AbortRequest request, CancellationToken cancellationToken)
    {
        Requests.Enqueue((caller, request));
        return ValueTask.FromResult(OnAbort(request));
    }

    public IPieceLink OpenLink(Caller caller, IPieceLinkSink sink) => throw new NotSupportedException("A server takes pieces by its intake.");

    /// <summary>Where a piece's last chunk ends; null when nobody knows.</summary>
    public Func<PieceRef, int?> EndOf { get; set; } = static _ => null;

    public int? GetEnd(PieceRef piece) => EndOf(piece);

    public PieceAckStatus Begin(Caller caller, PieceRef piece, ulong epoch, out IPieceTransfer? transfer)
    {
        var (status, fake) = OnBegin(piece, epoch);
        transfer = fake;
        if (fake is not null)
        {
            Pieces[piece] = fake;
        }

        return status;
    }
}

/// <summary>Takes a piece of a known length; asks for order, as the real one does.</summary>
internal sealed class FakeTransfer(int length) : IPieceTransfer
{
    private readonly byte[] _bytes = new byte[length];
    private int _next;
    private int _disposed;

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _next);

    public int Disposed => Volatile.Read(ref _disposed);

    /// <summary>What the piece is answered with when it is whole.</summary>
    public PieceAckStatus Verdict { get; init; } = PieceAckStatus.Accepted;

    /// <summary>Runs at each chunk, on the worker.</summary>
    public Action OnWrite { get; init; } = () => { };

    public PieceAckStatus Write(int offset, ReadOnlySpan<byte> data)
    {
        OnWrite();
        if (offset != _next || data.Length > _bytes.Length - _next)
        {
            return PieceAckStatus.Malformed;
        }

        data.CopyTo(_bytes.AsSpan(_next));
        _next += data.Length;
        return _next == _bytes.Length ? Verdict : PieceAckStatus.Pending;
    }

    public void Dispose() => Interlocked.Increment(ref _disposed);
}
