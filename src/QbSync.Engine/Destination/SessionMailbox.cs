using System.Threading.Channels;

namespace QbSync.Engine.Destination;

/// <summary>
/// Runs a session's turns one after another on one task: the only place where its state changes. A turn does no I/O and waits for nothing.
/// Owned by its session; disposing it runs what is queued, then ends.
/// </summary>
internal sealed class SessionMailbox : IAsyncDisposable
{
    private readonly Channel<Action> _turns = Channel.CreateBounded<Action>(
        new BoundedChannelOptions(256) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait }); // callers wait: verbs are few, turns short

    private readonly Task _loop;

    public SessionMailbox() => _loop = Task.Run(RunAsync);

    /// <summary>Queues a turn; false when the mailbox has ended.</summary>
    public async ValueTask<bool> PostAsync(Action turn)
    {
        try
        {
            await _turns.Writer.WriteAsync(turn).ConfigureAwait(false);
            return true;
        }
        catch (ChannelClosedException)
        {
            return false;
        }
    }

    /// <summary>Runs a turn: for who then answers that it is so, since whoever is answered may look. Not from within a turn.</summary>
    public Task<bool> ApplyAsync(Action turn) => AskAsync(
        () =>
        {
            turn();
            return true;
        },
        ended: false);

    /// <summary>Queues a turn without waiting; false when there is no room or the mailbox has ended.</summary>
    public bool TryPost(Action turn) => _turns.Writer.TryWrite(turn);

    /// <summary>Runs a turn and returns what it returned; <paramref name="ended"/> when the mailbox has ended.</summary>
    public async Task<T> AskAsync<T>(Func<T> turn, T ended)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var queued = await PostAsync(() =>
        {
            try
            {
                answer.SetResult(turn());
            }
            catch (Exception e)
            {
                answer.SetException(e);
            }
        }).ConfigureAwait(false);
        return queued ? await answer.Task.ConfigureAwait(false) : ended;
    }

    public async ValueTask DisposeAsync()
    {
        _turns.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        await foreach (var turn in _turns.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            turn();
        }
    }
}
