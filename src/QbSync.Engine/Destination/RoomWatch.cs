using Microsoft.Extensions.Logging;

namespace QbSync.Engine.Destination;

/// <summary>
/// Whether there is room on the data root's device: closed as soon as a piece was refused for want of space or the free space falls below the
/// reserve, open again at 1.1 times the reserve, so that it does not flap. One log line a change. Thread-safe.
/// </summary>
internal sealed partial class RoomWatch(Live<DestinationOptions> options, Func<long?> getFreeBytes, ILogger<RoomWatch> logger)
{
    private readonly Lock _gate = new();
    private volatile bool _isFull;
    private long _free = -1;
    private int _reports;

    /// <summary>Whether pieces are refused for want of space.</summary>
    public bool IsFull => _isFull;

    /// <summary>Free bytes at the last look; null when unknown.</summary>
    public long? FreeBytes => Volatile.Read(ref _free) is var free and >= 0 ? free : null;

    /// <summary>A write found no space. Called from write workers.</summary>
    public void ReportFull()
    {
        Interlocked.Increment(ref _reports);
        if (!_isFull)
        {
            Close(getFreeBytes());
        }
    }

    /// <summary>Looks. True when there is room again.</summary>
    public bool Look()
    {
        var reports = Volatile.Read(ref _reports);
        var free = getFreeBytes();
        Volatile.Write(ref _free, free ?? -1);
        var least = options.Current.MinFreeBytes;
        if (free <= 0 || free < least)
        {
            if (!_isFull)
            {
                Close(free);
            }

            return false;
        }

        if (!_isFull || free < least + (least / 10))
        {
            return false;
        }

        lock (_gate)
        {
            if (reports != Volatile.Read(ref _reports))
            {
                return false; // a write found none since that figure
            }

            _isFull = false;
        }

        Log.Room(logger, options.Current.DataRoot, free ?? 0);
        return true;
    }

    private void Close(long? free)
    {
        lock (_gate)
        {
            Volatile.Write(ref _free, free ?? -1);
            if (_isFull)
            {
                return; // another write told of it just now
            }

            _isFull = true;
        }

        Log.Full(logger, options.Current.DataRoot, free ?? 0);
    }
}
