using QbSync.Engine.Destination.Initialization;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination;

public sealed partial class DestinationEngine
{
    /// <inheritdoc />
    public async ValueTask<ProveOutcome> ProveAsync(Caller caller, ProveRequest request, CancellationToken cancellationToken)
    {
        if (GetRefusal() is { } refusal)
        {
            return new ProveOutcome.Refused(refusal);
        }

        if (FindOwn(caller, request.Id) is not { } session)
        {
            return new ProveOutcome.Unknown();
        }

        var began = _time.GetTimestamp();
        var (ended, outcome) = await AnswerAsync(session.ProveAsync(request), began, cancellationToken).ConfigureAwait(false);
        return ended ? outcome ?? (GetRefusal() is { } stopping ? new ProveOutcome.Refused(stopping) : new ProveOutcome.Unknown()) : new ProveOutcome.Running(Looking);
    }

    /// <inheritdoc />
    public async ValueTask<StartOutcome> StartAsync(Caller caller, StartRequest request, CancellationToken cancellationToken)
    {
        if (GetRefusal() is { } refusal)
        {
            return new StartOutcome.Refused(refusal);
        }

        if (FindOwn(caller, request.Id) is not { } session)
        {
            return new StartOutcome.Unknown();
        }

        if ((GrantRules.CheckStart(caller.Grants) ?? GrantRules.CheckParameters(caller.Grants, request.Parameters)) is { } missing)
        {
            return new StartOutcome.Refused(missing);
        }

        var began = _time.GetTimestamp();
        var (ended, outcome) = await AnswerAsync(session.StartAsync(request), began, cancellationToken).ConfigureAwait(false);
        return ended ? outcome ?? (GetRefusal() is { } stopping ? new StartOutcome.Refused(stopping) : new StartOutcome.Unknown()) : new StartOutcome.Running(Looking);
    }

    /// <inheritdoc />
    public async ValueTask<WithdrawOutcome> WithdrawAsync(Caller caller, WithdrawRequest request, CancellationToken cancellationToken)
    {
        if (GetRefusal() is { } refusal)
        {
            return new WithdrawOutcome.Refused(refusal);
        }

        if (FindOwn(caller, request.Id) is not { } session)
        {
            return new WithdrawOutcome.Done(null);
        }

        if (GrantRules.CheckStart(caller.Grants) is { } missing)
        {
            return new WithdrawOutcome.Refused(missing);
        }

        var began = _time.GetTimestamp();
        var (ended, outcome) = await AnswerAsync(session.WithdrawAsync(), began, cancellationToken).ConfigureAwait(false);
        return ended ? outcome ?? (GetRefusal() is { } stopping ? new WithdrawOutcome.Refused(stopping) : new WithdrawOutcome.Done(null)) : new WithdrawOutcome.Running(Looking);
    }

    /// <inheritdoc />
    public async ValueTask<ConfirmOutcome> ConfirmHandoffAsync(Caller caller, ConfirmHandoffRequest request, CancellationToken cancellationToken)
    {
        if (GetRefusal() is { } refusal)
        {
            return new ConfirmOutcome.Refused(refusal);
        }

        if (FindOwn(caller, request.Id) is not { } session)
        {
            return new ConfirmOutcome.Unknown();
        }

        // It has no Running: a caller that is told Busy asks again.
        var began = _time.GetTimestamp();
        var (ended, outcome) = await AnswerAsync(session.ConfirmAsync(request), began, cancellationToken).ConfigureAwait(false);
        return ended
            ? outcome ?? (GetRefusal() is { } stopping ? new ConfirmOutcome.Refused(stopping) : new ConfirmOutcome.Unknown())
            : new ConfirmOutcome.Refused(new Refusal(RefusalReason.Busy, "It is being tagged and closed.", TimeSpan.FromSeconds(1)));
    }

    private static OperationProgress Looking { get; } = new(FinalizeStage.Checking, 0, 0);
}
