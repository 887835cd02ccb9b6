using System.Collections.Concurrent;
using QbSync.Ports;

namespace QbSync.Engine.Tests.Source.World;

/// <summary>Records that survive the engine, not the test.</summary>
internal sealed class MemoryRecords : IDurableRecords
{
    private readonly ConcurrentDictionary<string, byte[]> _records = new();

    public IReadOnlyDictionary<string, byte[]> All => _records;

    public ValueTask<byte[]?> ReadAsync(string name, CancellationToken cancellationToken) => new(_records.GetValueOrDefault(name));

    public ValueTask WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        _records[name] = content.ToArray();
        return default;
    }

    public ValueTask RemoveAsync(string name, CancellationToken cancellationToken)
    {
        _records.TryRemove(name, out _);
        return default;
    }

    public ValueTask SetAsideAsync(string name, CancellationToken cancellationToken)
    {
        if (_records.TryRemove(name, out var content))
        {
            _records[$"aside/{name[(name.IndexOf('/', StringComparison.Ordinal) + 1)..]}.bad"] = content;
        }

        return default;
    }

    public ValueTask<IReadOnlyList<string>> ListAsync(string prefix, CancellationToken cancellationToken) =>
        new([.. _records.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal)]);

    /// <summary>Lines that were added, the oldest first.</summary>
    public ConcurrentQueue<(string Name, string Line)> Lines { get; } = new();

    public ValueTask AppendLineAsync(string name, ReadOnlyMemory<byte> line, CancellationToken cancellationToken)
    {
        Lines.Enqueue((name, System.Text.Encoding.UTF8.GetString(line.Span)));
        return default;
    }
}
