namespace QbSync.Transport;

/// <summary>Event ids of this package, 1000 to 1999: each once. 1000 the verbs, 1100 the server; the sending side has its own part from 1200.</summary>
internal static partial class TransportEventIds
{
    public const int HelloSaid = 1000;
    public const int IncarnationChanged = 1003;
    public const int AnswerTimeRaised = 1004;
    public const int ControlReplaced = 1005;
    public const int GaugesNotReadable = 1006;

    public const int VerbFailed = 1100;
    public const int SessionOpened = 1101;
    public const int StreamOpened = 1102;
    public const int StreamEnded = 1103;
    public const int PeerBroke = 1104;
    public const int StreamBroken = 1105;
    public const int OverLimit = 1106;
    public const int CallCut = 1107;
}
