using System.Globalization;
using System.Text;
using QbSync.Storage.IO;
using QbSync.Torrents;

namespace QbSync.Storage.State;

/// <summary>
/// Which sessions were being recovered, in a file that the next start reads if this one ends in the middle: one that ended the process again and again is set
/// aside. Not flushed: what ends the process leaves the system's memory alone. Thread-safe.
/// </summary>
internal sealed class RecoveryMarks : IDisposable
{
    /// <summary>Ended attempts after which a session is set aside.</summary>
    public const int MaxAttempts = 3;

    private const string FileName = "recovering";
    private const int SlotLength = 96;
    private const int MaxLength = SlotLength * 1024;
    private readonly RootDirectory _state;
    private readonly FileHandle _file;
    private readonly Lock _gate = new();
    private readonly Stack<int> _freeSlots = [];
    private readonly Dictionary<InfoHash, int> _suspects = [];
    private int _slots;

    private RecoveryMarks(RootDirectory state, FileHandle file, IReadOnlyDictionary<InfoHash, int> attempts)
    {
        _state = state;
        _file = file;
        Attempts = attempts;
        _state.Files.SetLength(file, 0);
        foreach (var (id, count) in attempts)
        {
            _suspects[id] = _slots;
            Write(_slots++, $"{id} {count}"); // kept until it is recovered, whatever ends the process before
        }
    }

    /// <summary>How many attempts in a row ended with the process, per session that was being recovered then.</summary>
    public IReadOnlyDictionary<InfoHash, int> Attempts { get; }

    /// <summary>Reads what an earlier start left and begins anew.</summary>
    public static RecoveryMarks Open(RootDirectory state)
    {
        var attempts = new Dictionary<InfoHash, int>();
        foreach (var line in ReadLines(state))
        {
            var parts = line.Trim().Split(' ');
            if (parts.Length == 2 && InfoHash.TryParse(parts[0], out var id) && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var count))
            {
                attempts[id] = Math.Max(count, attempts.GetValueOrDefault(id));
            }
        }

        var file = state.Files.OpenFile(state.Handle, FileName, writable: true) ?? state.Files.CreateFile(state.Handle, FileName)
            ?? throw new StorageException(StorageFault.NotUsable, $"'{state.Describe([FileName])}' comes and goes.");
        return new RecoveryMarks(state, file, attempts);
    }

    /// <summary>A session is about to be recovered. The mark goes away when that is disposed.</summary>
    public IDisposable Enter(InfoHash id)
    {
        int slot;
        lock (_gate)
        {
            slot = _suspects.Remove(id, out var own) ? own : _freeSlots.TryPop(out var free) ? free : _slots++;
        }

        Write(slot, $"{id} {Attempts.GetValueOrDefault(id) + 1}");
        return new Mark(this, slot);
    }

    /// <summary>Every session was recovered, or set aside.</summary>
    public void Clear()
    {
        _state.Files.SetLength(_file, 0);
        _state.Files.Unlink(_state.Handle, FileName);
    }

    /// <inheritdoc />
    public void Dispose() => _file.Dispose();

    private static string[] ReadLines(RootDirectory state)
    {
        using var file = state.Files.OpenFile(state.Handle, FileName, writable: false);
        if (file is null)
        {
            return [];
        }

        var bytes = new byte[Math.Min(MaxLength, state.Files.Stat(file).Length)];
        return Encoding.ASCII.GetString(bytes, 0, state.Files.Read(file, bytes, 0)).Split('\n');
    }

    private void Write(int slot, string text)
    {
        try
        {
            _state.Files.Write(_file, Encoding.ASCII.GetBytes(text.PadRight(SlotLength - 1) + "\n"), (long)slot * SlotLength);
        }
        catch (StorageException)
        {
            // A mark is for the case that recovering ends the process; without it everything else goes on.
        }
    }

    private sealed class Mark(RecoveryMarks owner, int slot) : IDisposable
    {
        public void Dispose()
        {
            owner.Write(slot, "");
            lock (owner._gate)
            {
                owner._freeSlots.Push(slot);
            }
        }
    }
}
