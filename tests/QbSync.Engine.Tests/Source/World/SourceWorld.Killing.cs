using QbSync.Ports;
using QbSync.Testing.Logging;

namespace QbSync.Engine.Tests.Source.World;

/// <summary>A process that is killed: from that moment nothing that it does has any effect.</summary>
internal sealed partial class SourceWorld
{
    private const int Began = 4040, Changed = 4041;

    private static InvalidOperationException Dead => new("The process is dead.");

    /// <summary>Begins an engine that is killed at its <paramref name="moment"/>-th change of a state or write of a record; the task ends when it is.</summary>
    public Task StartUntil(int moment)
    {
        var killed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var left = moment;
        var isDead = false;
        Start(
            new TappedLog(new LogErrorGuard(), id => Note(id.Id is Began or Changed)),
            (_, _) => ThrowIfDead(),
            (method, _) =>
            {
                ThrowIfDead();
                Note(method is nameof(IDurableRecords.WriteAsync) or nameof(IDurableRecords.RemoveAsync));
            },
            (_, _) => ThrowIfDead());
        return killed.Task;

        void Note(bool counts)
        {
            if (counts && Interlocked.Decrement(ref left) == 0)
            {
                Volatile.Write(ref isDead, true);
                killed.TrySetResult();
            }
        }

        void ThrowIfDead()
        {
            if (Volatile.Read(ref isDead))
            {
                throw Dead;
            }
        }
    }

    /// <summary>Begins an engine that is killed when the client has done what it was asked, before anybody hears of it; the task ends when it is.</summary>
    public Task StartUntilDone(string call)
    {
        var killed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var after = Client.After;
        Client.After = async name =>
        {
            await after(name);
            if (name == call && killed.TrySetResult())
            {
                throw Dead;
            }
        };
        Start(new TappedLog(new LogErrorGuard(), static _ => { }), (_, _) => ThrowIfDead(), (_, _) => ThrowIfDead(), (_, _) => ThrowIfDead());
        return killed.Task;

        void ThrowIfDead()
        {
            if (killed.Task.IsCompleted)
            {
                throw Dead;
            }
        }
    }

    /// <summary>Buries the engine that was killed; its link is cut.</summary>
    public async Task BuryAsync()
    {
        var dead = _running;
        _running = Task.CompletedTask;
        Destination.SetDown(true);
        await _stop!.CancelAsync();
        await PassUntilAsync(() => dead.IsCompleted);
        Destination.SetDown(false);
        Client.RestartWithout();
    }
}
