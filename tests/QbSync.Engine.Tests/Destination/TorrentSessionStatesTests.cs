using QbSync.Engine.Destination;
using S = QbSync.Engine.Destination.TorrentSessionState;

namespace QbSync.Engine.Tests.Destination;

public sealed class TorrentSessionStatesTests
{
    private static readonly (S From, S To)[] Legal =
    [
        (S.Absent, S.Opening), (S.Opening, S.Receiving), (S.Opening, S.Absent),
        (S.Receiving, S.Finalizing), (S.Finalizing, S.Receiving), (S.Finalizing, S.Complete),
        (S.Receiving, S.Failed), (S.Finalizing, S.Failed),
        (S.Complete, S.HandedOff), (S.HandedOff, S.Complete), (S.Complete, S.Receiving),
        (S.Failed, S.Receiving),
        (S.Receiving, S.Aborting), (S.Failed, S.Aborting), (S.Finalizing, S.Aborting), (S.Aborting, S.Absent),
        (S.Complete, S.Absent), (S.HandedOff, S.Absent),
    ];

    [Test]
    public void CanBecome_EveryPair_OnlyThoseOfTheTable()
    {
        foreach (var from in Enum.GetValues<S>())
        {
            foreach (var to in Enum.GetValues<S>())
            {
                Assert.That(from.CanBecome(to), Is.EqualTo(Legal.Contains((from, to))), $"{from} to {to}");
            }
        }
    }

    [Test]
    public void Numbers_OfTheSession_AreThoseOfTheWire()
    {
        foreach (var state in Enum.GetValues<S>())
        {
            Assert.That(((Ports.DestinationTorrentState)(int)state).ToString(), Is.EqualTo(state.ToString()));
        }
    }
}
