using System.Diagnostics.CodeAnalysis;
using Polly;
using Polly.Retry;
using QbSync.Ports;

namespace QbSync.QBittorrent.Pipeline;

/// <summary>Tries again what may be tried again, and asks the breaker before each attempt. The only layer that repeats a call.</summary>
internal sealed class ResilientPipeline : IApiPipeline
{
    private static readonly ResiliencePropertyKey<CallProgress> ProgressKey = new("progress");
    private static readonly ResiliencePropertyKey<CallRepeat> RepeatKey = new("repeat");

    private readonly IApiPipeline _next;
    private readonly ClientBreaker _breaker;
    private readonly QBittorrentMetrics _metrics;
    private readonly ResiliencePipeline _pipeline;

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "The strategies' options are plain values that are in range.")]
    public ResilientPipeline(
        IApiPipeline next, ClientBreaker breaker, QBittorrentOptions options, QBittorrentMetrics metrics, TimeProvider time, Jitter jitter)
    {
        _next = next;
        _breaker = breaker;
        _metrics = metrics;
        var builder = new ResiliencePipelineBuilder { TimeProvider = time };
        if (options.Attempts > 1)
        {
            builder.AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = options.Attempts - 1,
                ShouldHandle = arguments => new(ShouldRetry(arguments.Context, arguments.Outcome.Exception)),
                DelayGenerator = arguments => new(Pause(arguments.AttemptNumber, arguments.Outcome.Exception, jitter)),
            });
        }

        _pipeline = builder.AddStrategy(_ => breaker, new BreakerOptions()).Build();
    }

    public async ValueTask<T> SendAsync<T>(ApiCall<T> call, CallProgress progress, CancellationToken cancellationToken)
    {
        var context = ResilienceContextPool.Shared.Get(continueOnCapturedContext: false, cancellationToken);
        context.Properties.Set(ProgressKey, progress);
        context.Properties.Set(RepeatKey, call.Repeat);
        try
        {
            return await _pipeline.ExecuteAsync(
                static (context, state) => state.Self.AttemptAsync(state.Call, state.Progress, context.CancellationToken),
                context,
                (Self: this, Call: call, Progress: progress)).ConfigureAwait(false);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private ValueTask<T> AttemptAsync<T>(ApiCall<T> call, CallProgress progress, CancellationToken cancellationToken)
    {
        if (progress.Rounds++ > 0)
        {
            _metrics.Retried();
        }

        return _next.SendAsync(call, progress, cancellationToken);
    }

    // Behind an open breaker there is nothing to wait for: its own break is longer than our pause.
    private bool ShouldRetry(ResilienceContext context, Exception? exception) =>
        exception is TorrentClientException failure
        && context.Properties.TryGetValue(RepeatKey, out var repeat)
        && context.Properties.TryGetValue(ProgressKey, out var progress)
        && FaultKinds.MayRetry(failure.Fault, repeat, progress.MayHaveArrived)
        && _breaker.State == ClientGate.Closed;

    // 0.5 s, 1 s, 2 s ..; longer where the client asked for it.
    private static TimeSpan? Pause(int attempt, Exception? exception, Jitter jitter)
    {
        var pause = jitter.Spread(TimeSpan.FromSeconds(0.5 * Math.Pow(2, attempt)));
        return exception is TorrentClientException { RetryAfter: { } asked } && asked > pause ? asked : pause;
    }

    private sealed class BreakerOptions : ResilienceStrategyOptions;
}
