using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.MetricFamilies;
using QbSync.Ports;
using QbSync.Storage.IO;

namespace QbSync.Storage.State;

/// <summary>
/// Records as files of a folder that this process holds alone: <c>NAME.rec</c>, made and replaced by <see cref="AtomicFile"/>. A damaged one becomes
/// <c>NAME.rec.bad</c>. Thread-safe; disposing waits for writes at hand and lets the folder go.
/// </summary>
public sealed partial class DurableRecords : IDurableRecords, IAsyncDisposable
{
    internal const string Suffix = ".rec";

    private const string DamagedSuffix = ".bad";
    private const int MaxLength = 256 << 20;
    private const UnixFileMode OwnFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // Writes of one name must not meet; 16 lanes let writes of others go on while one waits for the device.
    private readonly SemaphoreSlim[] _lanes = [.. Enumerable.Range(0, 16).Select(static _ => new SemaphoreSlim(1))];
    private readonly IFileSystem _files;
    private readonly RootDirectory _root;
    private readonly StateLock _lock;
    private readonly ILogger _logger;
    private readonly Counter.Child? _saveErrors;
    private int _disposed;

    /// <summary>Takes the folder, and makes it when it is absent.</summary>
    /// <param name="directory">Absolute path. Only the owner may read what is made here.</param>
    /// <param name="loggers">Where damage is told.</param>
    /// <param name="metrics">Where failed writes are counted, if anywhere.</param>
    /// <param name="mode">The role, for that count.</param>
    /// <exception cref="StorageException"><see cref="StorageFault.Locked"/>, naming the process that has it, or it cannot be used.</exception>
    public DurableRecords(string directory, ILoggerFactory loggers, IMetricFactory? metrics = null, string mode = StorageMetrics.Source)
        : this(directory, loggers, metrics, mode, OpenMachine())
    {
    }

