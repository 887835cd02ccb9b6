using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Tests.Ports;

public sealed class ClientTorrentStatesTests
{
    [Test]
    public void GetSide_EveryState_SeedingOnlyForTheFiveWords([Values] ClientTorrentState state)
    {
        ClientTorrentState[] seeding =
        [
            ClientTorrentState.Uploading, ClientTorrentState.StalledUp, ClientTorrentState.ForcedUp, ClientTorrentState.QueuedUp, ClientTorrentState.StoppedUp,
        ];
        Assert.That(state.GetSide() == TorrentSide.Seeding, Is.EqualTo(seeding.Contains(state)));
    }

    [TestCase(ClientTorrentState.StoppedUp, 1.0, 0, true)]
    [TestCase(ClientTorrentState.StoppedUp, 1.0, 1, false)]
    [TestCase(ClientTorrentState.StoppedUp, 0.999, 0, false)]
    [TestCase(ClientTorrentState.CheckingUp, 1.0, 0, false)]
    [TestCase(ClientTorrentState.StoppedDl, 1.0, 0, false)]
    [TestCase(ClientTorrentState.MissingFiles, 1.0, 0, false)]
    [TestCase(ClientTorrentState.Unknown, 1.0, 0, false)]
    public void IsComplete_NeedsSideProgressAndNothingLeft(ClientTorrentState state, double progress, long left, bool expected) => Assert.That(
        new TorrentStatus { Id = new ClientTorrentId("x"), Name = "x", State = state, Progress = progress, AmountLeft = left }.IsComplete,
        Is.EqualTo(expected));
}
