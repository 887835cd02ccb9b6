using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Storage.State;
using QbSync.Storage.Tests.Pieces;
using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Storage.Tests.State;

public sealed class SessionRecordsTests
{
    private static readonly BuiltTorrent Torrent = new TorrentBuilder("t") { PieceLength = 16384 }.AddFile("a", 40_000).AddFile("b", 30_000).AddFile("c", 0).Build();

    [Test]
    public async Task EverythingAboutASession_Restart_IsAsItWas()
    {
        await using var rig = new StoreRig();
        var opened = await rig.StartAndOpenAsync(Torrent);
        FileIdentity?[] identities = [new FileIdentity(1, 2, 40_000, 3), null, new FileIdentity(ulong.MaxValue, 5, 0, 6)];
        await opened.SetIdentitiesAsync(identities, new byte[32], default);
        await opened.SetUncontactedAsync(TimeSpan.FromHours(5), default);
        await opened.SetPhaseAsync(StoredPhase.AddIntent, null, default);
        await opened.SetPhaseAsync(StoredPhase.HandedOff, null, default);

        var found = (await rig.CrashAndStartAsync()).Single();
        Assert.That(found.Request.Identities, Is.EqualTo(identities));
        Assert.That(found.Uncontacted, Is.EqualTo(TimeSpan.FromHours(5)));
        Assert.That(found.AddedByUs, Is.True);
        Assert.That(found.Phase, Is.EqualTo(StoredPhase.HandedOff));
    }

    [Test]
    public async Task AddedByUs_TakenBack_StaysSo()
    {
        await using var rig = new StoreRig();
        var opened = await rig.StartAndOpenAsync(Torrent);
        await opened.SetPhaseAsync(StoredPhase.AddIntent, null, default);
        await opened.SetAddedByUsAsync(false, default);
        Assert.That((await rig.RestartAsync()).Single().AddedByUs, Is.False);
    }

    [Test]
    public void Snapshot_OfEveryRecord_ReadsAsTheSameState()
    {
        var request = StoreRig.Request(Torrent) with { Identities = [null, new FileIdentity(1, 2, 3, 4), null], FilesDigest = new byte[] { 7, 8 } };
        var next = request with { Place = new Place("r", ["x", "y"], ContentLayout.Subfolder), FileNames = [["n", "1"], ["2"], ["t", "c"]] };
        var pieces = new PieceBitmap(Torrent.Manifest.PieceCount);
        pieces.Set(1);
        var batch = new RecordBatch();
        batch.AddRequest(request);
        batch.AddFolder(["d"]);
        batch.AddFile(RecordType.FileState, 0, new FileRecord(OwnKind.Published, 1, 2, 3, 4));
        batch.AddUnpublishing(0);
        batch.AddLinking(1, new FileRecord(OwnKind.Linked, 5, 6, 7, 8));
        batch.AddMoving(next);
        batch.AddPieces(RecordType.PiecesHeld, pieces);
        batch.AddPieces(RecordType.PiecesVerified, pieces);
        batch.AddContact(TimeSpan.FromMinutes(3));
        batch.AddAddedByUs(true);
        batch.AddPhase(StoredPhase.StartIntent, null);
        var state = Replay(Replay(batch), request);

        Assert.That(state.Identities, Is.EqualTo(request.Identities));
        Assert.That(state.FilesDigest.ToArray(), Is.EqualTo(new byte[] { 7, 8 }));
        Assert.That(state.Unpublishing, Is.EqualTo(new[] { 0 }));
        Assert.That(state.Linking[1], Is.EqualTo(new FileRecord(OwnKind.Linked, 5, 6, 7, 8)));
        Assert.That((state.Uncontacted, state.AddedByUs, state.Phase), Is.EqualTo((TimeSpan.FromMinutes(3), true, StoredPhase.StartIntent)));
        Assert.That((state.Held.Count, state.Verified.Count, state.Folders.Count), Is.EqualTo((1, 1, 1)));
        Assert.That(state.Place!.SubPath, Is.Empty);
        Assert.That(state.Moving!.Place.SubPath, Is.EqualTo(next.Place.SubPath));
        Assert.That(Enumerable.Range(0, 3).Select(state.Moving.GetName), Is.EqualTo(next.FileNames));
        Assert.That(Enumerable.Range(0, 3).Select(state.GetName), Is.EqualTo(request.FileNames));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Moved_EndsTheMove_HereOrThere(bool arrived)
    {
        var request = StoreRig.Request(Torrent);
        var next = request with { Place = new Place("", ["there"], ContentLayout.Original), FileNames = [["n"], ["t", "b"], ["t", "c"]] };
        var batch = new RecordBatch();
        batch.AddRequest(request);
        batch.AddMoving(next);
        batch.AddMoved(arrived);
        batch.AddFile(RecordType.FileState, 1, FileRecord.None);
        var state = Replay(batch);
        Assert.That(state.Moving, Is.Null);
        Assert.That(state.Place!.SubPath, Is.EqualTo((arrived ? next : request).Place.SubPath));
        Assert.That(state.GetName(0), Is.EqualTo((arrived ? next : request).FileNames[0]));
    }

    private static SessionState Replay(SessionState state, StoreRequest request) => Replay(SessionRecords.Snapshot(state, request));

    private static SessionState Replay(RecordBatch batch)
    {
        var state = new SessionState(Torrent.Manifest);
        for (var i = 0; i < batch.Count; i++)
        {
            Assert.That(state.Apply(batch[i].Type, batch[i].Payload.Span), Is.True, $"{batch[i].Type}");
        }

        return state;
    }
}
