using CsCheck;
using QbSync.QBittorrent.Models;
using QbSync.QBittorrent.Sync;
using QbSync.QBittorrent.Tests.Json;
using QbSync.Testing.Specifications;

namespace QbSync.QBittorrent.Tests.Sync;

internal sealed class MaindataMergeTests
{
    private static readonly string[] Ids = [.. Enumerable.Range(0, 6).Select(static i => new string((char)('a' + i), 40))];

    [Test]
    [ClientCase(22)]
    public void Deltas_AnySequence_EqualTheFullUpdate()
    {
        // A step sets, at some torrent, one field or none, or removes it.
        var step = Gen.Select(Gen.Int[0, Ids.Length - 1], Gen.Int[0, 5], Gen.Int[0, 3]);
        Gen.Select(step.Array[0, 40], Gen.Int).Sample((steps, seed) =>
        {
            var random = new Random(seed);
            var truth = new Dictionary<string, TorrentRecord>();
            var followed = new MaindataState();
            long rid = 1;
            foreach (var (index, kind, value) in steps)
            {
                var answer = Next(truth, Ids[index], kind, value) with { Rid = ++rid };
                if (MaindataMerge.Apply(followed, Scrambled.Read(answer, random)).LacksFields)
                {
                    return false;
                }
            }

            var full = new MaindataState();
            MaindataMerge.Apply(full, Scrambled.Read(new MainDataRecord { Rid = 1, FullUpdate = true, Torrents = new(truth) }, random));
            return full.Torrents.Count == followed.Torrents.Count && full.Torrents.All(entry => followed.Torrents[entry.Key] == entry.Value);
        });
    }

    [Test]
    public void Apply_NothingChanged_KeepsTheSameObjects()
    {
        var state = new MaindataState();
        MaindataMerge.Apply(state, new MainDataRecord { Rid = 1, FullUpdate = true, Torrents = new() { [Ids[0]] = Record(1) } });
        var first = state.Torrents[Ids[0]];
        var delta = MaindataMerge.Apply(state, new MainDataRecord { Rid = 2, Torrents = new() { [Ids[0]] = new TorrentRecord { Name = "name 1" } } });
        var full = MaindataMerge.Apply(state, new MainDataRecord { Rid = 1, FullUpdate = true, Torrents = new() { [Ids[0]] = Record(1) } });
        Assert.That(state.Torrents[Ids[0]], Is.SameAs(first));
        Assert.That(delta.Changed, Is.Empty);
        Assert.That(full.Changed, Is.Empty);
    }

    [Test]
    public void Apply_FullUpdate_ReplacesTheSetAndNamesNoRemoval()
    {
        var state = State(Record(1), Record(2));
        var change = MaindataMerge.Apply(state, new MainDataRecord { Rid = 5, FullUpdate = true, Torrents = new() { [Ids[1]] = Record(2) } });
        Assert.That(state.Torrents.Keys, Is.EqualTo(new[] { Ids[1] }));
        Assert.That(change.Removed, Is.Empty);
    }

    [Test]
    public void Apply_EmptyAndUnknown_DoNothing()
    {
        var state = State(Record(1));
        var nothing = MaindataMerge.Apply(state, new MainDataRecord { Rid = 2 });
        var unknown = MaindataMerge.Apply(state, new MainDataRecord { Torrents = [], TorrentsRemoved = [Ids[2]] });
        Assert.That((state.Torrents.Count, nothing.LacksFields, unknown.LacksFields, unknown.Removed.Count), Is.EqualTo((1, false, false, 0)));
    }

    [Test]
    [ClientCase(22)]
    public void Apply_RemovedAndAddedAgain_IsTheNewOne()
    {
        var state = State(Record(1));
        var change = MaindataMerge.Apply(
            state, new MainDataRecord { TorrentsRemoved = [Ids[0]], Torrents = new() { [Ids[0]] = Record(2) with { Tags = null } } });
        Assert.That(change.Removed, Is.EqualTo(new[] { Ids[0] }));
        Assert.That(change.Changed, Is.EqualTo(new[] { Ids[0] }));
        Assert.That((state.Torrents[Ids[0]].Name, state.Torrents[Ids[0]].Tags), Is.EqualTo(("name 2", (string?)null)));
    }

    [Test]
    public void Apply_UnknownTorrentWithoutItsFields_SaysSo()
    {
        var change = MaindataMerge.Apply(new MaindataState(), new MainDataRecord { Torrents = new() { [Ids[0]] = new TorrentRecord { Progress = 0.5 } } });
        Assert.That(change.LacksFields, Is.True);
    }

    [Test]
    public void Apply_Categories_FollowAnswers()
    {
        var state = new MaindataState();
        MaindataMerge.Apply(state, new MainDataRecord { FullUpdate = true, Categories = new() { ["a"] = new(), ["b"] = new() } });
        MaindataMerge.Apply(state, new MainDataRecord { Categories = new() { ["c"] = new() }, CategoriesRemoved = ["a"] });
        var before = state.Categories;
        MaindataMerge.Apply(state, new MainDataRecord { Categories = new() { ["c"] = new() }, CategoriesRemoved = [] });
        Assert.That(state.Categories, Is.EquivalentTo(new[] { "b", "c" }).And.SameAs(before));
        MaindataMerge.Apply(state, new MainDataRecord { FullUpdate = true });
        Assert.That(state.Categories, Is.Empty);
    }

    [Test]
    public void Apply_NeverAgain_IsNotKeptFromBefore()
    {
        var state = State(Record(1) with { CompletionOn = 5, Availability = 1.5 });
        MaindataMerge.Apply(state, new MainDataRecord { Torrents = new() { [Ids[0]] = new TorrentRecord { CompletionOn = -1, Availability = -1 } } });
        Assert.That((state.Torrents[Ids[0]].CompletionOn, state.Torrents[Ids[0]].Availability), Is.EqualTo(((long?)null, (double?)null)));
    }

    private static MaindataState State(params TorrentRecord[] records)
    {
        var state = new MaindataState();
        MaindataMerge.Apply(state, new MainDataRecord { FullUpdate = true, Torrents = records.Select(static (record, i) => (record, i)).ToDictionary(static pair => Ids[pair.i], static pair => pair.record) });
        return state;
    }

    private static MainDataRecord Next(Dictionary<string, TorrentRecord> truth, string id, int kind, int value)
    {
        if (!truth.TryGetValue(id, out var known))
        {
            truth[id] = Record(value) with { Hash = id };
            return new MainDataRecord { Torrents = new() { [id] = truth[id] with { } } };
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
