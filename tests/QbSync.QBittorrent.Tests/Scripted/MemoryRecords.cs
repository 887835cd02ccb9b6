using System.Collections.Concurrent;
using QbSync.Ports;

namespace QbSync.QBittorrent.Tests.Scripted;

/// <summary>Records that survive what the test calls a restart.</summary>
internal sealed class MemoryRecords : IDurableRecords
{
    public ConcurrentDictionary<string, byte[]> Content { get; } = [];

    public bool IsBroken { get; set; }

    public ValueTask<byte[]?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        ThrowIfBroken();
        return ValueTask.FromResult(Content.GetValueOrDefault(name));
    }

    public ValueTask WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        ThrowIfBroken();
        Content[name] = content.ToArray();
        return ValueTask.CompletedTask;
    }

    public ValueTask RemoveAsync(string name, CancellationToken cancellationToken)
    {
        ThrowIfBroken();
        Content.TryRemove(name, out _);
        return ValueTask.CompletedTask;
    }

    public ValueTask SetAsideAsync(string name, CancellationToken cancellationToken) => RemoveAsync(name, cancellationToken);

    public ValueTask<IReadOnlyList<string>> ListAsync(string prefix, CancellationToken cancellationToken) =>
        ValueTask.FromResult<IReadOnlyList<string>>([.. Content.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal))]);

    public ValueTask AppendLineAsync(string name, ReadOnlyMemory<byte> line, CancellationToken cancellationToken) => throw new NotSupportedException();

    private void ThrowIfBroken()
    {
        if (IsBroken)
        {
            throw new StorageException(StorageFault.NoSpace, "The disk is full.");
        }
    }
}
