using System.Threading.Channels;

namespace QbSync.Transport.Client.Connections;

/// <summary>
/// The data connections of a link and the streams on them. One loop owns them: what others want (a peer that goes away, the link's end) comes to it as a
/// command, so a slot never changes under anybody's eyes. Verbs and properties are thread-safe; dispose it when <see cref="FinishAsync"/> has ended, or took
/// too long. The other parts: Tcp (what the kernel tells) and Scaling (what comes and goes).
/// </summary>
internal sealed partial class ConnectionSet : IAsyncDisposable
{
    private readonly LinkParts _link;
    private readonly LinkClock _clock;
    private readonly IPeerConnector _connector;
    private readonly SocketOptions _sockets;
    private readonly Random _random;
    private readonly DataConnection?[] _slots;
    private readonly SemaphoreSlim _knock = new(1, 1);
    private readonly CancellationTokenSource _stopOpening = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _leaving = [];
    private readonly Channel<Command> _commands = Channel.CreateBounded<Command>(
        new BoundedChannelOptions(4096) { SingleReader = true }); // 4096: eight times the most seats; a tick waits once, the others come once per socket or seat
    private readonly Task _owner;
    private int _isTicking;
    private bool _isClosing;

    /// <summary>Opens the first connections; they come up by themselves.</summary>
    public ConnectionSet(LinkParts link, LinkClock clock, IPeerConnector connector, Random random)
    {
        _link = link;
        _clock = clock;
        _connector = connector;
        _random = random;
        _sockets = new SocketOptions(link.Options.TcpCongestion, link.Logger);
        _slots = new DataConnection?[link.Options.MaxConnections];
        _scaler = new ConnectionScaler(link.Options);
        _sampledAt = _tcpAt = clock.Now;
        for (var i = 0; i < link.Options.MinConnections; i++)
        {
            AddConnection();
        }

        _owner = Task.Run(OwnAsync, CancellationToken.None);
    }

    private enum CommandKind
    {
        Tick = 0,
        Replace = 1,
        Left = 2,
        Finish = 3,
    }

    /// <summary>Sockets that are open now.</summary>
    public int Open
    {
        get
        {
            var open = 0;
            foreach (var connection in _slots)
            {
                open += connection?.Open ?? 0;
            }

            return open;
        }
    }

    /// <summary>The destination is about to stop: every stream is drained, and opened again when there is somebody to take it.</summary>
    public void ReplaceAll() => _commands.Writer.TryWrite(new Command(CommandKind.Replace));

    /// <summary>No stream is opened any more.</summary>
    public Task StopOpeningAsync() => _stopOpening.CancelAsync();

    /// <summary>Half-closes all streams. Ends when none is left; <see cref="CutAsync"/> makes those end that do not by themselves.</summary>
    public async Task FinishAsync()
    {
        var ended = new TaskCompletionSource<Task>(TaskCreationOptions.RunContinuationsAsynchronously);
        _commands.Writer.TryWrite(new Command(CommandKind.Finish) { Finished = ended });
        await (await ended.Task.ConfigureAwait(false)).ConfigureAwait(false);
    }

    /// <summary>Ends the streams that are left.</summary>
    public Task CutAsync() => _stop.CancelAsync();

    /// <summary>Closes what is left and stops to own.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopOpening.CancelAsync().ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        _commands.Writer.TryComplete();
        await _owner.ConfigureAwait(false);
        Volatile.Write(ref _states, []);
        foreach (var connection in _slots)
        {
            connection?.Dispose();
        }
    }

    private async Task OwnAsync()
    {
        await using var timer = _link.Time.CreateTimer(_ => Tick(), null, SendingTick, SendingTick).ConfigureAwait(false);
        await foreach (var command in _commands.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            switch (command.Kind)
            {
                case CommandKind.Tick:
                    Volatile.Write(ref _isTicking, 0);
                    OnTick();
                    break;
                case CommandKind.Replace:
                    Replace(command.Connection);
                    break;
                case CommandKind.Left:
                    OnLeft(command.Connection!, command.Seat!);
                    break;
                case CommandKind.Finish:
                    command.Finished!.SetResult(Finish());
                    break;
            }
        }
    }

    private void Tick()
    {
        if (Interlocked.Exchange(ref _isTicking, 1) == 0)
        {
            _commands.Writer.TryWrite(new Command(CommandKind.Tick));
        }
    }

    private void Replace(DataConnection? only)
    {
        foreach (var connection in _slots)
        {
            if (connection is not null && (only is null || connection == only))
            {
                connection.Seats.ForEach(static seat => seat.Replace());
            }
        }
    }

    private Task Finish()
    {
        _isClosing = true;
        List<Task> ending = [.. _leaving];
        foreach (var connection in _slots)
        {
            foreach (var seat in connection?.Seats ?? [])
            {
                ending.Add(seat.FinishAsync());
                ending.Add(seat.Ended);
            }
        }

        return Task.WhenAll(ending);
    }

    /// <summary>A connection in the lowest free slot, with a stream on it; null when there is none.</summary>
    private DataConnection? AddConnection()
    {
        var slot = Array.IndexOf(_slots, null);
        if (slot < 0)
        {
            return null;
        }

        var connection = new DataConnection(
            slot, _link.Options, _connector, _sockets, gone => _commands.Writer.TryWrite(new Command(CommandKind.Replace) { Connection = gone }));
        AddSeat(connection);
        Volatile.Write(ref _slots[slot], connection);
        return connection;
    }

    // Each seat has chance of its own: a Random is not thread-safe.
    private StreamSeat AddSeat(DataConnection connection)
    {
        var seat = new StreamSeat(connection, _link, _knock, new Random(_random.Next()), _stopOpening.Token, _stop.Token);
        connection.Seats.Add(seat);
        return seat;
    }

    /// <summary>Lets a stream go; its connection too, when it was the last. The slot is free when it has gone.</summary>
    private void Leave(DataConnection connection, StreamSeat seat)
    {
        _leaving.RemoveAll(static task => task.IsCompleted);
        _leaving.Add(LeaveAsync(connection, seat));
    }

    private async Task LeaveAsync(DataConnection connection, StreamSeat seat)
    {
        await seat.LeaveAsync().ConfigureAwait(false);
        _commands.Writer.TryWrite(new Command(CommandKind.Left) { Connection = connection, Seat = seat });
    }

    private void OnLeft(DataConnection connection, StreamSeat seat)
    {
        connection.Seats.Remove(seat);
        if (connection.Seats.Count > 0)
        {
            return;
        }

        Volatile.Write(ref _slots[connection.Slot], null);
        connection.Dispose();
        _link.Metrics.ConnectionScaled(isUp: false);
        Log.ConnectionRemoved(_link.Logger, connection.Slot);
    }

    private readonly record struct Command(CommandKind Kind)
    {
        /// <summary>What it is about; null for all.</summary>
        public DataConnection? Connection { get; init; }

        public StreamSeat? Seat { get; init; }

        public TaskCompletionSource<Task>? Finished { get; init; }
    }
}
