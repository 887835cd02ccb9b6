using QbSync.Engine.Source.Handoff;

namespace QbSync.Engine.Source;

internal sealed partial class SourceLoop
{
    private static IDeleteTurn MakeDeleteTurn() => new FreeTurn();

    private ISharedFiles MakeSharedFiles() => new OverlappingFiles(_with.Client);

    /// <summary>A group's handoff ended, whatever its cause.</summary>
    private void CleanupEnded(HandoffGroup group, HandoffEnd end)
    {
    }
}
