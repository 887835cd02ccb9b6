using System.Diagnostics;
using System.Runtime.InteropServices;

namespace QbSync.Testing.Networks;

/// <summary>A thread that carries packets from one device to another, each when its time has come.</summary>
internal sealed unsafe class LinkDirection : IDisposable
{
    private const int Slots = 1 << 14;
    private const int Batch = 64;

    // How soon it notices that it is to stop.
    private static readonly long LongestWait = TimeSpan.FromMilliseconds(100).Ticks;

    private readonly TunDevice _from;
    private readonly TunDevice _to;
    private readonly PacketRing _ring = new(Slots);
    private readonly Thread _thread;
    private volatile bool _isStopping;
    private long _latest;

    public LinkDirection(TunDevice from, TunDevice to, Bottleneck bottleneck)
    {
        (_from, _to, Bottleneck) = (from, to, bottleneck);
        _thread = new Thread(Carry) { IsBackground = true, Name = "link direction" };
        _thread.Start();
    }

    /// <summary>What it counted; only after <see cref="Dispose"/> exact.</summary>
    public Bottleneck Bottleneck { get; }

    /// <summary>How much later than due a packet left, at worst: what the machine did to the link.</summary>
    public TimeSpan Latest => TimeSpan.FromTicks(Volatile.Read(ref _latest));

    public void Dispose()
    {
        _isStopping = true;
        _thread.Join();
        _ring.Dispose();
    }

    private static long Now() => Stopwatch.GetElapsedTime(0).Ticks;

    private void Carry()
    {
        // A link does not wait for a processor; Latest says whether it had to.
        NetworkCalls.ProcessControl(NetworkCalls.SetTimerSlack, 1);
        NetworkCalls.RunFirst();
        while (!_isStopping)
        {
            var isIdle = !Take();
            isIdle &= !Give();
            if (isIdle)
            {
                Wait();
            }
        }
    }

    /// <summary>Reads what was sent; false when nothing was.</summary>
    private bool Take()
    {
        for (var i = 0; i < Batch; i++)
        {
            if (_ring.IsFull)
            {
                return i > 0;
            }

            var length = (int)NetworkCalls.Read(_from.Descriptor, _ring.Free, TunDevice.Mtu);
            if (length <= 0)
            {
                return i > 0;
            }

            if (Bottleneck.TryPass(length, Now(), out var outAt))
            {
                _ring.Add(length, outAt);
            }
        }

        return true;
    }

    /// <summary>Writes what is due; false when nothing was.</summary>
    private bool Give()
    {
        for (var i = 0; i < Batch; i++)
        {
            if (_ring.IsEmpty || _ring.FirstOutAt > Now())
            {
                return i > 0;
            }

            _latest = Math.Max(_latest, Now() - _ring.FirstOutAt);
            if (NetworkCalls.Write(_to.Descriptor, _ring.First, _ring.FirstLength) < 0 && Marshal.GetLastPInvokeError() == NetworkCalls.TryAgain)
            {
                return i > 0;
            }

            _ring.RemoveFirst();
        }

        return true;
    }

    private void Wait()
    {
        var ticks = _ring.IsEmpty ? LongestWait : Math.Clamp(_ring.FirstOutAt - Now(), 0, LongestWait);
        var timeout = new NetworkCalls.TimeSpec { Nanoseconds = ticks * TimeSpan.NanosecondsPerTick };
        var entry = new NetworkCalls.PollEntry { Descriptor = _from.Descriptor, Events = NetworkCalls.PollIn };
        NetworkCalls.Poll(&entry, 1, &timeout, null);
    }
}
