using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Storage.FolderClient;

internal sealed partial class FolderTorrent
{
    private TorrentStatus? _status;
    private bool _wasGrowing;

    /// <summary>What it is doing; <paramref name="isGrowing"/> tells a download that moves from one that waits.</summary>
    public ClientTorrentState GetState(bool isGrowing) => (Record, IsComplete) switch
    {
        ({ Checking: true, CompletedAt: not null }, _) => ClientTorrentState.CheckingUp,
        ({ Checking: true }, _) => ClientTorrentState.CheckingDl,
        ({ MissingFiles: true }, _) => ClientTorrentState.MissingFiles,
        ({ Stopped: true }, true) => ClientTorrentState.StoppedUp,
        ({ Stopped: true }, false) => ClientTorrentState.StoppedDl,
        (_, true) => ClientTorrentState.StalledUp,
        _ => isGrowing ? ClientTorrentState.Downloading : ClientTorrentState.StalledDl,
    };

    /// <summary>The status; the same object as before while nothing changed.</summary>
    public TorrentStatus GetStatus(bool isGrowing)
    {
        if (_status is not null && _wasGrowing == isGrowing)
        {
            return _status;
        }

        _wasGrowing = isGrowing;
        long completed = 0, left = 0;
        foreach (var file in Manifest.Files)
        {
            if (file.IsReal)
            {
                completed += _heldBytes[file.Index];
                left += Layout.Selection.IsSelected(file.Index) ? file.Length - _heldBytes[file.Index] : 0;
            }
        }

        var state = GetState(isGrowing);
        return _status = new TorrentStatus
        {
            Id = Id,
            V1 = Manifest.V1,
            V2 = Manifest.V2,
            Name = Manifest.Name,
            State = state,
            RawState = state.ToString(),
            Progress = GetProgress(left),
            AmountLeft = left,
            CompletedBytes = completed,
            SelectedSize = Layout.SelectedBytes,
            Category = Record.Category,
            Tags = Tags,
            SavePath = Record.SavePath,
            ContentPath = GetContentPath(),
            AddedAt = Record.AddedAt,
            CompletedAt = IsComplete ? Record.CompletedAt : null,
            Limits = ShareLimits.FromNumbers(Record.RatioLimit, Record.SeedingLimit, Record.InactiveLimit),
        };
    }

    /// <summary>The files as a client lists them: without pads and links, numbered in that list.</summary>
    public IReadOnlyList<ClientFile> GetFiles() => [.. RealFiles().Select((file, index) => new ClientFile(
        index,
        string.Join('/', Location.FileNames[file.Index]),
        file.Length,
        Layout.Selection.IsSelected(file.Index),
        file.Length == 0 ? 1 : (double)_heldBytes[file.Index] / file.Length))];

    public IEnumerable<TorrentFile> RealFiles() => Manifest.Files.Where(static file => file.IsReal);

    private double GetProgress(long left)
    {
        if (Layout.Selection.IsEmpty)
        {
            return 0;
        }

        return left == 0 ? 1 : Math.Min(1 - (double)left / Layout.SelectedBytes, 0.999_999);
    }

    /// <summary>The only file; else the folder that all files share, or the save path where they share none.</summary>
    private string GetContentPath()
    {
        var names = RealFiles().Select(file => Location.FileNames[file.Index]).ToList();
        return names switch
        {
            [var only] => Path.Join(Record.SavePath, string.Join('/', only)),
            [{ Count: > 1 } first, ..] when names.TrueForAll(name => name.Count > 1 && name[0] == first[0]) => Path.Join(Record.SavePath, first[0]),
            _ => Record.SavePath,
        };
    }
}
