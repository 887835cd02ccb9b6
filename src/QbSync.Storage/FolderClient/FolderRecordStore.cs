using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using QbSync.Storage.IO;
using QbSync.Torrents;

namespace QbSync.Storage.FolderClient;

/// <summary>Reads and writes the records and the <c>.torrent</c> files of the torrents folder, each write whole and durable. Not thread-safe.</summary>
/// <param name="isReadOnly">Whether nothing is written, removed or set aside.</param>
internal sealed class FolderRecordStore(string folder, IFileSystem files, bool isReadOnly = false)
{
    public const string TorrentSuffix = ".torrent";
    private const string RecordSuffix = ".state.json";
    private const string ClientRecord = "client" + RecordSuffix;
    private const string AsideSuffix = ".bad";
    private const int MaxLength = 16 << 20;

    /// <summary>The record of a torrent, or null when there is none. One that cannot be used is set aside, and named with the reason.</summary>
    public FolderTorrentRecord? Read(InfoHash id, out string? lost) =>
        Read(id + RecordSuffix, FolderClientJson.Default.FolderTorrentRecord, static record => record.Version, out lost);

    public void Write(InfoHash id, FolderTorrentRecord record) =>
        Write(id + RecordSuffix, JsonSerializer.SerializeToUtf8Bytes(record, FolderClientJson.Default.FolderTorrentRecord));

    /// <summary>The client's own record; a new one when there is none that can be used.</summary>
    public FolderClientRecord ReadClient() =>
        Read(ClientRecord, FolderClientJson.Default.FolderClientRecord, static record => record.Version, out _) ?? new FolderClientRecord();

    public void WriteClient(FolderClientRecord record) =>
        Write(ClientRecord, JsonSerializer.SerializeToUtf8Bytes(record, FolderClientJson.Default.FolderClientRecord));

    public void WriteTorrent(InfoHash id, ReadOnlySpan<byte> torrent) => Write(id + TorrentSuffix, torrent);

    /// <summary>Drops the record of a torrent whose <c>.torrent</c> was taken away.</summary>
    public void Remove(InfoHash id)
    {
        if (isReadOnly)
        {
            return;
        }

        using var root = RootDirectory.Open(files, folder, create: false);
        files.Unlink(root.Handle, id + RecordSuffix);
    }

    private T? Read<T>(string name, JsonTypeInfo<T> type, Func<T, int> getVersion, out string? lost)
        where T : class
    {
        lost = null;
        using var root = RootDirectory.Open(files, folder, create: false);
        if (AtomicFile.Read(files, root.Handle, name, MaxLength) is not { } json)
        {
            return null;
        }

        try
        {
            var record = JsonSerializer.Deserialize(json, type);
            lost = record is null ? "It is empty."
                : getVersion(record) > FolderTorrentRecord.CurrentVersion ? $"It has the newer version {getVersion(record)}."
                : null;
            if (lost is null)
            {
                return record;
            }
        }
        catch (JsonException error)
        {
            lost = error.Message;
        }

        if (isReadOnly)
        {
            return null;
        }

        files.RenameOver(root.Handle, name, name + AsideSuffix);
        lost = $"{lost} It was set aside as '{name + AsideSuffix}'.";
        return null;
    }

    private void Write(string name, ReadOnlySpan<byte> content)
    {
        if (isReadOnly)
        {
            return;
        }

        using var root = RootDirectory.Open(files, folder, create: false);
        AtomicFile.Write(files, root.Handle, name, content);
    }
}
