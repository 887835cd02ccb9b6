using QbSync.Transport.Client.Pooling;

namespace QbSync.Transport.Client.Connections;

/// <summary>Feeds the scalers with samples and does what they decide: opens, adds, drains, closes.</summary>
internal sealed partial class ConnectionSet
{
    // Beyond this a single connection's start and its losses cost more than a link of several.
    private const int LongWayConnections = 4;
    private const double Usable = 0.8;
    private const double RateLimited = 0.9;

    private static readonly TimeSpan LongWay = TimeSpan.FromMilliseconds(5);

    private readonly ConnectionScaler _scaler;
    private readonly SlotUsage[] _usage = new SlotUsage[32];
    private TimeSpan _sampledAt;
    private bool _isLongWay;
    private Trial? _trial;
    private Trial? _uncounted;

    /// <summary>Whether a failed experiment holds the next one off.</summary>
    public bool IsPaused => _scaler.IsPaused(_clock.Now);

    private void Grow(TimeSpan now)
    {
        if (!_isLongWay && _link.Pool.RoundTrips.Network >= LongWay)
        {
            _isLongWay = true;
            while (Count() < Math.Min(LongWayConnections, MostConnections) && AddConnection() is not null)
            {
                // Not an experiment: a long way begins with several.
            }
        }

        if (_uncounted is { } added && _link.Pool.HasCarried(added.Connection.Slot))
        {
            _uncounted = null;
            _link.Metrics.ConnectionScaled(isUp: true);
        }

        if (now - _sampledAt >= _link.Options.SampleTime)
        {
            _sampledAt = now;
            Sample(now);
        }
    }

    private int MostConnections => Math.Min(_slots.Length, _link.Session.MostConnections);

    private int MostStreams => Math.Min(_link.Options.MaxStreamsPerConnection, _link.Session.MostStreams);

    private void Sample(TimeSpan now)
    {
        var usage = _link.Pool.TakeUsage(_usage);
        var seconds = usage.Span.TotalSeconds;
        if (!_link.Options.Scaling || seconds <= 0)
        {
            return;
        }

        if (SetSendBuffers(now, seconds))
        {
            _scaler.Restart();
            Undo();
            return;
        }

        var growth = StreamScaler.Choose(Describe(seconds), MostConnections, MostStreams);
        var rate = usage.Reported / seconds;
        var limit = _link.Limiter.Rate;
        var (network, roundTrip) = _link.Pool.RoundTrips;
        var isHeld = usage.Reported > 0 && usage.Blocked >= Usable * usage.Span && usage.WithoutCredit < (1 - Usable) * usage.Span;
        var isLimited = limit > 0 && rate >= RateLimited * limit;
        var action = _scaler.OnSample(new ScaleSample(now, rate, isHeld && !isLimited && usage.Lost == 0, CanGrow(growth))
        {
            IsAddedOpen = _trial is { Seat.IsOpen: true },
            RateLimit = limit,
            NetworkRoundTrip = network,
            RoundTrip = roundTrip,
        });
        switch (action)
        {
            case ScaleAction.Add:
                Log.GrowthTried(_link.Logger, growth.Kind, (long)rate);
                Try(growth);
                break;
            case ScaleAction.Keep:
                Log.GrowthKept(_link.Logger, (long)rate);
                _trial = null;
                break;
            case ScaleAction.Remove:
                Log.GrowthUndone(_link.Logger, (long)rate);
                Undo();
                break;
        }
    }

    private bool CanGrow(Growth growth) => growth.Kind switch
    {
        GrowthKind.Stream => true,

        // A slot is free only when the connection that left it has gone.
        GrowthKind.Connection => Array.IndexOf(_slots, null) >= 0,
        _ => false,
    };

    private void Try(Growth growth)
    {
        if (growth.Kind == GrowthKind.Stream)
        {
            var connection = _slots[growth.Slot]!;
            _trial = new Trial(connection, AddSeat(connection));
        }
        else if (AddConnection() is { } connection)
        {
            _trial = _uncounted = new Trial(connection, connection.Seats[0]);
        }
    }

    private void Undo()
    {
        if (_trial is { } trial)
        {
            _trial = null;
            if (_uncounted == trial)
            {
                _uncounted = null;
            }

            Leave(trial.Connection, trial.Seat);
        }
    }

    private int Count()
    {
        var count = 0;
        foreach (var connection in _slots)
        {
            count += connection is null ? 0 : 1;
        }

        return count;
    }

    private ConnectionUse[] Describe(double seconds)
    {
        List<ConnectionUse> uses = [];
        foreach (var connection in _slots)
        {
            if (connection is not null)
            {
                connection.Figures.Sample();
                uses.Add(new ConnectionUse(
                    connection.Slot,
                    connection.Seats.Count,
                    _usage[connection.Slot].Blocked.TotalSeconds / seconds,
                    connection.Figures.BusyInSample?.TotalSeconds / seconds));
            }
        }

        return [.. uses];
    }

    private bool SetSendBuffers(TimeSpan now, double seconds)
    {
        var isSet = false;
        foreach (var connection in _slots)
        {
            if (connection is { Socket: { } socket, Figures: { Last: { } info, SendBuffer: { } rule } }
                && rule.OnSample(now, info, _usage[connection.Slot].Reported / seconds) is { } bytes)
            {
                _sockets.SetSendBuffer(socket, bytes);
                isSet = true;
            }
        }

        return isSet;
    }

    /// <summary>What an experiment added.</summary>
    private sealed record Trial(DataConnection Connection, StreamSeat Seat);
}
