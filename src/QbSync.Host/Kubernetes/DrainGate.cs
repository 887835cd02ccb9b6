using Microsoft.Extensions.Logging;
using QbSync.Host.Configuration;

namespace QbSync.Host.Kubernetes;

/// <summary>
/// Whether a source that is told to stop hands everything over first. By annotation, only an explicit <c>"true"</c> on the own pod opens it: a pod that is merely
/// moved or restarted must not give away what it seeds, so whatever cannot be read is a no.
/// </summary>
internal sealed partial class DrainGate(DrainMode mode, string annotation, InClusterApi? cluster, TimeProvider time, ILogger<DrainGate> logger)
{
    /// <summary>Longest time for the answer; a supervisor that waits does not wait for ever.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>Asks, once. Never throws.</summary>
    /// <param name="hurry">Ends the question with a no.</param>
    public async Task<bool> IsOpenAsync(CancellationToken hurry)
    {
        switch (mode)
        {
            case DrainMode.Always:
                return true;
            case DrainMode.Never:
                return false;
            case DrainMode.Annotation when cluster is null:
                Log.NoCluster(logger);
                return false;
        }

        using var limit = new CancellationTokenSource(Limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, hurry);
        try
        {
            // Some of what is below does not look at a token while it resolves a name or shakes hands.
            var pod = await cluster!.ReadPodAsync(either.Token).WaitAsync(either.Token);
            var value = PodAnnotationReader.Read(pod, annotation);
            var isOpen = value == "true";
            Log.Read(logger, annotation, value ?? "", isOpen ? "a drain" : "no drain");
            return isOpen;
        }
        catch (DrainGateException e)
        {
            Log.NotRead(logger, annotation, e.Message);
        }
        catch (OperationCanceledException)
        {
            Log.NotRead(logger, annotation, hurry.IsCancellationRequested ? "there was a second signal" : $"no answer within {Limit.TotalSeconds:0} s");
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Log.NotRead(logger, annotation, e.Message);
        }

        return false;
    }
}
