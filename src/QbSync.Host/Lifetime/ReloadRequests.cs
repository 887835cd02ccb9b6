using System.Text.Json.Serialization;
using System.Threading.Channels;

namespace QbSync.Host.Lifetime;

/// <summary>Who wants the configuration to be read anew. From any thread; taken one after the other.</summary>
internal sealed class ReloadRequests
{
    private readonly Channel<TaskCompletionSource<ReloadOutcome>> _asked =
        // Eight: who asks while so many wait loses nothing, since theirs begin after it.
        Channel.CreateBounded<TaskCompletionSource<ReloadOutcome>>(new BoundedChannelOptions(8) { SingleReader = true });

    public ChannelReader<TaskCompletionSource<ReloadOutcome>> Reader => _asked.Reader;

    /// <summary>Asks, and waits for nothing. Where many wait already, theirs begin after this and stand for it.</summary>
    public void Post() => _asked.Writer.TryWrite(new TaskCompletionSource<ReloadOutcome>(TaskCreationOptions.RunContinuationsAsynchronously));

    /// <summary>Asks, and says how it went. Cancelled when the role stops before.</summary>
    public async Task<ReloadOutcome> AskAsync(CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource<ReloadOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await _asked.Writer.WriteAsync(answer, cancellationToken);
        }
        catch (ChannelClosedException closed)
        {
            throw new OperationCanceledException("The role stops.", closed);
        }

        return await answer.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Nobody takes any more: who waits is told.</summary>
    public void Close()
    {
        _asked.Writer.TryComplete();
        while (_asked.Reader.TryRead(out var waiting))
        {
            waiting.TrySetCanceled();
        }
    }
}

/// <summary>How a reload went.</summary>
/// <param name="Errors">What is wrong with the new configuration; then everything stays as it was.</param>
/// <param name="Taken">Options that have another value from now on.</param>
/// <param name="NeedsRestart">Options that would have another value after a restart.</param>
internal sealed record ReloadOutcome(IReadOnlyList<string> Errors, IReadOnlyList<string> Taken, IReadOnlyList<string> NeedsRestart);

/// <summary>The one way in which it is written and read.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ReloadOutcome))]
internal sealed partial class ReloadJson : JsonSerializerContext;
