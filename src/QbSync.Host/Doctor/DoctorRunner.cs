using QbSync.Host.Configuration;

namespace QbSync.Host.Doctor;

/// <summary>Runs the checks of a role one after the other, each for ten seconds at most.</summary>
internal sealed class DoctorRunner(SettingsSource source, TimeProvider time)
{
    /// <summary>Longest time of a check.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    /// <summary>Runs them, and hands each over as soon as it is known.</summary>
    public async Task<IReadOnlyList<DoctorLine>> RunAsync(Action<DoctorLine> found, CancellationToken cancellationToken)
    {
        var (configuration, settings) = ConfigurationCheck.Run(source);
        List<DoctorLine> lines = [new(ConfigurationCheck.Id, configuration)];
        found(lines[0]);
        await using var patient = settings is null ? null : new DoctorPatient(settings, time);
        foreach (var check in DoctorChecks.All.Where(check => check.Roles.HasFlag(source.Role)))
        {
            var line = new DoctorLine(check.Id, patient is null ? Finding.Skip("the configuration is not valid") : await RunAsync(check, patient, cancellationToken));
            lines.Add(line);
            found(line);
        }

        return lines;
    }

    private async Task<Finding> RunAsync(DoctorCheck check, DoctorPatient patient, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Longest, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            // On the pool and left behind when the time is over: a device that hangs lets nobody cancel.
            return await Task.Run(() => check.RunAsync(patient, either.Token), either.Token).WaitAsync(either.Token);
        }
        catch (Exception error) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested && error is OperationCanceledException or QbSyncException)
        {
            return check.Late;
        }
        catch (Exception error) when (error is QbSyncException or IOException or UnauthorizedAccessException)
        {
            return Finding.Skip($"not known: {error.Message}");
        }
    }
}
