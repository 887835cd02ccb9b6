using QbSync.Ports;
using QbSync.QBittorrent.Http;

namespace QbSync.QBittorrent.Adapters;

/// <summary>The client's own folder of <c>.torrent</c> files (<c>BT_backup</c>), for clients that do not give them by the WebAPI. Only read; stateless.</summary>
internal sealed class TorrentsFolder(string folder)
{
    private const int LongestTorrent = 63 * 1024 * 1024;

    /// <exception cref="TorrentClientException">
    /// <see cref="ClientFault.NotFound"/>: it is not there, or not yet; <see cref="ClientFault.BrokenAnswer"/>: it cannot be read.
    /// </exception>
    public async ValueTask<byte[]> ReadAsync(ClientTorrentId id, CancellationToken cancellationToken)
    {
        var file = Path.Combine(folder, TorrentIds.Check(id) + ".torrent");
        try
        {
            var length = new FileInfo(file).Length;
            var torrent = length is > 0 and <= LongestTorrent ? await File.ReadAllBytesAsync(file, cancellationToken).ConfigureAwait(false) : [];
            return torrent is [(byte)'d', ..] ? torrent : throw Fault(ClientFault.BrokenAnswer, $"{file} is no .torrent, or is being written");
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Fault(ClientFault.NotFound, $"{file} is not there", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Fault(ClientFault.BrokenAnswer, $"{file} cannot be read ({exception.Message})", exception);
        }
    }

    private static TorrentClientException Fault(ClientFault fault, string what, Exception? inner = null) =>
        new(fault, nameof(ITorrentClient.GetManifestAsync), $"{what}: qb-torrents-dir must be the client's folder BT_backup.", inner);
}
