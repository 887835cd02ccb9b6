using QbSync.Engine.Shared;
using QbSync.Engine.Source.Records;

namespace QbSync.Engine.Source.Handoff;

/// <summary>What the run writes down.</summary>
internal sealed partial class HandoffRun
{
    private static readonly Backoff StoragePauses = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));

    /// <summary>Names a step, durably; the problem, or null.</summary>
    private async Task<string?> SaveAsync(HandoffEntry named)
    {
        try
        {
            await _with.Journal.SaveAsync(named, CancellationToken.None).ConfigureAwait(false);
            return null;
        }
        catch (StorageException e)
        {
            Log.NotNamed(_with.Logger, Names, named.Step, e.Message);
            return $"the journal cannot be written: {e.Message}";
        }
    }

    /// <summary>Records first, then the entry goes: a crash in between closes it once more.</summary>
    private async Task CloseAsync(HandoffEntry entry)
    {
        foreach (var member in entry.Members)
        {
            var record = RecordOf(member, entry);
            await _with.Records.WriteAsync(member.InfoHash, record, _suspended.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // told where it failed; the loop writes it again with the next change
            _with.Loader.Forget(member.Handle);
        }

        for (var failures = 1; ; failures++)
        {
            try
            {
                await _with.Journal.RemoveAsync(entry.Number, CancellationToken.None).ConfigureAwait(false);
                return;
            }
            catch (StorageException e)
            {
                Log.NotNamed(_with.Logger, Names, HandoffStep.Closed, e.Message);
                await PauseAsync(StoragePauses.After(failures), _suspended.Token).ConfigureAwait(false);
            }
        }
    }

    private TorrentRecord RecordOf(HandoffMember member, HandoffEntry entry)
    {
        var known = _facts.GetValueOrDefault(member.InfoHash)?.Record
            ?? new TorrentRecord { Id = member.Id, ClientId = member.ClientId, Name = member.Name, FirstSeen = entry.BegunAt };
        return member.IsGone
            ? known with { State = TorrentSyncState.HandedOff, HandedOff = HandedOffRecord.Of(member, entry) }
            : known with { State = TorrentSyncState.Synced };
    }
}
