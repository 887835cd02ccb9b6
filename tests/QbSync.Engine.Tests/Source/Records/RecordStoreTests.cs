using Microsoft.Extensions.Logging;
using QbSync.Engine.Source;
using QbSync.Engine.Source.Records;
using QbSync.Storage.State;
using QbSync.Testing.Logging;
using QbSync.Testing.Machine;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source.Records;

/// <summary>Records as files: what is damaged costs its torrent a question, and a newer version's folder is left as it is.</summary>
[TestFixture]
[SourceCase(82)]
internal sealed class RecordStoreTests
{
    private static readonly DateTimeOffset Then = new(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(1));

    [Test]
    public async Task Record_WrittenAndReadBack_IsTheSameInEveryField()
    {
        using var folder = new TempDirectory();
        using var log = new LogErrorGuard();
        var written = Make('a');
        await using (var records = new DurableRecords(folder["state"], log))
        {
            await new RecordStore(records, log.CreateLogger<RecordStore>()).SaveAsync(written, default);
        }

        await using var again = new DurableRecords(folder["state"], log);
        var store = new RecordStore(again, log.CreateLogger<RecordStore>());
        var read = (await store.LoadAsync(await store.LoadLedgerAsync(default), default)).Single();
        Assert.That(System.Text.Json.JsonSerializer.Serialize(read, RecordJsonContext.Default.TorrentRecord), Is.EqualTo(
            System.Text.Json.JsonSerializer.Serialize(written, RecordJsonContext.Default.TorrentRecord)));
        Assert.That(read.Completion!.ManifestDigest, Is.EqualTo(new byte[] { 7, 8 }));
        Assert.That(read.Strikes, Is.EqualTo(new[] { Then, Then.AddMinutes(1) }));
    }

    [TestCase("truncated")]
    [TestCase("garbage")]
    [TestCase("empty")]
    [TestCase("cut json")]
    [TestCase("null fields")]
    [TestCase("unknown state")]
    [TestCase("of another torrent")]
    public async Task Record_Damaged_IsSetAsideAndTheRestLoads(string how)
    {
        using var folder = new TempDirectory();
        using var log = new LogErrorGuard();
        var bad = Make('b');
        await using (var records = new DurableRecords(folder["state"], log))
        {
            var store = new RecordStore(records, log.CreateLogger<RecordStore>());
            await store.SaveAsync(Make('a'), default);
            await store.SaveAsync(bad, default);
            var json = System.Text.Json.JsonSerializer.Serialize(bad, RecordJsonContext.Default.TorrentRecord);
            var instead = how switch
            {
                "cut json" => json[..^20],
                "null fields" => json.Replace("\"Tags\": [", "\"Tags\": null, \"x\": [", StringComparison.Ordinal),
                "unknown state" => json.Replace("\"Synced\"", "77", StringComparison.Ordinal),
                "of another torrent" => json.Replace(bad.Id, Make('c').Id, StringComparison.Ordinal),
                _ => null,
            };
            if (instead is not null)
            {
                Assert.That(instead, Is.Not.EqualTo(json));
                await records.WriteAsync($"torrents/{bad.Id}.json", System.Text.Encoding.UTF8.GetBytes(instead), default);
            }
        }

        var path = Path.Combine(folder["state"], "torrents", $"{bad.Id}.json.rec");
        var bytes = await File.ReadAllBytesAsync(path);
        await File.WriteAllBytesAsync(path, how switch
        {
            "truncated" => bytes[..(bytes.Length / 2)],
            "garbage" => [.. bytes.Select(static b => (byte)(b ^ 0x5a))],
            "empty" => [],
            _ => bytes,
        });

        await using var again = new DurableRecords(folder["state"], log);
        var reading = new RecordStore(again, log.CreateLogger<RecordStore>());
        var read = await reading.LoadAsync(await reading.LoadLedgerAsync(default), default);

        Assert.That(read.Select(static record => record.Id), Is.EqualTo(new[] { Make('a').Id }));
        Assert.That(File.Exists(path), Is.False);
        Assert.That(File.Exists(path + ".bad"), Is.True);
        Assert.That(log.Entries.Any(static entry => entry.Level >= LogLevel.Warning), Is.True);
        Assert.That(await reading.LoadAsync(await reading.LoadLedgerAsync(default), default), Has.Count.EqualTo(1), "it stays absent");
    }

