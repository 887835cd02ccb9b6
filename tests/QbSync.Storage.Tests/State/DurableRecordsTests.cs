using QbSync.Storage.State;
using QbSync.Testing.Logging;
using QbSync.Testing.Machine;
using QbSync.Testing.Metrics;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.State;

[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class DurableRecordsTests
{
    private TempDirectory _folder = null!;
    private LogErrorGuard _logs = null!;

    [SetUp]
    public void SetUp()
    {
        _folder = new TempDirectory();
        _logs = new LogErrorGuard();
    }

    [TearDown]
    public void TearDown()
    {
        _folder.Dispose();
        _logs.Verify();
        _logs.Dispose();
    }

    [Test]
    public async Task ARecord_SurvivesReopening_AndReplacing()
    {
        await using (var records = Open())
        {
            Assert.That(await records.ReadAsync("torrents/ab12", default), Is.Null);
            await records.WriteAsync("torrents/ab12", new byte[] { 1, 2, 3 }, default);
            await records.WriteAsync("source-id", new byte[] { 9 }, default);
            await records.WriteAsync("torrents/ab12", new byte[] { 4, 5 }, default);
            await records.WriteAsync("empty", ReadOnlyMemory<byte>.Empty, default);
        }

        await using (var records = Open())
        {
            Assert.That(await records.ReadAsync("torrents/ab12", default), Is.EqualTo(new byte[] { 4, 5 }));
            Assert.That(await records.ReadAsync("empty", default), Is.Empty);
            Assert.That(await records.ListAsync("torrents/", default), Is.EqualTo(new[] { "torrents/ab12" }));
            Assert.That(await records.ListAsync("", default), Is.EqualTo(new[] { "empty", "source-id", "torrents/ab12" }));
            await records.RemoveAsync("torrents/ab12", default);
            await records.RemoveAsync("torrents/ab12", default);
            Assert.That(await records.ReadAsync("torrents/ab12", default), Is.Null);
        }
    }

    [Test]
    public async Task FolderAndFiles_AreTheOwnersAlone()
    {
        await using var records = Open();
        await records.WriteAsync("torrents/ab12", new byte[] { 1 }, default);
        Assert.That(File.GetUnixFileMode(_folder["state"]), Is.EqualTo((UnixFileMode)0b111_000_000));
        Assert.That(File.GetUnixFileMode(_folder["state", "torrents"]), Is.EqualTo((UnixFileMode)0b111_000_000));
        Assert.That(File.GetUnixFileMode(_folder["state", "torrents", "ab12.rec"]), Is.EqualTo((UnixFileMode)0b110_000_000));
    }

    [TestCase(0)]
    [TestCase(9)]
    [TestCase(13)]
    [TestCase(17)]
    public async Task ADamagedRecord_IsSetAside_AndReadsAsAbsent(int brokenByte)
    {
        await using var records = Open();
        await records.WriteAsync("a", new byte[] { 1, 2, 3 }, default);
        var path = _folder["state", "a.rec"];
        var bytes = await File.ReadAllBytesAsync(path);
        bytes[brokenByte] ^= 0x10;
        await File.WriteAllBytesAsync(path, bytes);
        _logs.Expect(StorageEventIds.DurableRecords);
        Assert.That(await records.ReadAsync("a", default), Is.Null);
        Assert.That(await records.ReadAsync("a", default), Is.Null);
        Assert.That(File.Exists(path), Is.False);
        Assert.That(File.Exists(path + ".bad"), Is.True);
        Assert.That(await records.ListAsync("", default), Is.Empty);
        Assert.That(_logs.Entries, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task ATornRecord_OfAnyLength_ReadsAsAbsent()
    {
        await using var records = Open();
        _logs.Expect(StorageEventIds.DurableRecords);
        for (var length = 0; length < 19; length++)
        {
            await records.WriteAsync("a", new byte[] { 1, 2, 3 }, default);
            var path = _folder["state", "a.rec"];
            await File.WriteAllBytesAsync(path, (await File.ReadAllBytesAsync(path))[..length]);
            Assert.That(await records.ReadAsync("a", default), Is.Null, $"{length} bytes");
        }
    }

    [Test]
    public async Task ANewerRecord_IsRefused_AndLeftAlone()
    {
        await using var records = Open();
        var path = _folder["state", "a.rec"];
        var file = RecordFormat.Wrap([1, 2, 3], version: 2);
        await File.WriteAllBytesAsync(path, file);
        var error = Assert.ThrowsAsync<StorageException>(async () => await records.ReadAsync("a", default));
        Assert.That(error!.Fault, Is.EqualTo(StorageFault.NewerState));
        Assert.That(await File.ReadAllBytesAsync(path), Is.EqualTo(file));
    }

    [Test]
    public async Task ASecondOwner_IsLockedOut_ByTheNameOfTheFirst()
    {
        await using (Open())
        {
            var error = Assert.Throws<StorageException>(() => Open());
            Assert.That(error!.Fault, Is.EqualTo(StorageFault.Locked));
            Assert.That(error.Message, Does.Contain($"process {Environment.ProcessId}"));
        }

        await using var again = Open();
    }

    [Test]
    public async Task WhatACrashLeft_OfAWrite_IsRemoved()
    {
        await using (var records = Open())
        {
            await records.WriteAsync("torrents/a", new byte[] { 1 }, default);
        }

        await File.WriteAllBytesAsync(_folder["state", "torrents", ".tmp-a.rec"], [1]);
        await using var again = Open();
        Assert.That(File.Exists(_folder["state", "torrents", ".tmp-a.rec"]), Is.False);
        Assert.That(await again.ReadAsync("torrents/a", default), Is.EqualTo(new byte[] { 1 }));
    }

    [TestCase("../a")]
    [TestCase("a/b/c")]
    [TestCase("/a")]
    [TestCase("a/")]
    [TestCase("")]
    [TestCase(".tmp-a")]
    [TestCase("a b")]
    public async Task AName_ThatIsNoName_IsAnArgumentError(string name)
    {
        await using var records = Open();
        Assert.ThrowsAsync<ArgumentException>(async () => await records.WriteAsync(name, new byte[] { 1 }, default));
    }

    [Test]
    public async Task ManyWriters_OfFewNames_LeaveWholeRecords()
    {
        await using var records = Open();
        var writers = Enumerable.Range(0, 8).Select(writer => Task.Run(async () =>
        {
            for (var i = 0; i < 10; i++)
            {
                var content = new byte[1000 + writer];
                Array.Fill(content, (byte)writer);
                await records.WriteAsync($"r{i % 3}", content, default);
                var read = await records.ReadAsync($"r{i % 3}", default);
                Assert.That(read, Has.Length.EqualTo(1000 + read![0]));
            }
        }));
        await Task.WhenAll(writers).DefaultTimeout();
    }

    [Test]
    public async Task AfterDisposing_CallsAreRefused()
    {
        var records = Open();
        await records.DisposeAsync();
        await records.DisposeAsync();
        Assert.ThrowsAsync<ObjectDisposedException>(async () => await records.ReadAsync("a", default));
    }

    [Test]
    public async Task AFailedWrite_IsCounted()
    {
        var registry = Prometheus.Metrics.NewCustomRegistry();
        await using var records = new DurableRecords(_folder["state"], _logs, Prometheus.Metrics.WithCustomRegistry(registry));
        Directory.CreateDirectory(_folder["state", "a.rec"]);
        Assert.ThrowsAsync<StorageException>(async () => await records.WriteAsync("a", new byte[] { 1 }, default));
        using var stream = new MemoryStream();
        await MovedSeries.CollectAsync(registry, stream);
        Assert.That(
            System.Text.Encoding.UTF8.GetString(stream.ToArray()), Does.Contain("qbsync_state_save_errors_total{mode=\"source\"} 1\n"));
    }

    private DurableRecords Open() => new(_folder["state"], _logs);
}
