using System.Text.Json;

namespace QbSync.Host.Kubernetes;

/// <summary>Reads an annotation out of a pod's document.</summary>
internal static class PodAnnotationReader
{
    /// <summary>The annotation's value; null when the pod has none of that name.</summary>
    /// <exception cref="DrainGateException">This is no document of a pod.</exception>
    public static string? Read(ReadOnlyMemory<byte> pod, string name)
    {
        try
        {
            using var document = JsonDocument.Parse(pod);
            return document.RootElement.TryGetProperty("metadata", out var metadata)
                && metadata.TryGetProperty("annotations", out var annotations)
                && annotations.TryGetProperty(name, out var value)
                ? value.GetString()
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new DrainGateException("the Kubernetes API answers with something that is no pod", e);
        }
    }
}
