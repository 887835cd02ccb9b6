using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using QbSync.Host.Configuration;
using QbSync.Transport;

namespace QbSync.Host.Lifetime;

/// <summary>Takes a node from start to a clean end, and turns how that went into an exit code.</summary>
internal sealed partial class RoleRunner(RoleNode node, RoleSettings settings, SystemdNotifier supervisor, Reloader reloader, ILoggerFactory loggers)
{
    // After a second signal: what is in hand is persisted by journals anyway, so this only bounds the wait.
    private static readonly TimeSpan FastStop = TimeSpan.FromSeconds(5);

    private readonly ILogger _logger = loggers.CreateLogger<RoleRunner>();

    public async Task<int> RunAsync(Signals signals)
    {
        foreach (var value in settings.Values.All.Where(value => value.Definition.IsSecret && value.Origin == OptionValue.FlagOrigin))
        {
            Log.SecretOnCommandLine(_logger, value.Definition.Name);
        }

        foreach (var (option, file) in settings.OpenSecretFiles)
        {
            Log.SecretFileIsOpen(_logger, option, file);
        }

        if (settings.Security is { Mode: SecurityMode.Insecure, AllowInsecure: true })
        {
            Log.Insecure(_logger);
        }

        try
        {
            await node.StartAsync(signals.Graceful);
        }
        catch (OperationCanceledException) when (signals.Graceful.IsCancellationRequested)
        {
            await node.DisposeAsync();
            return ExitCodes.Done;
        }
        catch (Exception error) when (error is StorageException or TrustException or IOException or UnauthorizedAccessException or SocketException)
        {
            Log.CouldNotStart(_logger, settings.Mode, error.Message);
            await node.DisposeAsync();
            return ExitCodes.CouldNotStart;
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            Log.Failed(_logger, error, settings.Mode);
            await node.DisposeAsync();
            return ExitCodes.Failed;
        }

        Log.Started(_logger, settings.Mode, HostMetrics.Version, settings.Data, settings.StateDirectory, node.HealthAddress);
        if (settings.Security.Mode == SecurityMode.Paired && !File.Exists(settings.Security.PeersFile))
        {
            Log.NobodyPaired(_logger, settings.Mode);
        }

        await using var report = new SystemdReport(supervisor, () => node.Status, () => node.IsAlive, signals.Graceful, TimeProvider.System);

        var exit = RunAndDisposeAsync(report, signals.Graceful, signals.Fast);
        var forced = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = signals.Fast.Register(() => forced.TrySetResult());
        if (await Task.WhenAny(exit, forced.Task) != exit)
        {
            await Task.WhenAny(exit, Task.Delay(FastStop, TimeProvider.System));
        }

        return exit.IsCompleted ? await exit : ExitCodes.Done;
    }

    private async Task<int> RunAndDisposeAsync(SystemdReport report, CancellationToken stop, CancellationToken hurry)
    {
        var code = ExitCodes.Done;
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var reloading = reloader.RunAsync(report, ends.Token);
        try
        {
            await node.RunAsync(stop, hurry);
        }
        catch (StorageException error) when (error.Fault is StorageFault.Locked or StorageFault.NewerState or StorageFault.NotUsable)
        {
            Log.CouldNotStart(_logger, settings.Mode, error.Message);
            code = ExitCodes.CouldNotStart;
        }
        catch (Exception error)
        {
            Log.Failed(_logger, error, settings.Mode);
            code = ExitCodes.Failed;
        }

        await ends.CancelAsync();
        await reloading;
        await node.DisposeAsync();
        Log.Stopped(_logger, settings.Mode);
        return code;
    }
}
