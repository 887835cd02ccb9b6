using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Handoff;

/// <summary>The open handoffs over <see cref="IDurableRecords"/>: an entry is on disk when a call returns. Thread-safe.</summary>
internal sealed partial class HandoffJournal(IDurableRecords records, ILogger<HandoffJournal> logger)
{
    private const string Folder = "handoff/";

    /// <summary>Every readable entry, oldest first. What cannot be read is told; its torrents are found by their own records.</summary>
    /// <exception cref="StorageException">An entry is of a newer version.</exception>
    public async ValueTask<IReadOnlyList<HandoffEntry>> LoadAsync(CancellationToken cancellationToken)
    {
        List<HandoffEntry> loaded = [];
        foreach (var name in await records.ListAsync(Folder, cancellationToken).ConfigureAwait(false))
        {
            if (await records.ReadAsync(name, cancellationToken).ConfigureAwait(false) is { } bytes && Read(name, bytes) is { } entry)
            {
                loaded.Add(entry);
            }
        }

        return [.. loaded.OrderBy(static entry => entry.Number)];
    }

    /// <summary>Makes an entry durable.</summary>
    public ValueTask SaveAsync(HandoffEntry entry, CancellationToken cancellationToken) =>
        records.WriteAsync(NameOf(entry.Number), JsonSerializer.SerializeToUtf8Bytes(entry, HandoffJsonContext.Default.HandoffEntry), cancellationToken);

    /// <summary>Drops an entry that is closed.</summary>
    public ValueTask RemoveAsync(long number, CancellationToken cancellationToken) => records.RemoveAsync(NameOf(number), cancellationToken);

    private static string NameOf(long number) => string.Create(CultureInfo.InvariantCulture, $"{Folder}{number}.json");

    private HandoffEntry? Read(string name, byte[] bytes)
    {
        HandoffEntry? entry;
        try
        {
            entry = JsonSerializer.Deserialize(bytes, HandoffJsonContext.Default.HandoffEntry);
        }
        catch (JsonException e)
        {
            Log.EntryDamaged(logger, name, e);
            return null;
        }

        if (entry is { Version: > HandoffEntry.CurrentVersion })
        {
            throw new StorageException(StorageFault.NewerState, $"{name} in state-dir was written by a newer version of QbSync.");
        }

        if (entry is not { Members.Count: > 0 } || NameOf(entry.Number) != name || !Enum.IsDefined(entry.Step) || entry.Step == HandoffStep.None
            || entry.Members.Any(static member => !InfoHash.TryParse(member.Id, out _)))
        {
            Log.EntryDamaged(logger, name, null);
            return null;
        }

        return entry;
    }
}
