using System.Globalization;
using QbSync.Engine.Status;

namespace QbSync.Host.Lifetime;

/// <summary>
/// What a running role tells its supervisor: that it is ready, what it does, that it lives, that it reads its options anew, that it stops. Runs from its making to
/// its disposal.
/// </summary>
internal sealed class SystemdReport : IAsyncDisposable
{
    private static readonly TimeSpan StatusInterval = TimeSpan.FromSeconds(5);

    // A drain may take longer than the supervisor would wait by itself: each word of us gives so much more.
    private static readonly TimeSpan MoreTime = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource _ends = new();
    private readonly SystemdNotifier _notifier;
    private readonly Func<EngineStatus?> _status;
    private readonly Func<bool> _isAlive;
    private readonly PeriodicTimer? _timer;
    private readonly CancellationTokenRegistration _stopping;
    private readonly Task _running = Task.CompletedTask;
    private readonly TimeProvider _time;
    private volatile bool _isStopping;
    private string _told;

    /// <summary>Tells that the role is ready, and goes on telling.</summary>
    /// <param name="isAlive">Whether the role's loop beats; a watchdog hears of us only while it does.</param>
    /// <param name="stop">Fires when the role is told to stop.</param>
    public SystemdReport(SystemdNotifier notifier, Func<EngineStatus?> status, Func<bool> isAlive, CancellationToken stop, TimeProvider time)
    {
        (_notifier, _status, _isAlive, _time) = (notifier, status, isAlive, time);
        _told = Describe(status());
        if (!notifier.IsOn)
        {
            return;
        }

        notifier.Tell("READY=1", "STATUS=" + _told);
        _timer = new PeriodicTimer(notifier.Watchdog / 2 is { } half && half < StatusInterval ? half : StatusInterval, time);
        _running = TellOnAsync();
        _stopping = stop.Register(TellStopping);
    }

    /// <summary>Tells that options are read anew, until <see cref="Reloaded"/>.</summary>
    public void Reloading() => _notifier.Tell(
        "RELOADING=1", string.Create(CultureInfo.InvariantCulture, $"MONOTONIC_USEC={(long)_time.GetElapsedTime(0).TotalMicroseconds}"));

    /// <summary>Tells that they are.</summary>
    public void Reloaded() => _notifier.Tell("READY=1");

    public async ValueTask DisposeAsync()
    {
        await _stopping.DisposeAsync();
        await _ends.CancelAsync();
        await _running;
        _timer?.Dispose();
        _ends.Dispose();
    }

    private void TellStopping()
    {
        _isStopping = true;
        _notifier.Tell("STOPPING=1", "STATUS=Stopping.", ExtendTimeout());
    }

    private async Task TellOnAsync()
    {
        try
        {
            while (await _timer!.WaitForNextTickAsync(_ends.Token))
            {
                TellNow();
            }
        }
        catch (OperationCanceledException)
        {
            // Over.
        }
    }

    private void TellNow()
    {
        var states = new List<string>();
        if (_isAlive())
        {
            if (_notifier.Watchdog is not null)
            {
                states.Add("WATCHDOG=1");
            }

            if (_isStopping)
            {
                states.Add(ExtendTimeout());
            }
        }

        if (!_isStopping && Describe(_status()) is var now && now != _told)
        {
            _told = now;
            states.Add("STATUS=" + now);
        }

        if (states.Count > 0)
        {
            _notifier.Tell([.. states]);
        }
    }

    private static string ExtendTimeout() =>
        string.Create(CultureInfo.InvariantCulture, $"EXTEND_TIMEOUT_USEC={(long)MoreTime.TotalMicroseconds}");

    private static string Describe(EngineStatus? status)
    {
        if (status is not { IsStarted: true })
        {
            return "Starting.";
        }

        var pending = status.Torrents.Count(torrent => torrent.FinishedAt is null);
        var problem = status.Problem.Length > 0 ? " " + string.Concat(status.Problem.Select(static letter => char.IsControl(letter) ? '?' : letter)) : "";
        return string.Create(
            CultureInfo.InvariantCulture, $"{status.Torrents.Count} torrents, {pending} under way, {status.BytesPerSecond / (1 << 20):F1} MiB/s.{problem}");
    }
}
