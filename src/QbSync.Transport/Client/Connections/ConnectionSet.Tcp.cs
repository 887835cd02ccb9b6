namespace QbSync.Transport.Client.Connections;

/// <summary>What a scrape shows of a data connection.</summary>
/// <param name="Slot">Its slot.</param>
/// <param name="RoundTrip">Smoothed by TCP.</param>
/// <param name="Congestion">The algorithm in force.</param>
internal sealed record ConnectionState(int Slot, TimeSpan RoundTrip, string Congestion);

/// <summary>Asks the kernel about each socket: often while pieces are on their way, else seldom. Off Linux there is nothing to ask.</summary>
internal sealed partial class ConnectionSet
{
    private static readonly TimeSpan SendingTick = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan IdleEvery = TimeSpan.FromSeconds(5);

    private readonly SendBufferLimits? _bufferLimits = SendBufferLimits.Read();
    private readonly LossRule _loss = new();
    private ConnectionState[] _states = [];
    private TimeSpan _tcpAt;

    /// <summary>The open connections that TCP tells something of; swapped whole.</summary>
    public IReadOnlyList<ConnectionState> States => Volatile.Read(ref _states);

    private void OnTick()
    {
        var now = _clock.Now;
        if (_link.Pool.InFlightPieces > 0 || now - _tcpAt >= IdleEvery || States.Count != Open)
        {
            _tcpAt = now;
            ReadSockets();
        }

        if (!_isClosing)
        {
            Grow(now);
        }
    }

    private void ReadSockets()
    {
        List<ConnectionState> states = [];
        foreach (var connection in _slots)
        {
            if (connection is { Socket: { } socket, Open: > 0 } && SocketOptions.Read(socket) is { } info)
            {
                NoteLoss(connection.Figures.LastOf(socket), info);
                var moved = connection.Figures.Take(socket, info, _bufferLimits);
                _link.Pool.OnTcp(connection.Slot, info, moved);
                if (connection.Figures.Congestion is { } congestion)
                {
                    states.Add(new ConnectionState(connection.Slot, info.RoundTrip, congestion));
                }
            }
            else if (connection is not null)
            {
                connection.Figures.Clear();
                if (connection.Open > 0)
                {
                    _link.Pool.OnTcpSilent();
                }
            }
        }

        Volatile.Write(ref _states, [.. states]);
    }

    private void NoteLoss(TcpInfo? before, in TcpInfo now)
    {
        if (before is not { } last || !_loss.OnSample(_clock.Now, last, now))
        {
            return;
        }

        _sockets.OnLossy();
        foreach (var connection in _slots)
        {
            if (connection is { Socket: { } socket, Open: > 0 })
            {
                _sockets.Apply(socket);
                connection.Figures.CongestionChanged();
            }
        }
    }
}
