using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Testing.Destinations;

/// <summary>Passes every verb on as it is; who stands before a destination for a reason overrides what that reason is about.</summary>
internal abstract class ForwardingDestination : IDestination
{
    /// <summary>Whom it stands before now; throws while nobody is there.</summary>
    protected abstract IDestination Inner { get; }

    public async ValueTask<DestinationGreeting> HelloAsync(Caller caller, CancellationToken cancellationToken)
    {
        await BeforeAsync("Hello", InfoHash.None, cancellationToken);
        return await Inner.HelloAsync(caller, cancellationToken);
    }

    public virtual async ValueTask<IReadOnlyList<DestinationTorrentStatus>> GetStatusAsync(Caller caller, StatusRequest request, CancellationToken cancellationToken)
    {
        await BeforeAsync("GetStatus", request.Torrents.Count == 1 ? request.Torrents[0] : InfoHash.None, cancellationToken);
        return await Inner.GetStatusAsync(caller, request, cancellationToken);
    }

    public virtual IAsyncEnumerable<DestinationUpdate> WatchAsync(Caller caller, CancellationToken cancellationToken) => Inner.WatchAsync(caller, cancellationToken);

    public virtual async ValueTask<InitOutcome> InitAsync(Caller caller, InitRequest request, CancellationToken cancellationToken)
    {
        await BeforeAsync("Init", request.Id, cancellationToken);
        return await Inner.InitAsync(caller, request, cancellationToken);
    }

    public virtual async ValueTask<FinalizeOutcome> FinalizeAsync(Caller caller, FinalizeRequest request, CancellationToken cancellationToken)
    {
        await BeforeAsync("Finalize", request.Id, cancellationToken);
        return await Inner.FinalizeAsync(caller, request, cancellationToken);
    }

    public async ValueTask<ProveOutcome> ProveAsync(Caller caller, ProveRequest request, CancellationToken cancellationToken)
    {
        await BeforeAsync("Prove", request.Id, cancellationToken);
        return await Inner.ProveAsync(caller, request, cancellationToken);
    }

    public async ValueTask<StartOutcome> StartAsync(Caller caller, StartRequest request, CancellationToken cancellationToken)
    {
        await BeforeAsync("Start", request.Id, cancellationToken);
        return await Inner.StartAsync(caller, request, cancellationToken);
    }

    public async ValueTask<WithdrawOutcome> WithdrawAsync(Caller caller, WithdrawRequest request, CancellationToken cancellationToken)
    {
        await BeforeAsync("Withdraw", request.Id, cancellationToken);
        return await Inner.WithdrawAsync(caller, request, cancellationToken);
    }

    public async ValueTask<ConfirmOutcome> ConfirmHandoffAsync(Caller caller, ConfirmHandoffRequest request, CancellationToken cancellationToken)
    {
        await BeforeAsync("ConfirmHandoff", request.Id, cancellationToken);
        return await Inner.ConfirmHandoffAsync(caller, request, cancellationToken);
    }

    public async ValueTask<AbortOutcome> AbortAsync(Caller caller, AbortRequest request, CancellationToken cancellationToken)
    {
        await BeforeAsync("Abort", request.Id, cancellationToken);
        return await Inner.AbortAsync(caller, request, cancellationToken);
    }

    public abstract IPieceLink OpenLink(Caller caller, IPieceLinkSink sink);

    /// <summary>Is awaited before a verb is passed on; nothing by itself.</summary>
    protected virtual Task BeforeAsync(string verb, InfoHash torrent, CancellationToken cancellationToken) => Task.CompletedTask;
}
