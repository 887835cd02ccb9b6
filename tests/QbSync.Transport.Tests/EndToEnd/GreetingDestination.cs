using System.Runtime.CompilerServices;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>A destination that only says hello and is watched: all that a link asks of the verbs.</summary>
internal sealed class GreetingDestination : IDestination
{
    private int _watchers;

    /// <summary>Watches that were opened, ever.</summary>
    public int Watchers => Volatile.Read(ref _watchers);

    public ValueTask<DestinationGreeting> HelloAsync(Caller caller, CancellationToken cancellationToken) =>
        new(new DestinationGreeting(1, "test", TimeSpan.FromSeconds(45)));

    public ValueTask<IReadOnlyList<DestinationTorrentStatus>> GetStatusAsync(
        Caller caller, StatusRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Nothing ever changes.</summary>
    public async IAsyncEnumerable<DestinationUpdate> WatchAsync(Caller caller, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var never = new TaskCompletionSource();
        Interlocked.Increment(ref _watchers);
        await never.Task.WaitAsync(cancellationToken);
        yield break;
    }

    public ValueTask<InitOutcome> InitAsync(Caller caller, InitRequest request, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public ValueTask<FinalizeOutcome> FinalizeAsync(Caller caller, FinalizeRequest request, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public ValueTask<AbortOutcome> AbortAsync(Caller caller, AbortRequest request, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public IPieceLink OpenLink(Caller caller, IPieceLinkSink sink) => throw new NotSupportedException();

    public ValueTask<ProveOutcome> ProveAsync(Caller caller, ProveRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<StartOutcome> StartAsync(Caller caller, StartRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<WithdrawOutcome> WithdrawAsync(Caller caller, WithdrawRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<ConfirmOutcome> ConfirmHandoffAsync(Caller caller, ConfirmHandoffRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();
}
