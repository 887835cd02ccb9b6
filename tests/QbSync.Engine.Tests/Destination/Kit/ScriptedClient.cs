using System.Collections.Frozen;
using System.Runtime.InteropServices;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Destination.Kit;

/// <summary>A client that behaves as the WebAPI does, with its traps as switches. Looks at the disk's final files for what it "has".</summary>
internal sealed partial class ScriptedClient(RigDisk disk, TimeProvider time) : ITorrentClient
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ClientTorrentId, Entry> _entries = [];
    private long _sequence;

    public bool IsDown { get; set; }

    /// <summary>What it tells of itself: another one is another client, or the same after a restart.</summary>
    public int Epoch { get; set; } = 1;

    /// <summary>The next call of this operation finds the client down.</summary>
    public string? DiesAt { get; set; }

    /// <summary>The next add is done, and its answer lost.</summary>
    public bool LosesAddReply { get; set; }

    /// <summary>The next add answers "Fails." though it is done.</summary>
    public bool FailsThoughAdded { get; set; }

    /// <summary>Adds are answered well, and nothing is added.</summary>
    public bool IgnoresAdds { get; set; }

    public bool RefusesAdds { get; set; }

    /// <summary>How long after an add nothing shows it.</summary>
    public TimeSpan ListsAddsAfter { get; set; }

    /// <summary>Looks in another folder than ours.</summary>
    public bool LooksElsewhere { get; set; }

    public bool DropsTags { get; set; }

    public bool DropsSelections { get; set; }

    /// <summary>Only the next call that selects is taken and not done.</summary>
    public bool DropsNextSelection { get; set; }

    /// <summary>The next check wants every file again, as a restart within it does.</summary>
    public bool NextCheckResetsSelection { get; set; }

    /// <summary>Answers to the question for files that are empty, from now on.</summary>
    public int EmptyFileLists { get; set; }

    /// <summary>The next add is done, and answered with this fault.</summary>
    public ClientFault? AddFault { get; set; }

    /// <summary>Changes of what is there are answered well, and nothing is done.</summary>
    public bool IgnoresChanges { get; set; }

    /// <summary>Answers to the question for torrents by their ids are on their way until this ends.</summary>
    public Task? GetsAreSlow { get; set; }

    /// <summary>Questions for torrents by their ids.</summary>
    public int Gets { get; private set; }

    /// <summary>Gives names of its own to the files of what is added.</summary>
    public Func<string, string> Sanitises { get; set; } = static name => name;

    /// <summary>Calls about categories fail, or those about tags.</summary>
    public bool FailsCategories { get; set; }

    public bool FailsTags { get; set; }

    /// <summary>A check, once begun, stands still.</summary>
    public bool ChecksAreStuck { get; set; }

    /// <summary>A check ends in this state instead.</summary>
    public ClientTorrentState? StateAfterCheck { get; set; }

    /// <summary>The client goes down with the next add, which is done.</summary>
    public bool DiesAtAdd { get; set; }

    public bool IsActiveAfterAdd { get; set; }

    /// <summary>Reads of a torrent while it checks, before the check ends.</summary>
    public int LooksPerCheck { get; set; } = 2;

    public int Adds { get; private set; }

    public int Rechecks { get; private set; }

    public AddTorrentRequest? LastAdd { get; private set; }

    public HashSet<string> Categories { get; } = [];

    public ClientAvailability Availability { get; set; } = ClientAvailability.Available;

    public event Action<ClientAvailability>? AvailabilityChanged
    {
        add { }
        remove { }
    }

    /// <summary>The only torrent.</summary>
    public TorrentStatus? Only
    {
        get
        {
            lock (_gate)
            {
                return _entries.Values.SingleOrDefault()?.Show(look: false);
            }
        }
    }

    /// <summary>A torrent that somebody else added.</summary>
    public void Plant(TorrentManifest manifest, string savePath, ClientTorrentState state, double progress)
    {
        lock (_gate)
        {
            var entry = new Entry(manifest, savePath, ContentPaths.Of(manifest, ContentLayout.Original)) { State = state, Progress = progress };
            _entries[entry.Id] = entry;
        }
    }

    public void RemoveAll()
    {
        lock (_gate)
        {
            _entries.Clear();
        }
    }

    public IReadOnlyList<ClientFile> OnlyFiles
    {
        get
        {
            lock (_gate)
            {
                return _entries.Values.Single().ShowFiles();
            }
        }
    }

    public ValueTask<ClientDescription> DescribeAsync(bool refresh, CancellationToken cancellationToken) =>
        Call("Describe", () => new ClientDescription { Product = "Scripted 1", DefaultSavePath = "/data", Capabilities = Capabilities, Epoch = Epoch });

    public ValueTask<ClientUpdate> PollAsync(IReadOnlyCollection<ClientTorrentId> watched, CancellationToken cancellationToken) => Call(
        "Poll",
        () => new ClientUpdate(
            _sequence = ++Polls, ClientUpdateKind.Full, [.. Listed().Select(static entry => entry.Show(look: false))], [], null, time.GetUtcNow())
        {
            Categories = Categories.ToFrozenSet(),
            Epoch = 1,
        });

    public ValueTask<TorrentStatus?> FindAsync(InfoHash v1, InfoHash v2, CancellationToken cancellationToken) => Call(
        "Find", () => Listed().FirstOrDefault(entry => entry.Manifest.V1 == v1 && entry.Manifest.V2 == v2)?.Show(look: !ChecksAreStuck));

    public async ValueTask<IReadOnlyList<TorrentStatus>> GetAsync(IReadOnlyCollection<ClientTorrentId> ids, CancellationToken cancellationToken)
    {
        var answer = await Call<IReadOnlyList<TorrentStatus>>(
            "Get", () => ++Gets < 0 ? [] : [.. ids.Where(IsListed).Select(id => _entries[id].Show(look: !ChecksAreStuck))]);
        if (GetsAreSlow is { } slow)
        {
            await slow.WaitAsync(cancellationToken);
        }

        return answer;
    }

    public ValueTask<IReadOnlyList<ClientFile>> GetFilesAsync(ClientTorrentId id, CancellationToken cancellationToken) =>
        Call<IReadOnlyList<ClientFile>>("GetFiles", () => EmptyFileLists-- > 0 ? [] : _entries[id].ShowFiles());

    public ValueTask<PieceBitmap> GetPiecesAsync(ClientTorrentId id, int pieceCount, CancellationToken cancellationToken) => Call("GetPieces", () =>
    {
        var pieces = new PieceBitmap(pieceCount);
        if (_entries[id].Progress >= 1)
        {
            pieces.SetAll();
        }

        return pieces;
    });

    private IEnumerable<Entry> Listed() => _entries.Values.Where(entry => entry.ListedAt <= time.GetUtcNow());

    private bool IsListed(ClientTorrentId id) => _entries.TryGetValue(id, out var entry) && entry.ListedAt <= time.GetUtcNow();

    public ValueTask<byte[]> GetManifestAsync(ClientTorrentId id, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<AddTorrentOutcome> AddAsync(AddTorrentRequest request, CancellationToken cancellationToken) => Call("Add", () =>
    {
        Adds++;
        LastAdd = request;
        if (RefusesAdds)
        {
            return AddTorrentOutcome.Refused;
        }

        if (!IgnoresAdds)
        {
            var manifest = TorrentManifest.Parse(request.Torrent);
            var entry = new Entry(manifest, request.SavePath, ContentPaths.Of(manifest, request.Layout))
            {
                Category = request.Category,
                ListedAt = time.GetUtcNow() + ListsAddsAfter,
            };
            if (!_entries.TryAdd(entry.Id, entry))
            {
                return AddTorrentOutcome.Unclear;
            }

            entry.Tags.UnionWith(request.Tags);
            for (var i = 0; i < entry.Names.Count; i++)
            {
                entry.Names[i] = Sanitises(entry.Names[i]);
            }

            entry.State = request.SkipCheck ? ClientTorrentState.CheckingResumeData : ClientTorrentState.StoppedDl;
            entry.AfterCheck = () => Settle(entry);
            entry.LooksLeft = request.SkipCheck ? LooksPerCheck : 0;
            if (IsActiveAfterAdd)
            {
                entry.AfterCheck = null;
                entry.State = ClientTorrentState.StalledUp;
                entry.Progress = 1;
            }
        }

        if (DiesAtAdd)
        {
            (DiesAtAdd, IsDown) = (false, true);
            throw new TorrentClientException(ClientFault.Unreachable, "Add", "the connection was cut");
        }

        if (AddFault is { } fault)
        {
            AddFault = null;
            throw new TorrentClientException(fault, "Add", "the client says no");
        }

        if (LosesAddReply)
        {
            LosesAddReply = false;
            throw new TorrentClientException(ClientFault.OutcomeUnknown, "Add", "the answer was lost");
        }

        if (FailsThoughAdded)
        {
            FailsThoughAdded = false;
            return AddTorrentOutcome.Unclear;
        }

        return AddTorrentOutcome.Taken;
    });

    public ValueTask SelectAsync(ClientTorrentId id, IReadOnlyCollection<int> fileIndices, bool wanted, CancellationToken cancellationToken) => Do("Select", () =>
    {
        if (DropsNextSelection)
        {
            DropsNextSelection = false;
        }
        else if (!DropsSelections)
        {
            foreach (var index in fileIndices)
            {
                _entries[id].Selected[index] = wanted;
            }
        }
    });

    public ValueTask RenameFileAsync(ClientTorrentId id, string oldPath, string newPath, CancellationToken cancellationToken) => Do("Rename", () =>
    {
        var names = _entries[id].Names;
        names[names.IndexOf(oldPath)] = newPath;
    });

    public ValueTask RecheckAsync(ClientTorrentId id, CancellationToken cancellationToken) => Do("Recheck", () =>
    {
        Rechecks++;
        var entry = _entries[id];
        entry.State = ClientTorrentState.CheckingUp;
        entry.LooksLeft = LooksPerCheck;
        entry.AfterCheck = () =>
        {
            Settle(entry);
            if (NextCheckResetsSelection)
            {
                NextCheckResetsSelection = false;
                CollectionsMarshal.AsSpan(entry.Selected).Fill(true);
            }
        };
    });

    public ValueTask AddTagsAsync(IReadOnlyCollection<ClientTorrentId> ids, IReadOnlyCollection<string> tags, CancellationToken cancellationToken) => Do("AddTags", () =>
    {
        if (FailsTags)
        {
            throw new TorrentClientException(ClientFault.ServerError, "AddTags", "the client answers 500");
        }

        if (!DropsTags)
        {
            foreach (var id in ids)
            {
                _entries[id].Tags.UnionWith(tags);
            }
        }
    });

    public ValueTask RemoveTagsAsync(IReadOnlyCollection<ClientTorrentId> ids, IReadOnlyCollection<string> tags, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public ValueTask EnsureCategoryAsync(string name, CancellationToken cancellationToken) => Do("EnsureCategory", () =>
    {
        if (FailsCategories)
        {
            throw new TorrentClientException(ClientFault.ServerError, "EnsureCategory", "the client answers 500");
        }

        Categories.Add(name);
    });

    public ValueTask SetCategoryAsync(IReadOnlyCollection<ClientTorrentId> ids, string category, CancellationToken cancellationToken) => Do("SetCategory", () =>
    {
        foreach (var id in ids)
        {
            _entries[id].Category = category;
        }
    });

    /// <summary>The end of a check: what is selected is there under the client's names, or is missing.</summary>
    private void Settle(Entry entry)
    {
        var prefix = entry.SavePath == "/data" ? "" : entry.SavePath["/data/".Length..] + "/";
        lock (disk.Gate)
        {
            var real = entry.Manifest.Files.Where(static file => file.IsReal).ToArray();
            var there = !LooksElsewhere && Enumerable.Range(0, real.Length).Where(i => entry.Selected[i]).All(i =>
                disk.Files.TryGetValue(prefix + entry.Names[i], out var bytes) && bytes.Length == real[i].Length);
            (entry.State, entry.Progress) = there ? (StateAfterCheck ?? ClientTorrentState.StoppedUp, 1) : (ClientTorrentState.MissingFiles, 0);
            entry.Progress = entry.State.GetSide() == TorrentSide.Downloading ? 0.5 : entry.Progress;
        }
    }

    private ValueTask Do(string operation, Action action)
    {
        _ = Call(operation, () =>
        {
            if (!IgnoresChanges)
            {
                action();
            }

            return true;
        });
        return ValueTask.CompletedTask;
    }

    private ValueTask<T> Call<T>(string operation, Func<T> action)
    {
        lock (_gate)
        {
            if (operation == DiesAt)
            {
                (DiesAt, IsDown) = (null, true);
            }

            ForgetDeleted();
            return IsDown
                ? throw new TorrentClientException(ClientFault.Unreachable, operation, "the client is down")
                : ValueTask.FromResult(action());
        }
    }

    private sealed class Entry
    {
        public Entry(TorrentManifest manifest, string savePath, IReadOnlyList<IReadOnlyList<string>> paths)
        {
            Manifest = manifest;
            SavePath = savePath;
            Id = new ClientTorrentId(manifest.Id.ToString());
            Names = [.. manifest.Files.Where(static file => file.IsReal).Select(file => string.Join('/', paths[file.Index]))];
            Selected = [.. Names.Select(static _ => true)];
        }

        public TorrentManifest Manifest { get; }

        public string SavePath { get; set; }

        public ClientTorrentId Id { get; }

        public List<string> Names { get; }

        public List<bool> Selected { get; }

        public DateTimeOffset ListedAt { get; init; }

        public HashSet<string> Tags { get; } = [];

        public string Category { get; set; } = "";

        public ShareLimits Limits { get; set; } = ShareLimits.Global;

        public ClientTorrentState State { get; set; }

        public double Progress { get; set; }

        public int LooksLeft { get; set; }

        public Action? AfterCheck { get; set; }

        public TorrentStatus Show(bool look)
        {
            var checking = look && AfterCheck is not null && State is ClientTorrentState.CheckingUp or ClientTorrentState.CheckingResumeData;
            if (checking && LooksLeft-- <= 0)
            {
                var end = AfterCheck!;
                AfterCheck = null;
                end();
            }
            else if (checking && State == ClientTorrentState.CheckingUp)
            {
                Progress = 1.0 / (2 + LooksLeft);
            }

            return new TorrentStatus
            {
                Id = Id,
                V1 = Manifest.V1,
                V2 = Manifest.V2,
                Name = Manifest.Name,
                State = State,
                Progress = Progress,
                AmountLeft = Progress >= 1 ? 0 : 1,
                SavePath = SavePath,
                Category = Category,
                Tags = Tags.ToFrozenSet(),
                Limits = Limits,
            };
        }

        public IReadOnlyList<ClientFile> ShowFiles()
        {
            var real = Manifest.Files.Where(static file => file.IsReal).ToArray();
            return [.. Names.Select((name, i) => new ClientFile(i, name, real[i].Length, Selected[i], Progress))];
        }
    }
}
