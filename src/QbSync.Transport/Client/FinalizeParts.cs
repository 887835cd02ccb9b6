using QbSync.Ports;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Client;

/// <summary>Cuts a Finalize into its messages: header, then the file table if it changed. Made one by one, as they are sent.</summary>
internal static class FinalizeParts
{
    public static IEnumerable<FinalizePart> Cut(FinalizeRequest request)
    {
        yield return new FinalizePart { Header = WireMapping.ToWire(request) };
        if (request.Files is not { } files)
        {
            yield break;
        }

        var next = 0;
        do
        {
            yield return new FinalizePart { FileTable = WireMapping.ToWire(files, ref next) };
        }
        while (next < files.Count);
    }
}
