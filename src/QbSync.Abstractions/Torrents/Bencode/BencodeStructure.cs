namespace QbSync.Torrents.Bencode;

/// <summary>The first pass over a <c>.torrent</c>: structure and limits, once for all bytes, so that later passes are linear and bounded.</summary>
internal static class BencodeStructure
{
    private const byte List = 0, KeyNext = 1, ValueNext = 2;

    /// <summary>Checks the first value; what follows it is not looked at, as clients do not.</summary>
    public static void Check(ReadOnlySpan<byte> data, ManifestLimits limits)
    {
        if (data.Length > limits.MaxBytes)
        {
            throw new TorrentFormatException(TorrentFormatReason.TooLarge, $"The torrent has {data.Length} bytes; {limits.MaxBytes} are allowed.");
        }

        var reader = new BencodeReader(data);
        var open = new Stack<byte>();
        var tokens = 0;
        do
        {
            if (++tokens > limits.MaxTokens)
            {
                throw new TorrentFormatException(TorrentFormatReason.TooLarge, $"The torrent has more than {limits.MaxTokens} values.");
            }

            var kind = reader.Kind;
            if (kind == BencodeKind.End)
            {
                if (open.Count == 0 || open.Pop() == ValueNext)
                {
                    throw reader.Fault("a value expected, an end found");
                }

                reader.TryLeave();
                continue;
            }

            if (open.TryPop(out var container))
            {
                if (container == KeyNext && kind != BencodeKind.Bytes)
                {
                    throw reader.Fault("a dictionary key is no string");
                }

                open.Push(container == List ? List : container == KeyNext ? ValueNext : KeyNext);
            }

            if (kind is BencodeKind.Integer or BencodeKind.Bytes)
            {
                reader.Skip();
                continue;
            }

            if (open.Count == limits.MaxDepth)
            {
                throw new TorrentFormatException(TorrentFormatReason.TooLarge, $"The torrent nests deeper than {limits.MaxDepth}.");
            }

            reader.Enter(kind);
            open.Push(kind == BencodeKind.List ? List : KeyNext);
        }
        while (open.Count > 0);
    }
}
