using Microsoft.Extensions.Logging;
using QbSync.Ports;
using QbSync.QBittorrent.Adapters;
using QbSync.QBittorrent.Models;
using QbSync.Testing.Logging;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.QBittorrent.Tests.Adapters;

internal sealed class StatusMapperTests
{
    private static readonly string V1 = new('a', 40), V2 = new('b', 64);

    [ClientCase(18)]
    [TestCase("uploading stalledUP forcedUP", TorrentSide.Seeding, true, false, false)]
    [TestCase("queuedUP", TorrentSide.Seeding, false, false, false)]
    [TestCase("pausedUP stoppedUP", TorrentSide.Seeding, false, true, false)]
    [TestCase("downloading stalledDL forcedDL metaDL forcedMetaDL allocating", TorrentSide.Downloading, true, false, false)]
    [TestCase("queuedDL", TorrentSide.Downloading, false, false, false)]
    [TestCase("pausedDL stoppedDL", TorrentSide.Downloading, false, true, false)]
    [TestCase("checkingUP checkingDL checkingResumeData", TorrentSide.None, false, false, true)]
    [TestCase("moving missingFiles error unknown brandNewUP", TorrentSide.None, false, false, false)]
    [SourceCase(11)]
    public void Word_OfEitherGeneration_HasItsSideAndFlags(string words, TorrentSide side, bool active, bool stopped, bool checking)
    {
        var mapper = new StatusMapper(new LogErrorGuard().CreateLogger("x"));
        foreach (var word in words.Split(' '))
        {
            var status = mapper.Map(new TorrentRecord { Hash = V1, State = word });
            Assert.That((status.Side, status.State.IsActive(), status.State.IsStopped(), status.State.IsChecking()), Is.EqualTo((side, active, stopped, checking)), word);
            Assert.That(status.RawState, Is.EqualTo(word));
        }
    }

    [Test, ClientCase(18)]
    [SourceCase(11)]
    public void Word_New_IsWarnedOfOnce()
    {
        var log = new LogErrorGuard();
        var mapper = new StatusMapper(log.CreateLogger("x"));
        foreach (var word in new[] { "brandNewUP", "brandNewUP", "other", "stalledUP" })
        {
            mapper.Map(new TorrentRecord { Hash = V1, State = word });
        }

        Assert.That(log.Entries.Count(static entry => entry.Level == LogLevel.Warning), Is.EqualTo(2));
    }

    [Test]
    public void Hashes_BeforeAndAfter44_AreTheTorrents()
    {
        var mapper = new StatusMapper(new LogErrorGuard().CreateLogger("x"));
        var old = mapper.Map(new TorrentRecord { Hash = V1 });
        var hybrid = mapper.Map(new TorrentRecord { Hash = V2[..40], InfoHashV1 = V1, InfoHashV2 = V2 });
        var second = mapper.Map(new TorrentRecord { Hash = V2[..40], InfoHashV1 = "", InfoHashV2 = V2 });
        Assert.That((old.V1, old.V2), Is.EqualTo((InfoHash.Parse(V1), InfoHash.None)));
        Assert.That((hybrid.Id.Value, hybrid.V1, hybrid.V2), Is.EqualTo((V2[..40], InfoHash.Parse(V1), InfoHash.Parse(V2))));
        Assert.That((second.V1, second.V2), Is.EqualTo((InfoHash.None, InfoHash.Parse(V2))));
    }

    [Test]
    [SourceCase(19)]
    public void Fields_WithValuesThatMeanNothing_AreNull()
    {
        var mapper = new StatusMapper(new LogErrorGuard().CreateLogger("x"));
        var status = mapper.Map(new TorrentRecord { Hash = V1, CompletionOn = -1, AddedOn = 0, SeedingTime = long.MaxValue, Tags = " a, b ,,a" });
        Assert.That((status.CompletedAt, status.AddedAt, status.SeedingTime), Is.EqualTo(((DateTimeOffset?)null, (DateTimeOffset?)null, (TimeSpan?)null)));
        Assert.That(status.Tags, Is.EquivalentTo(new[] { "a", "b" }));
        Assert.That(mapper.Map(new TorrentRecord { Hash = V1, CompletionOn = long.MaxValue }).CompletedAt, Is.Null);
    }

    [TestCase(true, "pausedDL", 5, true)]
    [TestCase(false, "pausedDL", 5, false)]
    [TestCase(null, "pausedDL", 5, true)]
    [TestCase(null, "pausedDL", -1, false)]
    [TestCase(null, "pausedDL", 0, false)]
    [TestCase(null, "metaDL", 5, false)]
    [ClientCase(20)]
    [SourceCase(12)]
    public void Metadata_ByFieldWordOrSize_IsKnown(bool? told, string state, long size, bool expected)
    {
        var mapper = new StatusMapper(new LogErrorGuard().CreateLogger("x"));
        Assert.That(mapper.Map(new TorrentRecord { Hash = V1, HasMetadata = told, State = state, TotalSize = size }).HasMetadata, Is.EqualTo(expected));
    }

    [Test]
    public void Map_EqualRecord_GivesTheKnownObject()
    {
        var mapper = new StatusMapper(new LogErrorGuard().CreateLogger("x"));
        var known = mapper.Map(new TorrentRecord { Hash = V1, Tags = "a, b", Progress = 0.5 });
        Assert.That(mapper.Map(new TorrentRecord { Hash = V1, Tags = "a, b", Progress = 0.5 }, known), Is.SameAs(known));
        Assert.That(mapper.Map(new TorrentRecord { Hash = V1, Tags = "a", Progress = 0.5 }, known), Is.Not.SameAs(known));
    }

    [TestCase(-2.0, ShareLimitKind.Global)]
    [TestCase(null, ShareLimitKind.Global)]
    [TestCase(-7.0, ShareLimitKind.Global)]
    [TestCase(-1.0, ShareLimitKind.Unlimited)]
    [TestCase(0.0, ShareLimitKind.Value)]
    [TestCase(2.5, ShareLimitKind.Value)]
    public void Limit_OfEachKind_IsRead(double? told, ShareLimitKind expected)
    {
        var mapper = new StatusMapper(new LogErrorGuard().CreateLogger("x"));
        var limits = mapper.Map(new TorrentRecord { Hash = V1, RatioLimit = told, SeedingTimeLimit = told, InactiveSeedingTimeLimit = told }).Limits;
        Assert.That((limits.Ratio.Kind, limits.SeedingMinutes.Kind, limits.InactiveMinutes.Kind), Is.EqualTo((expected, expected, expected)));
        Assert.That(limits.Ratio.Value, Is.EqualTo(expected == ShareLimitKind.Value ? told : 0));
    }

    [Test]
    public void Peers_NotCounted_AreNull()
    {
        var mapper = new StatusMapper(new LogErrorGuard().CreateLogger("x"));
        var status = mapper.Map(new TorrentRecord { Hash = V1, NumComplete = -1, NumIncomplete = 3, AutoTmm = true });
        Assert.That((status.Seeds, status.Leechers, status.IsManagedByCategory), Is.EqualTo(((int?)null, (int?)3, true)));
    }
}
