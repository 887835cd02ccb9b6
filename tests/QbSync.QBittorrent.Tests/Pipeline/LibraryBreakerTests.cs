using Microsoft.Extensions.Time.Testing;
using Polly;
using Polly.CircuitBreaker;

namespace QbSync.QBittorrent.Tests.Pipeline;

/// <summary>Why the breaker is a strategy of our own: what the library's does with the same numbers.</summary>
internal sealed class LibraryBreakerTests
{
    private readonly FakeTimeProvider _time = new();

    [Test]
    public async Task LibraryBreaker_SuccessBeforeTheFailures_StaysClosedAfterFiveInARow()
    {
        var breaker = Make(out var state);
        await SucceedAsync(breaker);
        for (var failure = 0; failure < 5; failure++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await FailAsync(breaker);
        }

        Assert.That(state.CircuitState, Is.EqualTo(CircuitState.Closed), "four of five are no ratio of 1 within the window");
    }

    [Test]
    public async Task LibraryBreaker_FailuresFurtherApartThanItsWindow_StaysClosedForEver()
    {
        var breaker = Make(out var state);
        for (var failure = 0; failure < 50; failure++)
        {
            _time.Advance(TimeSpan.FromSeconds(31));
            await FailAsync(breaker);
        }

        Assert.That(state.CircuitState, Is.EqualTo(CircuitState.Closed), "calls that time out one after another are that far apart");
    }

    [Test]
    public async Task LibraryBreaker_CancelledProbe_ClosesIt()
    {
        var breaker = Make(out var state);
        for (var failure = 0; failure < 5; failure++)
        {
            await FailAsync(breaker);
        }

        Assert.That(state.CircuitState, Is.EqualTo(CircuitState.Open));
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.That(async () => await breaker.ExecuteAsync(static _ => throw new OperationCanceledException()), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(state.CircuitState, Is.EqualTo(CircuitState.Closed), "nobody has seen the client answer");
    }

    private ResiliencePipeline Make(out CircuitBreakerStateProvider state)
    {
        state = new CircuitBreakerStateProvider();
        return new ResiliencePipelineBuilder { TimeProvider = _time }.AddCircuitBreaker(new CircuitBreakerStrategyOptions
        {
            FailureRatio = 1.0,
            MinimumThroughput = 5,
            SamplingDuration = TimeSpan.FromSeconds(30),
            BreakDuration = TimeSpan.FromSeconds(1),
            ShouldHandle = static arguments => new(arguments.Outcome.Exception is IOException),
            StateProvider = state,
        }).Build();
    }

    private static ValueTask SucceedAsync(ResiliencePipeline breaker) => breaker.ExecuteAsync(static _ => ValueTask.CompletedTask);

    private static async Task FailAsync(ResiliencePipeline breaker)
    {
        try
        {
            await breaker.ExecuteAsync(static _ => throw new IOException());
        }
        catch (IOException)
        {
        }
    }
}
