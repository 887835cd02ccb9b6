namespace QbSync.Host;

/// <summary>Event ids of this package: 5000 to 5999.</summary>
internal static class HostEventIds
{
    public const int Started = 5000;
    public const int Stopped = 5001;
    public const int CouldNotStart = 5002;
    public const int Failed = 5003;
    public const int SecretOnCommandLine = 5004;
    public const int Insecure = 5005;
    public const int SecretFileIsOpen = 5006;
    public const int NobodyPaired = 5007;
    public const int DrainNoCluster = 5008;
    public const int DrainAnnotation = 5009;
    public const int DrainAnnotationUnread = 5010;
    public const int Reloaded = 5011;
    public const int ReloadRefused = 5012;
    public const int NeedsRestart = 5013;
    public const int ReloadFailed = 5014;
    public const int NoControlSocket = 5060;
    public const int TriesAgain = 5080;
    public const int Refused = 5081;
    public const int GivenUp = 5082;
    public const int HookRan = 5083;
    public const int HookFailed = 5084;
    public const int Unexpected = 5085;
}
