using System.Globalization;
using System.Threading.Channels;
using QbSync.Engine.Status;

namespace QbSync.Host.Lifetime;

/// <summary>
/// What a running role tells its supervisor: that it is ready, what it does, that it lives, that it reads its options anew, that it stops. Runs from its making to
/// its disposal. What to tell is decided under one lock and told in that order, so that after the word of the stop nothing says that it works. Thread-safe.
/// </summary>
internal sealed class SystemdReport : IAsyncDisposable
{
    private const int MostWaiting = 16;

    private static readonly TimeSpan StatusInterval = TimeSpan.FromSeconds(5);

    // A drain may take longer than the supervisor would wait by itself: each word of us gives so much more.
    private static readonly TimeSpan MoreTime = TimeSpan.FromSeconds(60);

    // At the end: a supervisor that hears nothing is left alone.
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _ends = new();
    private readonly Lock _gate = new();
    private readonly Channel<string[]> _words =
        // So many wait only where the supervisor hears nothing, and then the oldest matter least.
        Channel.CreateBounded<string[]>(new BoundedChannelOptions(MostWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.DropOldest });

    private readonly SystemdNotifier _notifier;
    private readonly Func<EngineStatus?> _status;
    private readonly Func<bool> _isAlive;
    private readonly PeriodicTimer? _timer;
    private readonly CancellationTokenRegistration _stopping;
    private readonly Task _ticking = Task.CompletedTask;
    private readonly Task _telling = Task.CompletedTask;
    private readonly TimeProvider _time;
    private bool _isStopping;
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

        _words.Writer.TryWrite(["READY=1", "STATUS=" + _told]);
        _telling = Task.Run(TellAsync, CancellationToken.None);
        _timer = new PeriodicTimer(notifier.Watchdog / 2 is { } half && half < StatusInterval ? half : StatusInterval, time);
        _ticking = TickAsync();
        _stopping = stop.Register(Stopping);
    }

    /// <summary>Tells that options are read anew, until <see cref="Reloaded"/>.</summary>
    public void Reloading() => SayUnlessStopping(
        "RELOADING=1", string.Create(CultureInfo.InvariantCulture, $"MONOTONIC_USEC={(long)_time.GetElapsedTime(0).TotalMicroseconds}"));

    /// <summary>Tells that they are.</summary>
    public void Reloaded() => SayUnlessStopping("READY=1");

    public async ValueTask DisposeAsync()
    {
        await _stopping.DisposeAsync();
        await _ends.CancelAsync();
        await _ticking;
        _words.Writer.TryComplete();
        await _telling.WaitAsync(LastWords, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _timer?.Dispose();
        _ends.Dispose();
    }

    private void Stopping()
    {
        lock (_gate)
        {
            _isStopping = true;
            _words.Writer.TryWrite(["STOPPING=1", "STATUS=Stopping.", ExtendTimeout()]);
        }
    }

    private void SayUnlessStopping(params string[] states)
    {
        lock (_gate)
        {
            if (!_isStopping && _notifier.IsOn)
            {
                _words.Writer.TryWrite(states);
            }
        }
    }

    /// <summary>The only one that speaks, so that what was decided first is heard first.</summary>
    private async Task TellAsync()
    {
        await foreach (var states in _words.Reader.ReadAllAsync(CancellationToken.None))
        {
            _notifier.Tell(states);
        }
    }

    private async Task TickAsync()
    {
        try
        {
            while (await _timer!.WaitForNextTickAsync(_ends.Token))
            {
                Tick(_isAlive(), Describe(_status()));
            }
        }
        catch (OperationCanceledException)
        {
            // Over.
        }
    }

    private void Tick(bool isAlive, string now)
    {
        var states = new List<string>();
        lock (_gate)
        {
            if (isAlive && _notifier.Watchdog is not null)
            {
                states.Add("WATCHDOG=1");
            }

            if (isAlive && _isStopping)
            {
                states.Add(ExtendTimeout());
            }

            if (!_isStopping && now != _told)
            {
                _told = now;
                states.Add("STATUS=" + now);
            }

            if (states.Count > 0)
            {
                _words.Writer.TryWrite([.. states]);
            }
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
