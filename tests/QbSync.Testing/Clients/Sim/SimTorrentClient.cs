using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Testing.Clients.Sim;

/// <summary>The simulated client as the engines see one, without a server between. Thread-safe.</summary>
public sealed partial class SimTorrentClient(SimClientModel model) : ITorrentClient
{
    private static readonly Dictionary<string, ClientTorrentState> States = new()
    {
        ["stalledUP"] = ClientTorrentState.StalledUp,
        ["stalledDL"] = ClientTorrentState.StalledDl,
        ["stoppedUP"] = ClientTorrentState.StoppedUp,
        ["pausedUP"] = ClientTorrentState.StoppedUp,
        ["stoppedDL"] = ClientTorrentState.StoppedDl,
        ["pausedDL"] = ClientTorrentState.StoppedDl,
        ["checkingUP"] = ClientTorrentState.CheckingUp,
        ["checkingDL"] = ClientTorrentState.CheckingDl,
        ["checkingResumeData"] = ClientTorrentState.CheckingResumeData,
        ["moving"] = ClientTorrentState.Moving,
        ["missingFiles"] = ClientTorrentState.MissingFiles,
    };

    private readonly Lock _gate = new();
    private HashSet<ClientTorrentId> _shown = [];
    private long _sequence;

    /// <summary>What it simulates.</summary>
    public SimClientModel Model => model;

    /// <inheritdoc />
    public ClientAvailability Availability => ClientAvailability.Available;

    /// <inheritdoc />
    public event Action<ClientAvailability>? AvailabilityChanged
    {
        add { }
        remove { }
    }

    /// <inheritdoc />
    public ValueTask<ClientDescription> DescribeAsync(bool refresh, CancellationToken cancellationToken) => new(new ClientDescription
    {
        Product = "qBittorrent " + model.Generation.Product,
        Version = model.Generation.Product,
        ApiVersion = model.Generation.Api.ToString(),
        LibraryVersion = model.Generation.Libtorrent,
        Capabilities = new ClientCapabilities { RenamesFiles = model.Generation.RenamesByPath },
        DefaultSavePath = model.Options.SavePath,
        Tick = model.Options.Tick,
        Epoch = 1,
    });

    /// <inheritdoc />
    public ValueTask<ClientUpdate> PollAsync(IReadOnlyCollection<ClientTorrentId> watched, CancellationToken cancellationToken)
    {
        var (torrents, categories) = model.Look(look => (look.Torrents.Select(torrent => ToStatus(look, torrent)).ToList(), look.Categories.Keys.ToHashSet()));
        lock (_gate)
        {
            var now = torrents.Select(static status => status.Id).ToHashSet();
            var removed = _shown.Except(now).ToList();
            _shown = now;
            var kind = _sequence == 0 ? ClientUpdateKind.Full : ClientUpdateKind.Delta;
            return new(new ClientUpdate(++_sequence, kind, torrents, removed, model.Options.FreeBytes, model.Now) { Categories = categories, Epoch = 1 });
        }
    }

    /// <inheritdoc />
    public ValueTask<TorrentStatus?> FindAsync(InfoHash v1, InfoHash v2, CancellationToken cancellationToken) => new(model.Look(look =>
        look.Torrents.FirstOrDefault(torrent => Is(torrent.Manifest.V1, v1) || Is(torrent.Manifest.V2, v2)) is { } found ? ToStatus(look, found) : null));

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<TorrentStatus>> GetAsync(IReadOnlyCollection<ClientTorrentId> ids, CancellationToken cancellationToken) =>
        new(model.Look(look => ids.Select(id => look.Find(id.Value)).OfType<SimTorrent>().Select(torrent => ToStatus(look, torrent)).ToList()));

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<ClientFile>> GetFilesAsync(ClientTorrentId id, CancellationToken cancellationToken) =>
        OfTorrent<IReadOnlyList<ClientFile>>(id, (look, torrent) =>
        {
            var layout = new PieceLayout(torrent.Manifest, Selection.All(torrent.Manifest));
            return [.. look.Files(torrent).Index().Where(item => torrent.Manifest.Files[item.Item].IsReal).Select(item =>
            {
                var file = torrent.Manifest.Files[item.Item];
                var (first, count) = layout.GetPieces(file);
                var held = Enumerable.Range(first, count).Count(piece => torrent.Have[piece]);
                return new ClientFile(item.Index, torrent.Paths[item.Item], file.Length, torrent.Priorities[item.Item] > 0, count == 0 ? 1 : (double)held / count);
            })];
        });

    /// <inheritdoc />
    public ValueTask<PieceBitmap> GetPiecesAsync(ClientTorrentId id, int pieceCount, CancellationToken cancellationToken) =>
        OfTorrent(id, (_, torrent) => torrent.Have.Length == pieceCount
            ? torrent.Have.Clone()
            : throw Fault(ClientFault.BrokenAnswer, $"{torrent.Have.Length} pieces instead of {pieceCount}."));

    /// <inheritdoc />
    public ValueTask<byte[]> GetManifestAsync(ClientTorrentId id, CancellationToken cancellationToken) =>
        OfTorrent(id, static (_, torrent) => torrent.Bytes.ToArray());

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<TorrentTracker>> GetTrackersAsync(ClientTorrentId id, CancellationToken cancellationToken) =>
        OfTorrent<IReadOnlyList<TorrentTracker>>(id, static (_, _) => []);

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<ClientLogLine>> GetLogAsync(CancellationToken cancellationToken) => new([]);

    private static bool Is(InfoHash have, InfoHash wanted) => wanted.Length > 0 && have == wanted;

    private ValueTask<T> OfTorrent<T>(ClientTorrentId id, Func<SimClientModel.SimLook, SimTorrent, T> answer) => new(model.Look(look =>
        look.Find(id.Value) is { } torrent ? answer(look, torrent) : throw Fault(ClientFault.NotFound, $"There is no torrent {id}.")));

    private static TorrentClientException Fault(ClientFault fault, string message) => new(fault, "Simulated", message);

    private static TorrentStatus ToStatus(SimClientModel.SimLook look, SimTorrent torrent)
    {
        var word = look.State(torrent);
        return new TorrentStatus
        {
            Id = new ClientTorrentId(torrent.Id),
            V1 = torrent.Manifest.V1,
            V2 = torrent.Manifest.V2,
            Name = torrent.Manifest.Name,
            State = States[word],
            RawState = word,
            Progress = look.Progress(torrent),
            AmountLeft = look.AmountLeft(torrent),
            CompletedBytes = torrent.SelectedSize - look.AmountLeft(torrent),
            SelectedSize = torrent.SelectedSize,
            Category = torrent.Category,
            Tags = torrent.Tags.ToHashSet(),
            SavePath = torrent.SavePath,
            ContentPath = Path.Combine(torrent.SavePath, torrent.Manifest.HasRootFolder ? torrent.Paths[0].Split('/')[0] : torrent.Paths[0]),
            IsManagedByCategory = torrent.IsManaged,
            AddedAt = torrent.AddedAt,
            CompletedAt = torrent.CompletedAt,
            Limits = new ShareLimits(Limit(torrent.RatioLimit), Limit(torrent.SeedingMinutesLimit), Limit(torrent.InactiveMinutesLimit)),
        };
    }

    private static ShareLimit Limit(double value) => value switch
    {
        -2 => ShareLimit.Global,
        < 0 => ShareLimit.Unlimited,
        _ => ShareLimit.Of(value),
    };
}
