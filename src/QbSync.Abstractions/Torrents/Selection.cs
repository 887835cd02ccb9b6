using System.Buffers.Binary;
using System.Security.Cryptography;
using QbSync.Pieces;

namespace QbSync.Torrents;

/// <summary>Which files of a manifest are wanted (in a client: priority above 0). Immutable; one bit a file, pads never count as selected.</summary>
public sealed class Selection : IEquatable<Selection>
{
    private readonly PieceBitmap _files;

    private Selection(PieceBitmap files) => _files = files;

    /// <summary>Files in the manifest's list.</summary>
    public int FileCount => _files.Length;

    /// <summary>Selected files.</summary>
    public int SelectedCount => _files.Count;

    /// <summary>Whether nothing is selected.</summary>
    public bool IsEmpty => _files.Count == 0;

    /// <summary>Every real file of the manifest.</summary>
    public static Selection All(TorrentManifest manifest) => Of(manifest, static _ => true);

    /// <summary>The real files that <paramref name="wanted"/> says yes to.</summary>
    public static Selection Of(TorrentManifest manifest, Func<TorrentFile, bool> wanted)
    {
        var bits = new PieceBitmap(manifest.Files.Count);
        foreach (var file in manifest.Files)
        {
            if (file.IsReal && wanted(file))
            {
                bits.Set(file.Index);
            }
        }

        return new Selection(bits);
    }

    /// <summary>Reads the form of <see cref="ToBytes"/>; false when the length or a spare bit is wrong, or a bit names a pad file.</summary>
    public static bool TryFromBytes(TorrentManifest manifest, ReadOnlySpan<byte> bytes, out Selection? selection)
    {
        selection = null;
        if (!PieceBitmap.TryFromBytes(bytes, manifest.Files.Count, out var bits))
        {
            return false;
        }

        foreach (var file in manifest.Files)
        {
            if (!file.IsReal && bits![file.Index])
            {
                return false;
            }
        }

        selection = new Selection(bits!);
        return true;
    }

    /// <summary>Whether the file at this place of the manifest's list is wanted.</summary>
    public bool IsSelected(int fileIndex) => _files[fileIndex];

    /// <summary>Whether every file that <paramref name="other"/> wants is wanted here, too.</summary>
    public bool Covers(Selection other)
    {
        for (var i = other._files.NextSet(0); i >= 0; i = other._files.NextSet(i + 1))
        {
            if (i >= _files.Length || !_files[i])
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>A bit a file, high bit first (as BEP 3 orders bits).</summary>
    public byte[] ToBytes() => _files.ToBytes();

    /// <summary>SHA-256 over the id and the selected indices: equal exactly when the selections are, whatever order they were listed in.</summary>
    public byte[] Fingerprint(InfoHash id)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(id.ToArray());
        Span<byte> number = stackalloc byte[4];
        for (var i = 0; i < _files.Length; i++)
        {
            if (_files[i])
            {
                BinaryPrimitives.WriteInt32LittleEndian(number, i);
                hash.AppendData(number);
            }
        }

        return hash.GetHashAndReset();
    }

    /// <inheritdoc />
    public bool Equals(Selection? other) => other is not null && _files.ContentEquals(other._files);

    /// <inheritdoc />
    public override bool Equals(object? obj) => Equals(obj as Selection);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(_files.Length, _files.Count);
}
