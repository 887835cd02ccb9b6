using QbSync.Ports;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Server;

/// <summary>
/// Puts an Init together from its parts. Bounded: two uploads at a time, each of the size that its header told, within the limit. Thread-safe.
/// </summary>
internal sealed class UploadReader(TransportServerOptions options)
{
    private const int MaxUploads = 2;

    /// <summary>Most files that a table may name: more than any torrent that is accepted has.</summary>
    public const int MaxFiles = 1_000_000;
    private int _uploads;

    /// <summary>The request; null when too many others are being uploaded.</summary>
    public async Task<InitRequest?> ReadAsync(PartReader<InitPart> parts)
    {
        if (!await parts.MoveAsync().ConfigureAwait(false) || parts.Current.PartCase != InitPart.PartOneofCase.Header)
        {
            throw WireMapping.Malformed("Init does not begin with its header");
        }

        var header = parts.Current.Header;
        if (header.TorrentBytes > (ulong)options.MaxTorrentBytes)
        {
            throw new PeerException(PeerFault.Limit, $"The .torrent has {header.TorrentBytes} bytes, and at most {options.MaxTorrentBytes} are taken.");
        }

        if (!await parts.MoveAsync().ConfigureAwait(false))
        {
            return header.TorrentBytes == 0
                ? WireMapping.ToDomain(header, ReadOnlyMemory<byte>.Empty, null)
                : throw WireMapping.Malformed("the .torrent did not come");
        }

        if (!TryTakePlace())
        {
            return null;
        }

        try
        {
            return await ReadPartsAsync(header).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _uploads);
        }

        async Task<InitRequest> ReadPartsAsync(InitHeader of)
        {
            var torrent = new byte[of.TorrentBytes];
            var length = 0;
            List<SourceFile>? files = null;
            do
            {
                switch (parts.Current.PartCase)
                {
                    case InitPart.PartOneofCase.Torrent when parts.Current.Torrent.Length <= torrent.Length - length:
                        parts.Current.Torrent.Span.CopyTo(torrent.AsSpan(length));
                        length += parts.Current.Torrent.Length;
                        break;
                    case InitPart.PartOneofCase.FileTable when (files?.Count ?? 0) + parts.Current.FileTable.Entry.Count <= MaxFiles:
                        WireMapping.ToDomain(parts.Current.FileTable, files ??= []);
                        break;
                    case InitPart.PartOneofCase.None:
                        break;
                    default:
                        throw WireMapping.Malformed("a part of Init is too large or comes twice");
                }
            }
            while (await parts.MoveAsync().ConfigureAwait(false));

            return length == torrent.Length
                ? WireMapping.ToDomain(of, torrent, files)
                : throw WireMapping.Malformed($"{length} of {torrent.Length} bytes of the .torrent came");
        }
    }

    /// <summary>One that is refused takes no place for a moment: another that comes just then would be refused for nothing.</summary>
    private bool TryTakePlace()
    {
        var taken = Volatile.Read(ref _uploads);
        while (taken < MaxUploads)
        {
            var seen = Interlocked.CompareExchange(ref _uploads, taken + 1, taken);
            if (seen == taken)
            {
                return true;
            }

            taken = seen;
        }

        return false;
    }
}
