using QbSync.Engine.Source.Records;
using QbSync.Torrents;

namespace QbSync.Engine.Source;

/// <summary>Which torrent ends the loop, if one does.</summary>
internal sealed partial class SourceLoop
{
    private readonly RecoveryLedger _ledger;
    private InfoHash? _inHand;

    /// <summary>The torrent that was in hand when the loop failed; null while it did not, or when it was none.</summary>
    public InfoHash? FaultedOn { get; private set; }

    private void HandleBlaming(SourceCommand command)
    {
        _inHand = null;
        try
        {
            Handle(command);
        }
        catch (Exception) when (IsBlamed())
        {
            throw;
        }
    }

    private void RestoreBlaming(IReadOnlyList<TorrentRecord> records)
    {
        try
        {
            Restore(records);
        }
        catch (Exception) when (IsBlamed())
        {
            throw;
        }
    }

    /// <summary>A filter, so that the stack of the fault is kept. Never catches.</summary>
    private bool IsBlamed()
    {
        FaultedOn ??= _inHand;
        return false;
    }

    /// <summary>What ran for a while has its torrents behind it: faults of days ago are not counted together.</summary>
    private void ForgetBlame()
    {
        if (!_ledger.IsEmpty && Now >= RecoveryLedger.Healthy)
        {
            Track(_ledger.ClearAsync(CancellationToken.None).AsTask());
        }
    }
}
