using System.Collections.Concurrent;
using QbSync.Ports;
using QbSync.Storage.IO;

namespace QbSync.Storage.State;

/// <summary>
/// The records of a folder for who must not change anything: nothing is made, locked, set aside or written, also when the folder is absent or another
/// process has it. What is written here stays in memory and is read back from there. Thread-safe.
/// </summary>
/// <param name="directory">Absolute path of a folder of <see cref="DurableRecords"/>, or one that is not there.</param>
public sealed class ReadOnlyRecords(string directory) : IDurableRecords
{
    private const int MaxLength = 256 << 20;

    private readonly ConcurrentDictionary<string, byte[]?> _changes = new(StringComparer.Ordinal);

    /// <inheritdoc />
    public async ValueTask<byte[]?> ReadAsync(string name, CancellationToken cancellationToken) =>
        _changes.TryGetValue(name, out var changed) ? changed : await Task.Run(() => Read(RecordName.Parse(name)), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public ValueTask WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        _changes[name] = content.ToArray();
        return default;
    }

    /// <inheritdoc />
    public ValueTask RemoveAsync(string name, CancellationToken cancellationToken)
    {
        _changes[name] = null;
        return default;
    }

    /// <inheritdoc />
    public ValueTask SetAsideAsync(string name, CancellationToken cancellationToken) => RemoveAsync(name, cancellationToken);

    /// <inheritdoc />
    public async ValueTask<IReadOnlyList<string>> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        var stored = await Task.Run(List, cancellationToken).ConfigureAwait(false);
        return
        [
            .. stored.Where(name => !_changes.ContainsKey(name))
                .Concat(_changes.Where(static change => change.Value is not null).Select(static change => change.Key))
                .Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
                .Order(StringComparer.Ordinal),
        ];
    }

    /// <inheritdoc />
    public ValueTask AppendLineAsync(string name, ReadOnlyMemory<byte> line, CancellationToken cancellationToken) => default;

    private byte[]? Read(RecordName record)
    {
        using var root = OpenRoot(out var files);
        using var folder = root?.OpenFolder(record.Folder);
        if (folder is null || AtomicFile.Read(files, folder, record.File + DurableRecords.Suffix, MaxLength) is not { } file)
        {
            return null;
        }

        return RecordFormat.Unwrap(file, out var content) switch
        {
            RecordCondition.Good => content,
            RecordCondition.Newer => throw new StorageException(
                StorageFault.NewerState, $"'{record.File}' in '{directory}' was written by a newer QbSync; use that, or another state folder."),
            _ => null,
        };
    }

    private List<string> List()
    {
        List<string> names = [];
        using var root = OpenRoot(out var files);
        foreach (var entry in root is null ? [] : files.List(root.Handle))
        {
            if (files.Stat(root!.Handle, entry)?.Kind != FileKind.Folder)
            {
                names.Add(entry);
                continue;
            }

            using var folder = root.OpenFolder([entry]);
            names.AddRange(folder is null ? [] : files.List(folder).Select(name => $"{entry}/{name}"));
        }

        return [.. names.Where(static name => name.EndsWith(DurableRecords.Suffix, StringComparison.Ordinal)).Select(static name => name[..^DurableRecords.Suffix.Length])];
    }

    private RootDirectory? OpenRoot(out IFileSystem files)
    {
        files = OperatingSystem.IsLinux()
            ? LinuxFileSystem.Create()
            : throw new PlatformNotSupportedException("QbSync keeps state on Linux only so far.");
        return Directory.Exists(directory) ? RootDirectory.Open(files, directory, create: false) : null;
    }
}
