using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using QbSync.Storage.IO;

namespace QbSync.Storage.State;

/// <summary>
/// The number that tells one life of the state from another: the same after a clean stop, new after an unclean one or with new state. The file <c>clean</c> is
/// there only between a clean stop and the next start.
/// </summary>
internal sealed class Incarnation
{
    private const string FileName = "incarnation";
    private const string CleanName = "clean";
    private readonly RootDirectory _state;
    private readonly StorageMetrics _metrics;

    private Incarnation(RootDirectory state, ulong value, bool isNew, StorageMetrics metrics)
    {
        _state = state;
        _metrics = metrics;
        Value = value;
        IsNew = isNew;
    }

    /// <summary>The number; never 0.</summary>
    public ulong Value { get; }

    /// <summary>Whether it was made at this start.</summary>
    public bool IsNew { get; }

    /// <summary>Reads it, or makes it. From here on, until <see cref="MarkClean"/>, a stop is unclean.</summary>
    public static Incarnation Open(RootDirectory state, Func<int, byte[]> randomBytes, StorageMetrics metrics)
    {
        var files = state.Files;
        var text = AtomicFile.Read(files, state.Handle, FileName, 64);
        var isClean = files.Unlink(state.Handle, CleanName);
        files.SyncFolder(state.Handle);
        if (isClean && text is not null && ulong.TryParse(Encoding.ASCII.GetString(text).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var old))
        {
            return new Incarnation(state, old, isNew: false, metrics);
        }

        var value = BinaryPrimitives.ReadUInt64LittleEndian(randomBytes(sizeof(ulong))) | 1;
        AtomicFile.Write(files, state.Handle, FileName, Encoding.ASCII.GetBytes(value.ToString("x16", CultureInfo.InvariantCulture) + "\n"), metrics);
        return new Incarnation(state, value, isNew: true, metrics);
    }

    /// <summary>Everything is durable and nothing more will be written.</summary>
    public void MarkClean() => AtomicFile.Write(_state.Files, _state.Handle, CleanName, "clean\n"u8, _metrics);
}
