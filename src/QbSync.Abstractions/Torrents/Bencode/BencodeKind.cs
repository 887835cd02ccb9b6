namespace QbSync.Torrents.Bencode;

internal enum BencodeKind
{
    Integer,
    Bytes,
    List,
    Dictionary,
    End,
}
