namespace QbSync.Transport;

/// <summary>The sending side: 1200 to 1299.</summary>
internal static partial class TransportEventIds
{
    public const int StreamFailed = 1200;
    public const int WriteFailed = 1201;
    public const int ImpossibleReport = 1202;
    public const int SinkFailed = 1203;
    public const int PieceStreamOpened = 1204;
    public const int PieceStreamEnded = 1205;
    public const int PieceStreamNotOpened = 1206;
    public const int LinkConnected = 1207;
    public const int LinkDisconnected = 1208;
    public const int EventFailed = 1209;
    public const int PiecesStale = 1210;
    public const int LinkClosing = 1211;
    public const int DrainTimedOut = 1212;
    public const int NotReached = 1213;
    public const int SinkStuck = 1214;
    public const int ImpossibleAnswer = 1215;
    public const int CongestionRefused = 1220;
    public const int CongestionSet = 1221;
    public const int SendBufferSet = 1222;
    public const int GrowthTried = 1223;
    public const int GrowthKept = 1224;
    public const int GrowthUndone = 1225;
    public const int ConnectionRemoved = 1226;
    public const int AnswersTakeLonger = 1227;
}
