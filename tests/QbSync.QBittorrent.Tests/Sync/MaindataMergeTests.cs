using CsCheck;
using QbSync.QBittorrent.Models;
using QbSync.QBittorrent.Sync;

namespace QbSync.QBittorrent.Tests.Sync;

internal sealed class MaindataMergeTests
{
    private static readonly string[] Ids = [.. Enumerable.Range(0, 6).Select(static i => new string((char)('a' + i), 40))];

    [Test]
    public void Deltas_AnySequence_EqualTheFullUpdate()
    {
        // A step sets, at some torrent, one field or none, or removes it.
        var step = Gen.Select(Gen.Int[0, Ids.Length - 1], Gen.Int[0, 5], Gen.Int[0, 3]);
        step.Array[0, 40].Sample(steps =>
        {
            var truth = new Dictionary<string, TorrentRecord>();
            var followed = new Dictionary<string, TorrentRecord>();
            long rid = 1;
            foreach (var (index, kind, value) in steps)
            {
                var id = Ids[index];
                var answer = Next(truth, id, kind, value) with { Rid = ++rid };
                MaindataMerge.Apply(followed, answer, out var lacks);
                if (lacks)
                {
                    return false;
                }
            }

            var full = new Dictionary<string, TorrentRecord>();
            MaindataMerge.Apply(full, new MainDataRecord { Rid = 1, FullUpdate = true, Torrents = new(truth) }, out _);
            return full.Count == followed.Count && full.All(entry => followed[entry.Key] == entry.Value);
        });
    }

    [Test]
    public void Apply_NothingChanged_KeepsTheSameObjects()
    {
        var records = new Dictionary<string, TorrentRecord>();
        var answer = new MainDataRecord { Rid = 1, FullUpdate = true, Torrents = new() { [Ids[0]] = Record(1) } };
        MaindataMerge.Apply(records, answer, out _);
        var first = records[Ids[0]];
        MaindataMerge.Apply(records, new MainDataRecord { Rid = 2, Torrents = new() { [Ids[0]] = new TorrentRecord { Name = "name 1" } } }, out _);
        MaindataMerge.Apply(records, answer, out _);
        Assert.That(records[Ids[0]], Is.SameAs(first));
        Assert.That(first.Hash, Is.EqualTo(Ids[0]));
    }

    [Test]
    public void Apply_FullUpdate_ReplacesTheSetAndNamesNoRemoval()
    {
        var records = new Dictionary<string, TorrentRecord> { [Ids[0]] = Record(1), [Ids[1]] = Record(2) };
        var removed = MaindataMerge.Apply(records, new MainDataRecord { Rid = 5, FullUpdate = true, Torrents = new() { [Ids[1]] = Record(2) } }, out _);
        Assert.That(records.Keys, Is.EqualTo(new[] { Ids[1] }));
        Assert.That(removed, Is.Empty);
    }

    [Test]
    public void Apply_EmptyNullAndUnknown_DoNothing()
    {
        var records = new Dictionary<string, TorrentRecord> { [Ids[0]] = Record(1) };
        MaindataMerge.Apply(records, new MainDataRecord { Rid = 2 }, out var lacks);
        MaindataMerge.Apply(records, new MainDataRecord { Torrents = new() { [Ids[1]] = null! }, TorrentsRemoved = [null!, Ids[2]] }, out var lacksToo);
        Assert.That((records.Count, lacks, lacksToo), Is.EqualTo((1, false, false)));
    }

    [Test]
    public void Apply_RemovedAndAddedAgain_IsTheNewOne()
    {
        var records = new Dictionary<string, TorrentRecord> { [Ids[0]] = Record(1) };
        var removed = MaindataMerge.Apply(
            records, new MainDataRecord { TorrentsRemoved = [Ids[0]], Torrents = new() { [Ids[0]] = Record(2) with { Tags = null } } }, out _);
        Assert.That(removed, Is.EqualTo(new[] { Ids[0] }));
        Assert.That((records[Ids[0]].Name, records[Ids[0]].Tags), Is.EqualTo(("name 2", (string?)null)));
    }

    [Test]
    public void Apply_UnknownTorrentWithoutItsFields_SaysSo()
    {
        MaindataMerge.Apply([], new MainDataRecord { Torrents = new() { [Ids[0]] = new TorrentRecord { Progress = 0.5 } } }, out var lacks);
        Assert.That(lacks, Is.True);
    }

    private static MainDataRecord Next(Dictionary<string, TorrentRecord> truth, string id, int kind, int value)
    {
        if (!truth.TryGetValue(id, out var known))
        {
            truth[id] = Record(value) with { Hash = id };
            return new MainDataRecord { Torrents = new() { [id] = truth[id] } };
        }

        if (kind == 0)
        {
            truth.Remove(id);
            return new MainDataRecord { TorrentsRemoved = [id], Torrents = null };
        }

        var change = kind switch
        {
            1 => new TorrentRecord { State = $"state {value}" },
            2 => new TorrentRecord { Progress = value / 4.0, AmountLeft = 4 - value },
            3 => new TorrentRecord { Tags = value == 0 ? "" : $"t{value}" },
            4 => new TorrentRecord { CompletionOn = value == 0 ? -1 : value, Ratio = value },
            _ => new TorrentRecord(),
        };
        truth[id] = known with
        {
            State = change.State ?? known.State,
            Progress = change.Progress ?? known.Progress,
            AmountLeft = change.AmountLeft ?? known.AmountLeft,
            Tags = change.Tags ?? known.Tags,
            CompletionOn = change.CompletionOn ?? known.CompletionOn,
            Ratio = change.Ratio ?? known.Ratio,
        };
        return new MainDataRecord { Torrents = new() { [id] = change }, TorrentsRemoved = [] };
    }

    private static TorrentRecord Record(int value) =>
        new() { Name = $"name {value}", State = "stalledUP", SavePath = "/data", Progress = 1, AmountLeft = 0, Tags = "", Size = value };
}
