using QbSync.Engine.Source.Handoff;
using QbSync.Engine.Source.Planning;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.Planning;

/// <summary>The conditions that are shown are those that decide: whatever decides against is among them, and nothing else is.</summary>
[HostCase(40)]
internal sealed class PlanConditionsTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Test]
    public void HandoffConditions_OfAnyTorrent_AreAllMetExactlyWhenNothingRefuses()
    {
        var random = new Random(1);
        for (var i = 0; i < 2000; i++)
        {
            var status = Status(random);
            var options = new SourceOptions
            {
                Data = "/data",
                ExcludeSyncTag = random.Next(2) == 0 ? "a" : "",
                Handoff = new HandoffOptions
                {
                    Mode = (HandoffMode)random.Next(3),
                    ExcludeCleanupTag = random.Next(2) == 0 ? "b" : "",
                    MinSeedingTime = TimeSpan.FromHours(random.Next(3)),
                },
            };
            var refusal = HandoffRules.FindRefusal(status, HandoffCause.Pressure, options, Now);
            Assert.That(HandoffRules.Conditions(status, options, Now).All(static one => one.IsMet == true), Is.EqualTo(refusal is null), refusal);
        }
    }

    [Test]
    public void FilterConditions_OfAnyTorrent_AreAllMetExactlyWhenNothingRefuses()
    {
        var random = new Random(2);
        for (var i = 0; i < 2000; i++)
        {
            var status = Status(random);
            var filter = new SyncFilter(new SyncFilterOptions
            {
                ExcludeCategories = Some("films"),
                ExcludeTags = Some("a"),
                ExcludeTrackers = Some("bad.example"),
                IncludeCategories = Some("films", "books"),
                IncludeTags = Some("a", "b"),
                IncludeTrackers = Some("*.example"),
                MinSize = random.Next(2) * 50,
                MaxSize = random.Next(2) * 50,
                PrivateTorrents = (PrivateTorrents)random.Next(2),
            });
            var traits = random.Next(4) == 0 ? null : new TorrentTraits(random.Next(2) == 0, random.Next(2) == 0 ? ["bad.example"] : ["tracker.example"]);
            var verdict = filter.Judge(status, traits);
            var conditions = filter.Conditions(status, traits).ToArray();
            Assert.That(conditions.Any(static one => one.IsMet == false), Is.EqualTo(verdict.IsRefused), verdict.Refusal);
            Assert.That(!verdict.IsRefused && conditions.Any(static one => one.IsMet is null), Is.EqualTo(verdict.NeedsTraits));
        }

        IReadOnlyList<string> Some(params string[] all) => random.Next(3) == 0 ? all : [];
    }

    private static TorrentStatus Status(Random random)
    {
        var states = Enum.GetValues<ClientTorrentState>();
        var isComplete = random.Next(3) > 0;
        return new TorrentStatus
        {
            Id = new ClientTorrentId("x"),
            V1 = InfoHash.Parse(new string('a', 40)),
            Name = "x",
            State = isComplete ? ClientTorrentState.StalledUp : states[random.Next(states.Length)],
            Progress = isComplete ? 1 : 0.5,
            AmountLeft = isComplete ? 0 : 10,
            SelectedSize = random.Next(100),
            HasMetadata = true,
            Category = random.Next(3) switch { 0 => "films", 1 => "books", _ => "" },
            Tags = new HashSet<string>(((string[])["a", "b"]).Where(_ => random.Next(4) == 0)),
            SavePath = "/downloads",
            SeedingTime = random.Next(2) == 0 ? TimeSpan.FromMinutes(random.Next(200)) : null,
            CompletedAt = random.Next(2) == 0 ? Now.AddMinutes(-random.Next(200)) : null,
        };
    }
}
