using System.Runtime.InteropServices;

namespace QbSync.Host.Lifetime;

/// <summary>
/// SIGINT and SIGTERM: the first asks for a graceful stop, the second for a fast one, the third ends the process at once. SIGHUP asks for a reload.
/// </summary>
internal sealed class Signals : IDisposable
{
    private readonly CancellationTokenSource _graceful = new();
    private readonly CancellationTokenSource _fast = new();
    private readonly PosixSignalRegistration[] _registrations;
    private int _count;

    /// <param name="reload">Asks for a reload; called on a thread of the system's, and returns at once. Null where a SIGHUP means the end as everywhere.</param>
    public Signals(Action? reload = null) => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
        .. reload is null ? [] : new[] { PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => OnHangup(context, reload)) },
    ];

    /// <summary>Fires with the first signal.</summary>
    public CancellationToken Graceful => _graceful.Token;

    /// <summary>Fires with the second.</summary>
    public CancellationToken Fast => _fast.Token;

    public void Dispose()
    {
        // The two sources stay as they are, since a signal that came a moment ago may be on its way to them; they hold nothing of the system's.
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }
    }

    private static void OnHangup(PosixSignalContext context, Action reload)
    {
        context.Cancel = true;
        reload();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        switch (Interlocked.Increment(ref _count))
        {
            case 1:
                _graceful.Cancel();
                break;
            case 2:
                // The first may be on its way still, on another thread.
                _graceful.Cancel();
                _fast.Cancel();
                break;
            default:
                Environment.Exit(context.Signal == PosixSignal.SIGINT ? ExitCodes.ForcedByInterrupt : ExitCodes.ForcedByTerm);
                break;
        }
    }
}
