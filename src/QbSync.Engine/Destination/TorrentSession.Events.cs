using QbSync.Engine.Status;

namespace QbSync.Engine.Destination;

internal sealed partial class TorrentSession
{
    /// <summary>Tells that something happened to it. From any thread.</summary>
    public void Tell(EngineEventKind kind, string reason = "")
    {
        if (_view.Storage is not { } storage)
        {
            return;
        }

        var status = _seenLast?.Status;
        _context.Events.Raise(new EngineEvent
        {
            Kind = kind,
            At = _context.Time.GetUtcNow(),
            Reason = reason,
            Torrent = new EventTorrent
            {
                Id = Id,
                Name = storage.Request.Manifest.Name,
                Bytes = storage.Layout.SelectedBytes,
                Category = status?.Category ?? storage.Request.Parameters.Category,
                Tags = [.. (status?.Tags ?? (IEnumerable<string>)storage.Request.Parameters.Tags).Order(StringComparer.Ordinal)],
                Path = status switch
                {
                    { ContentPath.Length: > 0 } => status.ContentPath,
                    { SavePath.Length: > 0 } => ClientPaths.Join(status.SavePath, [storage.Request.Manifest.Name]),
                    _ => "",
                },
            },
        });
    }
}
