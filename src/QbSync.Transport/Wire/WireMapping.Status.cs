using Google.Protobuf;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Wire;

internal static partial class WireMapping
{
    public static Protocol.TorrentStatus ToWire(DestinationTorrentStatus status, DateTimeOffset now)
    {
        var wire = new Protocol.TorrentStatus
        {
            Id = ToWire(status.Id),
            State = (TorrentState)status.State,
            Epoch = status.Epoch,
            Losses = status.Losses,
            Held = (uint)Math.Max(status.HeldPieces, 0),
            Needed = (uint)Math.Max(status.NeededPieces, 0),
            Running = status.Progress is null ? null : ToWire(status.Progress),
            Refusal = status.Refusal is null ? null : ToWire(status.Refusal),
            Selection = ToWire(status.Selection),
            Client = status.Client is null ? null : ToWire(status.Client, now),
        };
        if ((status.Have ?? status.Deferred) is { } bitmap)
        {
            wire.Pieces = (uint)bitmap.Length;
            wire.Have = ToWireOrNone(status.Have, bitmap.Length);
            wire.Deferred = ToWireOrNone(status.Deferred, bitmap.Length);
        }

        return wire;
    }

    public static DestinationTorrentStatus ToDomain(Protocol.TorrentStatus wire, DateTimeOffset now) => new()
    {
        Id = ToId(wire.Id),
        State = Known((int)wire.State, DestinationTorrentState.Unknown),
        Epoch = wire.Epoch,
        Losses = wire.Losses,
        HeldPieces = Saturate(wire.Held),
        NeededPieces = Saturate(wire.Needed),
        Progress = wire.Running is null ? null : ToDomain(wire.Running),
        Refusal = wire.Refusal is null ? null : ToDomain(wire.Refusal),
        Have = wire.HasPieces ? ToBitmap(wire.Have, wire.Pieces) : null,
        Deferred = wire.HasPieces ? ToBitmap(wire.Deferred, wire.Pieces) : null,
        Selection = wire.Selection.Memory,
        Client = ToDomain(wire.Client, now),
    };

    public static WatchUpdate ToWire(DestinationUpdate update, DateTimeOffset now) => update switch
    {
        DestinationUpdate.Changed changed => new WatchUpdate { Status = ToWire(changed.Status, now) },
        DestinationUpdate.HaveChanged have => new WatchUpdate
        {
            HaveChanged = new HaveChanged
            {
                Id = ToWire(have.Id),
                Epoch = have.Epoch,
                Losses = have.Losses,
                Have = ToWire(have.Have.ToBytes()),
                Deferred = ToWire(have.Deferred.ToBytes()),
                Pieces = (uint)have.Have.Length,
            },
        },
        DestinationUpdate.Stopping => new WatchUpdate { Notice = new Notice { Kind = NoticeKind.Stopping } },
        DestinationUpdate.Room => new WatchUpdate { Notice = new Notice { Kind = NoticeKind.Room } },
        DestinationUpdate.Beat => new WatchUpdate { Beat = new Beat() },
        _ => throw new InvalidOperationException($"No message for {update.GetType().Name}."),
    };

    /// <summary>What this build does not know is a sign of life, no more.</summary>
    public static DestinationUpdate ToDomain(WatchUpdate wire, DateTimeOffset now) => wire.UpdateCase switch
    {
        WatchUpdate.UpdateOneofCase.Status => new DestinationUpdate.Changed(ToDomain(wire.Status, now)),
        WatchUpdate.UpdateOneofCase.HaveChanged => new DestinationUpdate.HaveChanged(
            ToId(wire.HaveChanged.Id),
            wire.HaveChanged.Epoch,
            wire.HaveChanged.Losses,
            ToBitmap(wire.HaveChanged.Have, wire.HaveChanged.Pieces),
            ToBitmap(wire.HaveChanged.Deferred, wire.HaveChanged.Pieces)),
        WatchUpdate.UpdateOneofCase.Notice when wire.Notice.Kind == NoticeKind.Stopping => new DestinationUpdate.Stopping(),
        WatchUpdate.UpdateOneofCase.Notice when wire.Notice.Kind == NoticeKind.Room => new DestinationUpdate.Room(),
        _ => new DestinationUpdate.Beat(),
    };

    private static ByteString ToWireOrNone(PieceBitmap? bitmap, int length) => ToWire((bitmap ?? new PieceBitmap(length)).ToBytes());
}
