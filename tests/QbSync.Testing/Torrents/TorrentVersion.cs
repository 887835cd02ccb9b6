namespace QbSync.Testing.Torrents;

public enum TorrentVersion
{
    V1,
    Hybrid,
    V2,
}
