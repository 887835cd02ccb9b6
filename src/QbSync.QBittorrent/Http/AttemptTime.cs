using System.Diagnostics.CodeAnalysis;
using Polly;
using Polly.Timeout;
using QbSync.QBittorrent.Pipeline;

namespace QbSync.QBittorrent.Http;

/// <summary>
/// Bounds one attempt, from the moment that it has its slot and its login to the last byte of its answer. Apart from the strategies that
/// see a whole call, since waiting for a slot is the caller's own patience. Thread-safe.
/// </summary>
internal sealed class AttemptTime
{
    private static readonly ResiliencePropertyKey<CallCost> CostKey = new("cost");
    private static readonly TimeSpan ForLogin = TimeSpan.FromSeconds(30);

    private readonly ResiliencePipeline _pipeline;

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "The strategy's options are plain values that are in range.")]
    public AttemptTime(TimeSpan light, TimeProvider time) =>
        _pipeline = new ResiliencePipelineBuilder { TimeProvider = time }
            .AddTimeout(new TimeoutStrategyOptions { TimeoutGenerator = arguments => new(Allowed(arguments.Context, light)) })
            .Build();

    /// <exception cref="TimeoutRejectedException">It took too long.</exception>
    public async ValueTask<T> RunAsync<T, TState>(
        CallCost cost, Func<TState, CancellationToken, ValueTask<T>> attempt, TState state, CancellationToken cancellationToken)
    {
        var context = ResilienceContextPool.Shared.Get(continueOnCapturedContext: false, cancellationToken);
        context.Properties.Set(CostKey, cost);
        try
        {
            return await _pipeline.ExecuteAsync(
                static (context, state) => state.Attempt(state.State, context.CancellationToken),
                context,
                (Attempt: attempt, State: state)).ConfigureAwait(false);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private static TimeSpan Allowed(ResilienceContext context, TimeSpan light) => context.Properties.GetValue(CostKey, CallCost.Light) switch
    {
        CallCost.Light => light,
        CallCost.Heavy => light * 4,
        CallCost.Login => ForLogin,
    };
}
