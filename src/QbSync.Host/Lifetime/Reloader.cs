using Microsoft.Extensions.Logging;
using QbSync.Host.Configuration;
using QbSync.Host.Logging;

namespace QbSync.Host.Lifetime;

/// <summary>
/// Reads the configuration anew when asked, and gives a running role what it can take: all of it, or nothing when anything is wrong.
/// </summary>
/// <param name="started">What the role was started with.</param>
internal sealed partial class Reloader(
    RoleNode node, RoleSettings started, SettingsSource source, ReloadRequests requests, LogLines lines, ILogger<Reloader> logger)
{
    private readonly HashSet<string> _hidden = [.. started.Secrets]; // what was one is still on its way somewhere
    private RoleSettings _settings = started;

    /// <summary>Answers requests until <paramref name="stop"/>.</summary>
    /// <param name="report">Tells the supervisor meanwhile.</param>
    public async Task RunAsync(SystemdReport report, CancellationToken stop)
    {
        try
        {
            await foreach (var request in requests.Reader.ReadAllAsync(stop))
            {
                report.Reloading();
                ReloadOutcome outcome;
                try
                {
                    outcome = Reload();
                }
                catch (Exception error) when (error is not OutOfMemoryException)
                {
                    // A fault of ours, and no reason to end a role that works: who asked is told, and the supervisor does not wait for ever.
                    Log.ReloadFailed(logger, error);
                    outcome = new ReloadOutcome([error.Message], [], []);
                }

                report.Reloaded();
                request.TrySetResult(outcome);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
        finally
        {
            requests.Close();
        }
    }

    private ReloadOutcome Reload()
    {
        var errors = new OptionErrors();
        var read = source.Read(errors);

        // Alone it may be in order, and not with what needs a restart.
        var next = read is null ? null : _settings.TakeReloadable(read, source.Environment, errors);
        if (read is null || next is null)
        {
            foreach (var error in errors.All)
            {
                Log.ReloadRefused(logger, error);
            }

            return new ReloadOutcome(errors.All, [], []);
        }

        string[] taken = [.. _settings.Values.FindChanges(next.Values).Select(static option => option.Name)];
        string[] left = [.. next.Values.FindChanges(read.Values).Select(static option => option.Name)];
        _settings = next;
        lines.Least = LogLines.ParseLevel(next.LogLevel);
        lines.Redactor = new Redactor([.. next.Secrets, .. _hidden]);
        node.Apply(next);
        Log.Reloaded(logger, taken.Length == 0 ? "nothing" : string.Join(", ", taken));
        foreach (var name in left)
        {
            Log.NeedsRestart(logger, name);
        }

        return new ReloadOutcome([], taken, left);
    }
}
