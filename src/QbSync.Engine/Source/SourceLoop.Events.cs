using QbSync.Engine.Shared;
using QbSync.Engine.Status;

namespace QbSync.Engine.Source;

/// <summary>What happened here and is worth telling.</summary>
internal sealed partial class SourceLoop
{
    // What is short by little would be told of again and again.
    private const double EnoughAgain = 1.1;
    private readonly HashSet<ulong> _toldShort = [];
    private readonly Absence _peerAbsence = new();

    private void Tell(EngineEventKind kind, string reason = "") =>
        _with.Events.Raise(new EngineEvent { Kind = kind, At = _with.Clock.WallNow, Reason = reason });

    private void Tell(EngineEventKind kind, TorrentSync sync, string reason = "") => _with.Events.Raise(new EngineEvent
    {
        Kind = kind,
        At = _with.Clock.WallNow,
        Reason = reason,
        Torrent = new EventTorrent
        {
            Id = sync.Id,
            Name = sync.Name,
            Bytes = SelectedBytesOf(sync) is > 0 and var bytes ? bytes : sync.LastStatus?.SelectedSize ?? 0,
            Category = sync.LastStatus?.Category ?? "",
            Tags = [.. sync.LastStatus?.Tags.Order(StringComparer.Ordinal) ?? Enumerable.Empty<string>()],
            Path = sync.LastStatus switch
            {
                { ContentPath.Length: > 0 } status => status.ContentPath,
                { SavePath: var folder } => folder,
                null => "",
            },
        },
    });

    /// <summary>With each look at the space: the first in which a file system is short, and the first in which it clearly is not.</summary>
    private void TellSpace()
    {
        foreach (var state in _spaceStates)
        {
            if (state.IsShort && _toldShort.Add(state.Device))
            {
                Tell(EngineEventKind.SpaceLow, $"{RootsOn(state.Device)}: {state.FreeBytes} bytes are free, less than min-space");
            }
            else if (!state.IsShort && state.FreeBytes >= _options.MinSpace * EnoughAgain && _toldShort.Remove(state.Device))
            {
                Tell(EngineEventKind.SpaceOk, $"{RootsOn(state.Device)}: {state.FreeBytes} bytes are free");
            }
        }
    }

    /// <summary>With each tick.</summary>
    private void TellPeer()
    {
        switch (_peerAbsence.See(_peerOk == true, Now))
        {
            case true:
                Tell(EngineEventKind.PeerLost, _peerProblem.Length > 0 ? _peerProblem : "the destination does not answer");
                break;
            case false:
                Tell(EngineEventKind.PeerBack, "the destination answers again");
                break;
        }
    }
}
