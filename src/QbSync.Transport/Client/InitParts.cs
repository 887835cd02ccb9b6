using QbSync.Ports;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Client;

/// <summary>Cuts an Init into its messages: header, .torrent, file table. Made one by one, as they are sent.</summary>
internal static class InitParts
{
    public static IEnumerable<InitPart> Cut(InitRequest request)
    {
        yield return new InitPart { Header = WireMapping.ToWire(request) };
        for (var at = 0; at < request.Torrent.Length; at += SyncLimits.UploadPart)
        {
            var length = Math.Min(SyncLimits.UploadPart, request.Torrent.Length - at);
            yield return new InitPart { Torrent = WireMapping.ToWire(request.Torrent.Slice(at, length)) };
        }

        if (request.Files is not { } files)
        {
            yield break;
        }

        var next = 0;
        do
        {
            yield return new InitPart { FileTable = WireMapping.ToWire(files, ref next) };
        }
        while (next < files.Count);
    }
}
