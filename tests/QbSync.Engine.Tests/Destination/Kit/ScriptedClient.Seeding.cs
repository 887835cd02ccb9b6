using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Tests.Destination.Kit;

internal sealed partial class ScriptedClient
{
    /// <summary>What a started torrent shows; null: as if it had not been asked.</summary>
    public ClientTorrentState? StateAfterStart { get; set; } = ClientTorrentState.StalledUp;

    /// <summary>The client goes down with the next start: done, or not.</summary>
    public bool DiesAtStart { get; set; }

    /// <summary>The next start is done, and its answer lost.</summary>
    public bool LosesStartReply { get; set; }

    public bool IgnoresStops { get; set; }

    public (AnnounceState State, string Text) Announce { get; set; }

    /// <summary>What the client's log says.</summary>
    public List<string> LogLines { get; } = [];

    private readonly Dictionary<ClientTorrentId, DateTimeOffset> _goesAt = [];

    /// <summary>How long a deleted torrent stays in the list.</summary>
    public TimeSpan DeleteLag { get; set; }

    public ClientCapabilities Capabilities { get; set; } = new();

    public bool DropsLimits { get; set; }

    public int LimitCalls { get; private set; }

    /// <summary>Called at each start, before it takes effect.</summary>
    public Action OnStart { get; set; } = static () => { };

    public int Stops { get; private set; }

    public int Starts { get; private set; }

    public int Polls { get; private set; }

    public int Moves { get; private set; }

    /// <summary>The only torrent shows this from now on.</summary>
    public void Show(ClientTorrentState state, double progress = 1)
    {
        lock (_gate)
        {
            var entry = _entries.Values.Single();
            (entry.State, entry.Progress, entry.AfterCheck) = (state, progress, null);
        }
    }

    public ValueTask StartAsync(IReadOnlyCollection<ClientTorrentId> ids, bool force, CancellationToken cancellationToken) => Do("Start", () =>
    {
        foreach (var id in ids)
        {
            var entry = _entries[id];
            if (!force && (entry.State.GetSide() == TorrentSide.Downloading || entry.State is ClientTorrentState.MissingFiles or ClientTorrentState.Error))
            {
                throw new TorrentClientException(ClientFault.Conflict, "Start", $"not sent, since its state is {entry.State}");
            }

            OnStart();
            Starts++;
            if (StateAfterStart is { } state)
            {
                (entry.State, entry.Progress) = (state, state.GetSide() == TorrentSide.Downloading ? 0.5 : 1);
            }
        }

        if (DiesAtStart || LosesStartReply)
        {
            (DiesAtStart, LosesStartReply, IsDown) = (false, false, DiesAtStart);
            throw new TorrentClientException(ClientFault.OutcomeUnknown, "Start", "the answer was lost");
        }
    });

    public ValueTask StopAsync(IReadOnlyCollection<ClientTorrentId> ids, bool whileChecking, CancellationToken cancellationToken) => Do("Stop", () =>
    {
        foreach (var id in ids)
        {
            var entry = _entries[id];
            if (!whileChecking && entry.State.IsChecking())
            {
                throw new TorrentClientException(ClientFault.Conflict, "Stop", "not sent, since it is being checked");
            }

            Stops++;
            if (!IgnoresStops)
            {
                entry.State = entry.Progress >= 1 ? ClientTorrentState.StoppedUp : ClientTorrentState.StoppedDl;
            }
        }
    });

    public ValueTask SetLocationAsync(IReadOnlyCollection<ClientTorrentId> ids, string savePath, CancellationToken cancellationToken) => Do("SetLocation", () =>
    {
        foreach (var id in ids)
        {
            Moves++;
            _entries[id].SavePath = savePath;
        }
    });

    public ValueTask<IReadOnlyList<TorrentTracker>> GetTrackersAsync(ClientTorrentId id, CancellationToken cancellationToken) =>
        Call<IReadOnlyList<TorrentTracker>>("GetTrackers", () => Announce.State switch
        {
            AnnounceState.None => [],
            AnnounceState.NotYet => [new("http://tracker.test", 0, TrackerStatus.Updating, Announce.Text)],
            AnnounceState.Accepted => [new("http://tracker.test", 0, TrackerStatus.Working, Announce.Text)],
            AnnounceState.Rejected => [new("http://tracker.test", 0, TrackerStatus.Refused, Announce.Text)],
        });

    public ValueTask<IReadOnlyList<ClientLogLine>> GetLogAsync(CancellationToken cancellationToken) =>
        Call<IReadOnlyList<ClientLogLine>>("GetLog", () => [.. LogLines.Select(line => new ClientLogLine(time.GetUtcNow(), line))]);

    public ValueTask SetShareLimitsAsync(IReadOnlyCollection<ClientTorrentId> ids, ShareLimits limits, CancellationToken cancellationToken) =>
        Do("SetShareLimits", () =>
        {
            LimitCalls++;
            foreach (var id in ids.Where(_ => !DropsLimits))
            {
                // As clients before 4.6 do, which take the form and keep two of the three.
                _entries[id].Limits = Capabilities.LimitsInactivity ? limits : limits with { InactiveMinutes = ShareLimit.Global };
            }
        });

    public ValueTask DeleteAsync(IReadOnlyCollection<ClientTorrentId> ids, bool withFiles, CancellationToken cancellationToken) => Do("Delete", () =>
    {
        foreach (var id in ids)
        {
            _goesAt[id] = time.GetUtcNow() + DeleteLag;
        }
    });

    /// <summary>Lets go of what was to be deleted by now. Called under the lock.</summary>
    private void ForgetDeleted()
    {
        foreach (var (id, _) in _goesAt.Where(pair => pair.Value <= time.GetUtcNow()).ToList())
        {
            _goesAt.Remove(id);
            _entries.Remove(id);
        }
    }
}
