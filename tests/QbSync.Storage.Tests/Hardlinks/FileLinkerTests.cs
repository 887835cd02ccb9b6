using QbSync.Storage.Hardlinks;
using QbSync.Storage.State;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Hardlinks;

public sealed class FileLinkerTests
{
    [Test]
    [DestinationCase(109)]
    [MetricCase("C19")]
    public async Task PublishedFile_AfterARestart_IsStillLinked()
    {
        await using var rig = new LinkRig();
        var donor = rig.Publish(1, 0, "a", LinkRig.Identity());
        await rig.RestartAsync();
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(2), 3, LinkRig.Identity(), LinkRig.Source), Is.EqualTo(LinkStep.Linkable));
        var linked = rig.TryLink(2, 3, ".b");
        Assert.That(linked, Is.EqualTo(donor with { Kind = OwnKind.Linked }));
        Assert.That(rig.Stat(".b")!.Value.Links, Is.EqualTo(2));
        Assert.That(await rig.ReadMetricAsync("qbsync_hardlinks_created_total"), Is.EqualTo(1));
        Assert.That(await rig.ReadMetricAsync("qbsync_inode_registry_size"), Is.EqualTo(1));
        Assert.That(rig.TryLink(2, 3, ".b"), Is.EqualTo(linked), "the same name again");
        Assert.That(await rig.ReadMetricAsync("qbsync_hardlinks_created_total"), Is.EqualTo(1));
    }

    [TestCase(5, 78, 99, 4)]
    [TestCase(5, 77, 98, 4)]
    [TestCase(5, 77, 99, 5)]
    [TestCase(6, 77, 99, 4)]
    [TestCase(5, 0, 99, 4)]
    [DestinationCase(108)]
    public async Task OtherIdentity_NoLink(long size, int inode, long modified, int device)
    {
        await using var rig = new LinkRig();
        rig.Publish(1, 0, "a", LinkRig.Identity());
        var other = LinkRig.Identity(size, (ulong)inode, modified, (ulong)device);
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(2), 0, other, LinkRig.Source), Is.EqualTo(LinkStep.None));
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(3), 0, LinkRig.Identity(), Guid.NewGuid()), Is.EqualTo(LinkStep.None), "another source");
        Assert.That(rig.Linker.Count, Is.EqualTo(1));
    }

    [TestCase(0UL, 99L, 5L)]
    [TestCase(77UL, 99L, 6L)]
    [DestinationCase(108)]
    public async Task IdentityThatProvesNothing_MakesNoEntry(ulong inode, long modified, long size)
    {
        await using var rig = new LinkRig();
        rig.Publish(1, 0, "a", LinkRig.Identity(size, inode, modified));
        Assert.That(rig.Linker.Count, Is.Zero);
    }

    [TestCase("gone")]
    [TestCase("touched")]
    [TestCase("replaced")]
    [TestCase("symlink")]
    [TestCase("folder gone")]
    [DestinationCase(108)]
    public async Task DonorIsNotWhatItWas_NoLink_OnlyThatEntryIsEvicted(string what)
    {
        await using var rig = new LinkRig();
        rig.Folder.CreateFolder("data/d");
        var path = Path.Combine(rig.Folder["data"], "a");
        rig.Publish(1, 0, "a", LinkRig.Identity());
        rig.Publish(1, 1, "b", LinkRig.Identity(inode: 78));
        switch (what)
        {
            case "gone" or "folder gone":
                File.Delete(path);
                break;
            case "touched":
                File.SetLastWriteTimeUtc(path, new DateTime(2001, 1, 1, 0, 0, 0, DateTimeKind.Utc));
                break;
            case "replaced":
                File.WriteAllText(path + "2", "54321");
                File.Move(path + "2", path, overwrite: true);
                break;
            default:
                File.Move(path, path + "2");
                File.CreateSymbolicLink(path, path + "2");
                break;
        }

        Assert.That(rig.Linker.Begin(LinkRig.Torrent(2), 0, LinkRig.Identity(), LinkRig.Source), Is.EqualTo(LinkStep.Linkable));
        Assert.That(rig.TryLink(2, 0, ".x"), Is.Null);
        Assert.That(rig.Stat(".x"), Is.Null);
        Assert.That(rig.Linker.Count, Is.EqualTo(1));
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(2), 0, LinkRig.Identity(), LinkRig.Source), Is.EqualTo(LinkStep.None), "it is received");
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(3), 0, LinkRig.Identity(), LinkRig.Source), Is.EqualTo(LinkStep.Waits), "it is the writer");
    }

    [Test]
    [DestinationCase(110)]
    [MetricCase("G16")]
    public async Task TenOpeners_OneWrites_NineWaitAndLinkWhenItsFileIsPublished()
    {
        await using var rig = new LinkRig();
        for (byte torrent = 1; torrent <= 10; torrent++)
        {
            Assert.That(
                rig.Linker.Begin(LinkRig.Torrent(torrent), 0, LinkRig.Identity(), LinkRig.Source),
                Is.EqualTo(torrent == 1 ? LinkStep.None : LinkStep.Waits));
        }

        Assert.That(await rig.ReadMetricAsync("qbsync_inode_registry_size"), Is.Zero, "claims are no entries");
        var donor = rig.Publish(1, 0, "a", LinkRig.Identity());
        Assert.That(await rig.ReadMetricAsync("qbsync_inode_registry_size"), Is.EqualTo(1), "one identity, whoever waits for it");
        Assert.That(rig.Woken, Is.EquivalentTo(Enumerable.Range(2, 9).Select(static number => LinkRig.Torrent((byte)number))));
        for (byte torrent = 2; torrent <= 10; torrent++)
        {
            Assert.That(rig.Linker.Begin(LinkRig.Torrent(torrent), 0, LinkRig.Identity(), LinkRig.Source), Is.EqualTo(LinkStep.Linkable));
            Assert.That(rig.TryLink(torrent, 0, $".{torrent}")!.Inode, Is.EqualTo(donor.Inode));
        }

        Assert.That(rig.Stat("a")!.Value.Links, Is.EqualTo(10));
    }

    [TestCase("file")]
    [TestCase("torrent")]
    [DestinationCase(111)]
    public async Task WriterGivesUp_TheNextWrites_TheOthersWaitForIt(string what)
    {
        await using var rig = new LinkRig();
        for (byte torrent = 1; torrent <= 3; torrent++)
        {
            rig.Linker.Begin(LinkRig.Torrent(torrent), 0, LinkRig.Identity(), LinkRig.Source);
        }

        if (what == "file")
        {
            rig.Linker.Release(LinkRig.Torrent(1), 0);
        }
        else
        {
            rig.Linker.Release(LinkRig.Torrent(1));
        }

        Assert.That(rig.Woken, Is.EquivalentTo(new[] { LinkRig.Torrent(2), LinkRig.Torrent(3) }));
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(2), 0, LinkRig.Identity(), LinkRig.Source), Is.EqualTo(LinkStep.None));
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(3), 0, LinkRig.Identity(), LinkRig.Source), Is.EqualTo(LinkStep.Waits));
    }

    [Test]
    [DestinationCase(111)]
    public async Task WriterStandsStill_LosesItsRole_AndMayStillPublish()
    {
        await using var rig = new LinkRig();
        rig.Linker.Begin(LinkRig.Torrent(1), 0, LinkRig.Identity(), LinkRig.Source);
        rig.Linker.Begin(LinkRig.Torrent(2), 0, LinkRig.Identity(), LinkRig.Source);
        rig.Time.Advance(TimeSpan.FromMinutes(9));
        rig.Linker.Progressed(LinkRig.Torrent(1));
        await AdvanceAsync(rig, TimeSpan.FromMinutes(9));
        Assert.That(rig.Woken, Is.Empty);
        await AdvanceAsync(rig, TimeSpan.FromMinutes(2));
        await Eventually.BecomesTrueAsync(() => rig.Woken.Count == 1);
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(2), 0, LinkRig.Identity(), LinkRig.Source), Is.EqualTo(LinkStep.None));
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(1), 0, LinkRig.Identity(), LinkRig.Source), Is.EqualTo(LinkStep.None));
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(3), 0, LinkRig.Identity(), LinkRig.Source), Is.EqualTo(LinkStep.Waits));
        rig.Publish(1, 0, "a", LinkRig.Identity());
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(3), 0, LinkRig.Identity(), LinkRig.Source), Is.EqualTo(LinkStep.Linkable));
    }

    [TestCase(18)]
    [TestCase(1)]
    [TestCase(31)]
    [TestCase(2)]
    [DestinationCase(111)]
    public async Task LinkFails_IsCounted_AndTheFileIsReceived(int errno)
    {
        await using var rig = new LinkRig();
        rig.Options.Reflinks = false;
        rig.Publish(1, 0, "a", LinkRig.Identity());
        rig.Linker.Begin(LinkRig.Torrent(2), 0, LinkRig.Identity(), LinkRig.Source);
        rig.Files.Fault = call => call.Operation == "Link" ? Storage.IO.Native.StorageFaults.Create(errno, "link", call.Name) : null;
        Assert.That(rig.TryLink(2, 0, ".b"), Is.Null);
        Assert.That(await rig.ReadMetricAsync("qbsync_hardlink_errors_total"), Is.EqualTo(1));
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(2), 0, LinkRig.Identity(), LinkRig.Source), Is.EqualTo(LinkStep.None));
    }

    [Test]
    [DestinationCase(112)]
    public async Task TwoTorrentsEachWriterForTheOther_BothFilesCome()
    {
        await using var rig = new LinkRig();
        var (x, y) = (LinkRig.Identity(inode: 1), LinkRig.Identity(inode: 2));
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(1), 0, x, LinkRig.Source), Is.EqualTo(LinkStep.None));
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(2), 0, y, LinkRig.Source), Is.EqualTo(LinkStep.None));
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(1), 1, y, LinkRig.Source), Is.EqualTo(LinkStep.Waits));
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(2), 1, x, LinkRig.Source), Is.EqualTo(LinkStep.Waits));
        rig.Publish(1, 0, "x", x);
        rig.Publish(2, 0, "y", y);
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(1), 1, y, LinkRig.Source), Is.EqualTo(LinkStep.Linkable));
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(2), 1, x, LinkRig.Source), Is.EqualTo(LinkStep.Linkable));
        Assert.That(rig.TryLink(1, 1, ".y"), Is.Not.Null);
        Assert.That(rig.TryLink(2, 1, ".x"), Is.Not.Null);
    }

    [Test]
    [DestinationCase(112)]
    public async Task TwoFilesOfOneTorrent_OneInode_TheSecondWaitsForTheFirst()
    {
        await using var rig = new LinkRig();
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(1), 0, LinkRig.Identity(), LinkRig.Source), Is.EqualTo(LinkStep.None));
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(1), 1, LinkRig.Identity(), LinkRig.Source), Is.EqualTo(LinkStep.Waits));
        rig.Publish(1, 0, "x", LinkRig.Identity());
        Assert.That(rig.Woken, Is.EqualTo(new[] { LinkRig.Torrent(1) }));
        Assert.That(rig.TryLink(1, 1, ".y"), Is.Not.Null);
    }

    [Test]
    [DestinationCase(107)]
    public async Task LinkThatIsNotTheFile_IsEvicted_AndReceived()
    {
        await using var rig = new LinkRig();
        rig.Publish(1, 0, "a", LinkRig.Identity());
        rig.Linker.Begin(LinkRig.Torrent(2), 0, LinkRig.Identity(), LinkRig.Source);
        rig.Linker.Evict(LinkRig.Torrent(2), 0, rig.TryLink(2, 0, ".b")!);
        Assert.That(rig.Linker.Count, Is.Zero);
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(2), 0, LinkRig.Identity(), LinkRig.Source), Is.EqualTo(LinkStep.None));
        await rig.RestartAsync();
        Assert.That(rig.Linker.Count, Is.Zero);
    }

    [Test]
    public async Task FileStillDownloading_Claims_AndBecomesAnEntryWithItsFinalIdentity()
    {
        await using var rig = new LinkRig();
        var early = LinkRig.Identity(modified: 0);
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(1), 0, early, LinkRig.Source), Is.EqualTo(LinkStep.None));
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(2), 0, early, LinkRig.Source), Is.EqualTo(LinkStep.Waits));
        var record = rig.Publish(1, 0, "a", early);
        Assert.That(rig.Linker.Count, Is.Zero);
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(2), 0, early, LinkRig.Source), Is.EqualTo(LinkStep.Linkable));
        Assert.That(rig.TryLink(2, 0, ".b"), Is.Not.Null);
        rig.Linker.Published(LinkRig.Torrent(1), 0, LinkRig.Identity(), LinkRig.Source, ["a"], record);
        Assert.That(rig.Linker.Count, Is.EqualTo(1));
    }

    [Test]
    public async Task Sweep_ForgetsWhatIsGone()
    {
        await using var rig = new LinkRig();
        rig.Publish(1, 0, "a", LinkRig.Identity());
        rig.Publish(1, 1, "b", LinkRig.Identity(inode: 78));
        File.Delete(Path.Combine(rig.Folder["data"], "a"));
        await AdvanceAsync(rig, TimeSpan.FromHours(6));
        await Eventually.BecomesTrueAsync(() => rig.Linker.Count == 1);
    }

    [Test]
    public async Task DamagedRegistry_BeginsEmpty()
    {
        await using var rig = new LinkRig();
        rig.Publish(1, 0, "a", LinkRig.Identity());
        await rig.Linker.FlushAsync();
        await File.WriteAllBytesAsync(Path.Combine(rig.Folder["state"], "registry"), new byte[300]);
        await rig.RestartAsync();
        Assert.That(rig.Linker.Count, Is.Zero);
        rig.Publish(1, 0, "a", LinkRig.Identity());
        await rig.RestartAsync();
        Assert.That(rig.Linker.Count, Is.EqualTo(1));
    }

    [Test]
    public async Task Off_LinksNothing()
    {
        await using var rig = new LinkRig();
        rig.Publish(1, 0, "a", LinkRig.Identity());
        (rig.Options.Hardlinks, rig.Options.Reflinks) = (false, false);
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(2), 0, LinkRig.Identity(), LinkRig.Source), Is.EqualTo(LinkStep.None));
        Assert.That(rig.Linker.Begin(LinkRig.Torrent(3), 0, LinkRig.Identity(), LinkRig.Source), Is.EqualTo(LinkStep.None));
    }

    /// <summary>A file is offered before its claim is given up: who asks at that moment is never told to receive it as well.</summary>
    [Test]
    public async Task AskedWhileTheWriterPublishes_LinksOrWaits_AndNeverWrites()
    {
        await using var rig = new LinkRig();
        var record = rig.Publish(1, 0, "a", null);
        using var together = new Barrier(2);
        const int Rounds = 500;
        var publishing = Task.Factory.StartNew(
            () =>
            {
                for (var round = 1; round <= Rounds; round++)
                {
                    var identity = LinkRig.Identity(inode: (ulong)round);
                    rig.Linker.Begin(LinkRig.Torrent(1), 0, identity, LinkRig.Source);
                    together.SignalAndWait();
                    rig.Linker.Published(LinkRig.Torrent(1), 0, identity, LinkRig.Source, ["a"], record);
                    together.SignalAndWait();
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        var asking = Task.Factory.StartNew(
            () =>
            {
                var steps = new HashSet<LinkStep>();
                for (var round = 1; round <= Rounds; round++)
                {
                    var identity = LinkRig.Identity(inode: (ulong)round);
                    together.SignalAndWait();
                    steps.Add(rig.Linker.Begin(LinkRig.Torrent(2), round, identity, LinkRig.Source));
                    together.SignalAndWait();
                    steps.Add(rig.Linker.Begin(LinkRig.Torrent(2), round, identity, LinkRig.Source) == LinkStep.Linkable ? LinkStep.Linkable : LinkStep.None);
                }

                return steps;
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        await publishing.DefaultTimeout();
        Assert.That(await asking.DefaultTimeout(), Has.No.Member(LinkStep.None));
    }

    private static async Task AdvanceAsync(LinkRig rig, TimeSpan time)
    {
        // A timer that has one tick pending drops the next, so time goes on in steps, each seen by who waits for it.
        for (var left = time; left > TimeSpan.Zero; left -= TimeSpan.FromMinutes(10))
        {
            rig.Time.Advance(left < TimeSpan.FromMinutes(10) ? left : TimeSpan.FromMinutes(10));
            await Task.Yield();
        }
    }
}
