using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Storage.Tests.IO;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Pieces;

public sealed class TorrentStorageSealingTests
{
    private static readonly BuiltTorrent Torrent = new TorrentBuilder("t") { PieceLength = 16384 }.AddFile("a", 40_000).AddFile("b/c", 30_000).AddFile("e", 0).Build();

    [Test]
    public async Task CompleteTorrent_Sealed_HasAProofThatAnybodyCanCheck()
    {
        await using var rig = new StoreRig();
        var storage = await rig.StartAndOpenAsync(Torrent);
        StoreRig.SendAll(storage, Torrent);
        await StoreRig.FinishAsync(storage);
        var proof = await storage.SealAsync(Request(rig), default).AsTask().DefaultTimeout();
        Assert.That(storage.Phase, Is.EqualTo(StoredPhase.Complete));
        Assert.That(proof!.BytesReadBack, Is.EqualTo(70_000));
        Assert.That(proof.ManifestDigest.ToArray(), Is.EqualTo(Torrent.Manifest.InfoDigest.ToArray()));

        var text = await File.ReadAllTextAsync(ProofPath(rig));
        var last = text.TrimEnd('\n').LastIndexOf('\n') + 1;
        Assert.That(text[last..].Trim(), Is.EqualTo(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text[..last])))));
        Assert.That(proof.Id.ToArray(), Is.EqualTo(Convert.FromHexString(text[last..].Trim())));
        using var json = JsonDocument.Parse(text[..last]);
        var file = json.RootElement.GetProperty("files")[1];
        Assert.That(file.GetProperty("path").GetString(), Is.EqualTo("t/b/c"));
        Assert.That(file.GetProperty("size").GetInt64(), Is.EqualTo(30_000));
        Assert.That(file.GetProperty("readBackAt").GetDateTimeOffset(), Is.EqualTo(rig.Time.GetUtcNow()).Within(TimeSpan.FromSeconds(1)));
        Assert.That(json.RootElement.GetProperty("client").GetProperty("state").GetString(), Is.EqualTo("StoppedUp"));

        var found = (await rig.RestartAsync()).Single();
        Assert.That(found.Phase, Is.EqualTo(StoredPhase.Complete));
        Assert.That((await found.ReadProofAsync(default))!.Id.ToArray(), Is.EqualTo(proof.Id.ToArray()));
    }

    [Test]
    public async Task FileChangedBeforeTheSeal_NothingIsSealed()
    {
        await using var rig = new StoreRig();
        var storage = await rig.StartAndOpenAsync(Torrent);
        StoreRig.SendAll(storage, Torrent);
        await StoreRig.FinishAsync(storage);
        File.SetLastWriteTimeUtc(Path.Combine(rig.Data, "t", "a"), new DateTime(2001, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.That(await storage.SealAsync(Request(rig), default), Is.Null);
        Assert.That(storage.Phase, Is.Not.EqualTo(StoredPhase.Complete));
        Assert.That(await storage.CheckPublishedAsync(default), Is.EqualTo(new[] { 0 }));
        Assert.That(await storage.ReadProofAsync(default), Is.Null);
    }

    [TestCase("CreateFile", ".tmp-proof")]
    [TestCase("Sync", ".tmp-proof")]
    [TestCase("RenameOver", "proof")]
    [DestinationCase(69)]
    public async Task ProofCannotBeWritten_IsNotComplete_AndIsSealedLater(string operation, string name)
    {
        await using var rig = new StoreRig();
        var storage = await rig.StartAndOpenAsync(Torrent);
        StoreRig.SendAll(storage, Torrent);
        await StoreRig.FinishAsync(storage);
        rig.Files.Fault = call => call.Operation == operation && call.Name == name ? FaultyFileSystem.InputOutput : null;
        Assert.That(async () => await storage.SealAsync(Request(rig), default), Throws.TypeOf<StorageException>());
        Assert.That(storage.Phase, Is.Not.EqualTo(StoredPhase.Complete));
        Assert.That(await rig.ReadMetricAsync("qbsync_state_save_errors_total"), Is.EqualTo(1));
        rig.Files.Fault = null;
        Assert.That(await storage.SealAsync(Request(rig), default), Is.Not.Null);
    }

    [TestCase(0)]
    [TestCase(70)]
    [TestCase(-3)]
    public async Task DamagedProof_IsNone(int where)
    {
        await using var rig = new StoreRig();
        var storage = await rig.StartAndOpenAsync(Torrent);
        StoreRig.SendAll(storage, Torrent);
        await StoreRig.FinishAsync(storage);
        await storage.SealAsync(Request(rig), default);
        var bytes = await File.ReadAllBytesAsync(ProofPath(rig));
        bytes[where < 0 ? bytes.Length + where : where] ^= 1;
        await File.WriteAllBytesAsync(ProofPath(rig), bytes);
        Assert.That(await storage.ReadProofAsync(default), Is.Null);
    }

    private static string ProofPath(StoreRig rig) => Path.Combine(rig.State, "torrents", Torrent.Manifest.Id.ToString(), "proof");

    private static SealRequest Request(StoreRig rig) =>
        new("nas", "qBittorrent 5.1", "id", new ClientView(ClientTorrentState.StoppedUp, 1, 0, rig.Time.GetUtcNow()));
}