    internal DurableRecords(string directory, ILoggerFactory loggers, IMetricFactory? metrics, string mode, IFileSystem files)
    {
        _saveErrors = metrics is null ? null : SharedMetricFamilies.StateSaveErrors(metrics).WithLabels(mode);
        _logger = loggers.CreateLogger<DurableRecords>();
        _files = files;
        var isNew = !Directory.Exists(directory);
        _root = RootDirectory.Open(files, directory, create: true);
        try
        {
            if (isNew)
            {
                SetMode(directory, OwnFolder);
            }

            _lock = StateLock.Take(files, _root.Handle, directory);
            SetMode(Path.Join(directory, "lock"), OwnFile);
            RemoveTemporary();
        }
        catch
        {
            _lock?.Dispose();
            _root.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public ValueTask<byte[]?> ReadAsync(string name, CancellationToken cancellationToken) =>
        new(RunAsync(name, Read, cancellationToken));

    /// <inheritdoc />
    public async ValueTask WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var file = RecordFormat.Wrap(content.Span);
        await RunAsync(name, record => Write(record, file), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask RemoveAsync(string name, CancellationToken cancellationToken) =>
        await RunAsync(name, Remove, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public async ValueTask SetAsideAsync(string name, CancellationToken cancellationToken) =>
        await RunAsync(name, SetAside, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public async ValueTask<IReadOnlyList<string>> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return await Task.Run(() => List(prefix), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask AppendLineAsync(string name, ReadOnlyMemory<byte> line, CancellationToken cancellationToken) =>
        await RunAsync(name, record => AppendLine(record, line.Span), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        foreach (var lane in _lanes)
        {
            await lane.WaitAsync().ConfigureAwait(false);
        }

        _lock.Dispose();
        _root.Dispose();
        foreach (var lane in _lanes)
        {
            lane.Release();
        }
    }

    private async Task<T> RunAsync<T>(string name, Func<RecordName, T> work, CancellationToken cancellationToken)
    {
        var record = RecordName.Parse(name);
        var lane = _lanes[(name.GetHashCode(StringComparison.Ordinal) & int.MaxValue) % _lanes.Length];
        await lane.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, this);
            return await Task.Run(() => work(record), CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            lane.Release();
        }
    }

    private byte[]? Read(RecordName record)
    {
        using var folder = _root.OpenFolder(record.Folder);
        if (folder is null || AtomicFile.Read(_files, folder, record.File + Suffix, MaxLength) is not { } file)
        {
            return null;
        }

        switch (RecordFormat.Unwrap(file, out var content))
        {
            case RecordCondition.Good:
                return content;
            case RecordCondition.Newer:
                throw new StorageException(
                    StorageFault.NewerState, $"'{Describe(record)}' was written by a newer QbSync; use that, or another state folder.");
            default:
                SetAside(record);
                return null;
        }
    }

    private bool SetAside(RecordName record)
    {
        using var folder = _root.OpenFolder(record.Folder);
        if (folder is null || _files.Stat(folder, record.File + Suffix) is null)
        {
            return false;
        }

        _files.RenameOver(folder, record.File + Suffix, record.File + Suffix + DamagedSuffix);
        Log.RecordDamaged(_logger, Describe(record), Describe(record) + DamagedSuffix);
        return true;
    }

    private bool Write(RecordName record, byte[] file)
    {
        var isNew = record.Folder.Length > 0 && !Directory.Exists(_root.Describe(record.Folder));
        try
        {
            using var folder = _root.EnsureFolder(record.Folder);
            if (isNew)
            {
                SetMode(_root.Describe(record.Folder), OwnFolder);
            }

            AtomicFile.Write(_files, folder, record.File + Suffix, file);
        }
        catch (StorageException)
        {
            _saveErrors?.Inc();
            throw;
        }

        SetMode(Describe(record), OwnFile);
        return true;
    }

    private bool AppendLine(RecordName record, ReadOnlySpan<byte> line)
    {
        try
        {
            using var folder = _root.EnsureFolder(record.Folder);
            if (new LineFile(_files, record.File).Append(folder, line))
            {
                SetMode(_root.Describe([.. record.Folder, record.File]), OwnFile);
            }
        }
        catch (StorageException)
        {
            _saveErrors?.Inc();
            throw;
        }

        return true;
    }

    private bool Remove(RecordName record)
    {
        using var folder = _root.OpenFolder(record.Folder);
        if (folder is null || !_files.Unlink(folder, record.File + Suffix))
        {
            return false;
        }

        _files.SyncFolder(folder);
        return true;
    }

    private List<string> List(string prefix)
    {
        List<string> names = [];
        foreach (var (folder, name, _) in Entries())
        {
            var full = folder.Length == 0 ? name : $"{folder}/{name}";
            if (name.EndsWith(Suffix, StringComparison.Ordinal) && full.StartsWith(prefix, StringComparison.Ordinal))
            {
                names.Add(full[..^Suffix.Length]);
            }
        }

        names.Sort(StringComparer.Ordinal);
        return names;
    }

    /// <summary>What a crash left of a write that was under way; its record has the old content.</summary>
    private void RemoveTemporary()
    {
        foreach (var (_, name, unlink) in Entries())
        {
            if (name.StartsWith(AtomicFile.TemporaryPrefix, StringComparison.Ordinal))
            {
                unlink();
            }
        }
    }

    private IEnumerable<(string Folder, string Name, Action Unlink)> Entries()
    {
        foreach (var name in _files.List(_root.Handle))
        {
            if (_files.Stat(_root.Handle, name)?.Kind != FileKind.Folder)
            {
                yield return ("", name, () => _files.Unlink(_root.Handle, name));
                continue;
            }

            using var folder = _root.OpenFolder([name]);
            foreach (var below in folder is null ? [] : _files.List(folder))
            {
                yield return (name, below, () => _files.Unlink(folder!, below));
            }
        }
    }

    private static IFileSystem OpenMachine() =>
        OperatingSystem.IsLinux() ? LinuxFileSystem.Create() : throw new PlatformNotSupportedException("QbSync keeps state on Linux only so far.");

    private static void SetMode(string path, UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, mode);
        }
    }

    private string Describe(RecordName record) => _root.Describe([.. record.Folder, record.File + Suffix]);
}
