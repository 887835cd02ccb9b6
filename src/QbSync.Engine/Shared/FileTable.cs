using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using QbSync.Engine.Source.Phases;
using QbSync.Engine.Source.Tracking;
using QbSync.Ports;

namespace QbSync.Engine.Shared;

/// <summary>The files of a torrent as the destination is told them: identities, and names that the manifest does not explain.</summary>
internal static class FileTable
{
    /// <summary>Looks at every selected file. While it downloads no time of change is told: it would be another one a moment later.</summary>
    public static List<SourceFile> Make(TorrentContent content, IPieceReader reader, bool isDownloading)
    {
        List<SourceFile> files = [];
        foreach (var file in content.Manifest.Files)
        {
            if (!file.IsReal || !content.Selection.IsSelected(file.Index))
            {
                continue;
            }

            var identity = file.Length == 0 ? null : reader.Identify(content.Location, file.Index);
            files.Add(new SourceFile(
                file.Index,
                isDownloading && identity is { } known ? known with { ModifiedNanoseconds = 0 } : identity,
                NameLayout.Differing(file, content.Layout.ContentLayout, content.Layout.FileNames[file.Index])));
        }

        return files;
    }

    /// <summary>SHA-256 over the table; empty when it tells nothing.</summary>
    public static byte[] Digest(IReadOnlyList<SourceFile> files)
    {
        if (files.All(file => file.Identity is null && file.Name.Count == 0))
        {
            return [];
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> entry = stackalloc byte[36];
        foreach (var file in files)
        {
            var identity = file.Identity ?? default;
            BinaryPrimitives.WriteInt32LittleEndian(entry, file.FileIndex);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[4..], identity.Device);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[12..], identity.Inode);
            BinaryPrimitives.WriteInt64LittleEndian(entry[20..], identity.Size);
            BinaryPrimitives.WriteInt64LittleEndian(entry[28..], identity.ModifiedNanoseconds);
            hash.AppendData(entry);
            foreach (var part in file.Name)
            {
                hash.AppendData(Encoding.UTF8.GetBytes(part));
                hash.AppendData("/"u8);
            }
        }

        return hash.GetHashAndReset();
    }
}
