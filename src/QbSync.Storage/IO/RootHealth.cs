using Microsoft.Extensions.Logging;
using QbSync.Outcomes;
using QbSync.Storage.IO.Native;

namespace QbSync.Storage.IO;

/// <summary>
/// Whether the root can be written to: it is the folder that was opened, and its device keeps what it is given. Three failed flushes in ten minutes, or a device
/// that turned read-only, take it out of use; a probe brings it back by itself. Thread-safe; looks at the disk at most once a second, but for
/// <see cref="Look"/>.
/// </summary>
internal sealed partial class RootHealth : IAsyncDisposable
{
    private const int MaxFailures = 3;
    private const string ProbeName = ".tmp-probe";
    private static readonly TimeSpan FailureWindow = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);
    private readonly Lock _gate = new();
    private readonly Queue<long> _failures = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly RootDirectory _root;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Task _loop;
    private long _nextLook;
    private volatile Refusal? _trouble;
    private volatile bool _isMissing;

    /// <summary>Starts.</summary>
    public RootHealth(RootDirectory root, TimeProvider time, ILogger logger)
    {
        _root = root;
        _time = time;
        _logger = logger;
        _nextLook = time.GetTimestamp();
        _loop = ProbeAsync(new PeriodicTimer(ProbeInterval, time));
    }

    /// <summary>Whether pieces may be written now.</summary>
    public bool IsUsable()
    {
        if (_trouble is not null)
        {
            return false;
        }

        var now = _time.GetTimestamp();
        var next = Interlocked.Read(ref _nextLook);
        var after = now + (long)(LookInterval.TotalSeconds * _time.TimestampFrequency);
        if (now >= next && Interlocked.CompareExchange(ref _nextLook, after, next) == next)
        {
            _isMissing = IsMissing();
        }

        return !_isMissing;
    }

    /// <summary>Why nothing can be written, or null; the root is looked at anew.</summary>
    public Refusal? Look()
    {
        _isMissing = IsMissing();
        return _isMissing
            ? new Refusal(RefusalReason.RootMissing, $"'{_root.Path}' is not the folder that was opened at the start: a mount came or went.")
            : _trouble;
    }

    /// <summary>A call on the root failed. What it says of the device is remembered.</summary>
    /// <param name="failure">The failure.</param>
    /// <param name="isFlush">Whether it was a flush, after which nobody knows what the device has.</param>
    public void Failed(StorageException failure, bool isFlush)
    {
        bool isBroken;
        lock (_gate)
        {
            if (isFlush && failure.Fault == StorageFault.Io)
            {
                var now = _time.GetTimestamp();
                _failures.Enqueue(now);
                while (_time.GetElapsedTime(_failures.Peek(), now) > FailureWindow)
                {
                    _failures.Dequeue();
                }
            }

            isBroken = _trouble is null && (_failures.Count >= MaxFailures || StorageFaults.IsReadOnly(failure));
            if (isBroken)
            {
                _trouble = new Refusal(RefusalReason.StorageError, $"The device of '{_root.Path}' fails, so nothing is written to it: {failure.Message}");
            }
        }

        if (isBroken)
        {
            Log.Broken(_logger, _root.Path, failure.Message);
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
    }

    private bool IsMissing()
    {
        try
        {
            return !_root.IsStillThere();
        }
        catch (StorageException exception)
        {
            Failed(exception, isFlush: false);
            return false;
        }
    }

    private async Task ProbeAsync(PeriodicTimer timer)
    {
        using (timer)
        {
            try
            {
                while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
                {
                    if (_trouble is not null)
                    {
                        await Task.Run(Probe, _stop.Token).ConfigureAwait(false);
                    }
                }
            }
            catch (OperationCanceledException)
            {
                // Disposed.
            }
        }
    }

    private void Probe()
    {
        try
        {
            if (!_root.IsStillThere())
            {
                return;
            }

            using var folder = _root.EnsureFolder([SafePath.OwnFolder]);
            AtomicFile.Probe(_root.Files, folder, ProbeName);
        }
        catch (StorageException)
        {
            return; // still broken; the next probe is soon
        }

        lock (_gate)
        {
            _failures.Clear();
            _trouble = null;
        }

        Log.Healed(_logger, _root.Path);
    }
}