    [Test]
    public async Task Record_OfANewerVersion_IsRefusedAndNoFileIsTouched()
    {
        using var folder = new TempDirectory();
        using var log = new LogErrorGuard();
        await using (var records = new DurableRecords(folder["state"], log))
        {
            var store = new RecordStore(records, log.CreateLogger<RecordStore>());
            await store.SaveAsync(Make('a') with { Version = TorrentRecord.CurrentVersion + 1 }, default);
            await records.WriteAsync($"torrents/{Make('b').Id}.json", "{"u8.ToArray(), default);
        }

        var before = Picture(folder["state"]);
        await using var again = new DurableRecords(folder["state"], log);
        var reading = new RecordStore(again, log.CreateLogger<RecordStore>());
        var ledger = await reading.LoadLedgerAsync(default);

        Assert.That(
            async () => await reading.LoadAsync(ledger, default), Throws.InstanceOf<StorageException>().With.Property("Fault").EqualTo(StorageFault.NewerState));
        Assert.That(Picture(folder["state"]), Is.EqualTo(before), "not even the damaged one beside it");
    }

    [Test]
    public async Task ReadOnlyRecords_OverAFolderThatIsHeld_ReadAndChangeNothing()
    {
        using var folder = new TempDirectory();
        using var log = new LogErrorGuard();
        await using var records = new DurableRecords(folder["state"], log);
        var store = new RecordStore(records, log.CreateLogger<RecordStore>());
        await store.SaveAsync(Make('a'), default);
        await records.WriteAsync($"torrents/{Make('b').Id}.json", "{"u8.ToArray(), default);
        var before = Picture(folder["state"]);

        var only = new ReadOnlyRecords(folder["state"]);
        var reading = new RecordStore(only, log.CreateLogger<RecordStore>());
        Assert.That(await reading.LoadAsync(await reading.LoadLedgerAsync(default), default), Has.Count.EqualTo(1));
        await reading.SaveAsync(Make('d'), default);
        await reading.RemoveAsync(Torrents.InfoHash.Parse(Make('a').Id), default);
        Assert.That((await reading.LoadAsync(await reading.LoadLedgerAsync(default), default)).Single().Id, Is.EqualTo(Make('d').Id), "what is written stays in memory");
        Assert.That(Picture(folder["state"]), Is.EqualTo(before));

        var absent = new ReadOnlyRecords(folder["nothing"]);
        Assert.That(await absent.ListAsync("", default), Is.Empty);
        Assert.That(await absent.ReadAsync("source-id", default), Is.Null);
        Assert.That(Directory.Exists(folder["nothing"]), Is.False);
    }

    private static string[] Picture(string folder) =>
    [
        .. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(static path => $"{path} {(path.EndsWith("lock", StringComparison.Ordinal) ? "" : Convert.ToHexString(File.ReadAllBytes(path)))}"),
    ];

    private static TorrentRecord Make(char digit) => new()
    {
        Id = new string(digit, 40),
        ClientId = "client",
        Name = "film",
        State = TorrentSyncState.Synced,
        Strikes = [Then, Then.AddMinutes(1)],
        FirstSeen = Then,
        OpenedThere = true,
        AllArrived = true,
        FailedTagWasSeen = true,
        Reason = "why",
        FailedAt = Then,
        Finalize = new FinalizeRecord
        {
            Fingerprint = [1, 2],
            Category = "films",
            Tags = ["x", "y"],
            AddedAt = Then,
            CompletedAt = Then,
            RatioLimit = 1.5,
            SeedingLimit = 60,
            InactiveLimit = -1,
        },
        Completion = new CompletionRecord
        {
            V1 = new string(digit, 40),
            ManifestDigest = [7, 8],
            Adopted = true,
            Selection = [128],
            SelectedBytes = 7,
            ClientSelectedSize = 8,
            ProofId = [3],
            CompletedAt = Then,
            SyncedAt = Then,
            ValidatedAt = Then,
        },
    };
}
