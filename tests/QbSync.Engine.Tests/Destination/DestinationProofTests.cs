using System.Diagnostics;
using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Storage.Inspection;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Engine.Tests.Destination;

/// <summary>Proofs over a real disk: what changed after the seal is noticed, named, and read again.</summary>
public sealed class DestinationProofTests
{
    private static BuiltTorrent Torrent => DestinationSyncTests.Multi;

    private static readonly InitRequest Init = DestinationRig.MakeInit(Torrent);

    [Test]
    public async Task Prove_OfUntouchedFiles_IsTheSealedProof()
    {
        await using var rig = await CompleteAsync();
        var proof = ((ProveOutcome.Proven)await rig.ProveAsync(Torrent, Init)).Proof;
        var bytes = Torrent.Manifest.Files.Sum(static file => file.Length);
        Assert.That((proof.SelectedBytes, proof.BytesReadBack), Is.EqualTo((bytes, bytes)));
        Assert.That(proof.ManifestDigest.ToArray(), Is.EqualTo(Torrent.Manifest.InfoDigest.ToArray()));
        Assert.That(proof.Client.State, Is.EqualTo(ClientTorrentState.StoppedUp));
    }

    [TestCase("truncated")]
    [TestCase("replaced")]
    [TestCase("touched")]
    [TestCase("overwritten")]
    [DestinationCase(104)]
    public async Task File_ChangedAfterComplete_IsNamedReadAgainAndOnlyBadPiecesAreNeeded(string how)
    {
        await using var rig = await CompleteAsync();
        var before = ((ProveOutcome.Proven)await rig.ProveAsync(Torrent, Init)).Proof;
        Change(Path.Combine(rig.Data, "album", "two.flac"), how);
        var refused = (ProveOutcome.Refused)await rig.ProveAsync(Torrent, Init, nonce: 2);
        Assert.That(refused.Refusal.Reason, Is.EqualTo(RefusalReason.Incomplete));
        Assert.That(refused.Refusal.Detail, Does.Contain("two.flac"));

        await rig.DriveAsync(() => rig.Logs.Entries.Any(static entry => entry.Id.Name == "ReadsAgain"));
        Assert.That((await rig.ProveAsync(Torrent, Init, nonce: 3)).Reason(), Is.EqualTo(RefusalReason.Incomplete));
        var finalize = DestinationRig.MakeFinalize(Init, Torrent);
        var outcome = await rig.FinalizeAsync(finalize);
        if (how is "touched" or "replaced")
        {
            Assert.That(outcome, Is.TypeOf<FinalizeOutcome.Complete>());
        }
        else
        {
            var incomplete = (FinalizeOutcome.Incomplete)outcome;
            Assert.That(incomplete.Have.Count, Is.InRange(1, Torrent.Manifest.PieceCount - 1));
            await rig.SendAsync(Torrent, (InitOutcome.Open)await rig.InitAsync(Init), Init);
            Assert.That(await rig.FinalizeAsync(finalize), Is.TypeOf<FinalizeOutcome.Complete>());
        }

        Assert.That(Torrent.FindDifference(rig.Data), Is.Null);
        var after = ((ProveOutcome.Proven)await rig.ProveAsync(Torrent, Init, nonce: 4)).Proof;
        Assert.That(after.ProofId.ToArray(), Is.Not.EqualTo(before.ProofId.ToArray()));
    }

    [Test]
    [HostCase(38)]
    public async Task Prove_AfterABadCheck_IsRefusedUntilACheckIsGood()
    {
        await using var rig = await CompleteAsync();
        var (torrents, verdicts) = (new StoredTorrents(rig.State, rig.Data), new CheckVerdicts(rig.State));
        var check = new ContentCheck(TimeProvider.System);
        var file = Path.Combine(rig.Data, "album", "two.flac");
        await FlipAsync(file);
        var found = await check.RunAsync(torrents.Find(Torrent.Id)!.Content, default).DefaultTimeout();
        Assert.That(found.Single(static one => one.Path == "album/two.flac").Mark, Is.EqualTo(FileMark.Bad));
        verdicts.Condemn(Torrent.Id, rig.Time.GetUtcNow(), found);

        var refused = (ProveOutcome.Refused)await rig.ProveAsync(Torrent, Init, nonce: 2);
        Assert.That(refused.Refusal.Reason, Is.EqualTo(RefusalReason.StorageError));
        Assert.That(refused.Refusal.Detail, Does.Contain("qbsync check"));

        await FlipAsync(file);
        found = await check.RunAsync(torrents.Find(Torrent.Id)!.Content, default).DefaultTimeout();
        Assert.That(found.Select(static one => one.Mark), Has.All.EqualTo(FileMark.Good));
        Assert.That(verdicts.Acquit(Torrent.Id), Is.True);
        Assert.That(await rig.ProveAsync(Torrent, Init, nonce: 3), Is.TypeOf<ProveOutcome.Proven>());
    }

    /// <summary>As a disk does that forgets: nothing but the content tells, to the last nanosecond.</summary>
    private static async Task FlipAsync(string path)
    {
        var times = path + ".times";
        await File.WriteAllTextAsync(times, "");
        await TouchAsync(path, times);
        using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite))
        {
            var one = new byte[1];
            RandomAccess.Read(file, one, 10);
            one[0] ^= 1;
            RandomAccess.Write(file, one, 10);
        }

        await TouchAsync(times, path);
        File.Delete(times);

        static async Task TouchAsync(string from, string to)
        {
            using var touch = Process.Start("touch", ["-r", from, to]);
            await touch.WaitForExitAsync().DefaultTimeout();
            Assert.That(touch.ExitCode, Is.Zero);
        }
    }

    /// <summary>Replaced by a file with the same bytes, touched: all is there. Truncated or overwritten: pieces are bad.</summary>
    private static void Change(string path, string how)
    {
        switch (how)
        {
            case "truncated":
                using (var file = new FileStream(path, FileMode.Open, FileAccess.Write))
                {
                    file.SetLength(file.Length / 2);
                }

                break;
            case "replaced":
                File.Copy(path, path + ".new");
                File.Move(path + ".new", path, overwrite: true);
                break;
            case "touched":
                File.SetLastWriteTimeUtc(path, new DateTime(2030, 1, 1, 0, 0, 0, DateTimeKind.Utc));
                break;
            default:
                using (var file = new FileStream(path, FileMode.Open, FileAccess.Write))
                {
                    file.Position = 1000;
                    file.WriteByte(0);
                    file.WriteByte(1);
                    file.WriteByte(2);
                }

                break;
        }
    }

    private static async Task<DiskRig> CompleteAsync()
    {
        var rig = new DiskRig();
        await rig.SendAsync(Torrent, (InitOutcome.Open)await rig.InitAsync(Init), Init);
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(Init, Torrent)), Is.TypeOf<FinalizeOutcome.Complete>());
        return rig;
    }
}
