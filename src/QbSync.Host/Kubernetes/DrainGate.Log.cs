using Microsoft.Extensions.Logging;

namespace QbSync.Host.Kubernetes;

internal sealed partial class DrainGate
{
    private static partial class Log
    {
        [LoggerMessage(HostEventIds.DrainNoCluster, LogLevel.Information, "This is no pod of a Kubernetes cluster, so there is no annotation to ask for a drain.")]
        public static partial void NoCluster(ILogger logger);

        [LoggerMessage(HostEventIds.DrainAnnotation, LogLevel.Information, "The annotation {Annotation} of this pod is \"{Value}\": {Outcome}.")]
        public static partial void Read(ILogger logger, string annotation, string value, string outcome);

        [LoggerMessage(HostEventIds.DrainAnnotationUnread, LogLevel.Warning, "The annotation {Annotation} of this pod could not be read, so there is no drain: {Problem}.")]
        public static partial void NotRead(ILogger logger, string annotation, string problem);
    }
}
