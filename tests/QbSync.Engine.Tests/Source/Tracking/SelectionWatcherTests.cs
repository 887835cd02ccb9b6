using System.Buffers.Binary;
using QbSync.Engine.Source.Tracking;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.Tracking;

internal sealed class SelectionWatcherTests
{
    [Test]
    public void Streaming_EachTenMinutes_OrFiveSecondsWhenInDoubt()
    {
        var looked = TimeSpan.FromHours(1);
        Assert.That(SelectionWatcher.IsDueStreaming(false, looked, looked + TimeSpan.FromSeconds(599)), Is.False);
        Assert.That(SelectionWatcher.IsDueStreaming(false, looked, looked + TimeSpan.FromMinutes(10)), Is.True);
        Assert.That(SelectionWatcher.IsDueStreaming(true, looked, looked + TimeSpan.FromSeconds(4)), Is.False);
        Assert.That(SelectionWatcher.IsDueStreaming(true, looked, looked + TimeSpan.FromSeconds(5)), Is.True);
    }

    [Test]
    public void FiveThousandSynced_OverAnHour_AreEachLookedAtOnceAndEvenly()
    {
        var watcher = new SelectionWatcher();
        var looked = Enumerable.Range(0, 5000).Select(static i => SelectionWatcher.Spread(Id(i), TimeSpan.Zero)).ToArray();
        var looks = new int[looked.Length];
        for (var now = TimeSpan.Zero; now < TimeSpan.FromHours(1); now += TimeSpan.FromSeconds(5))
        {
            var at = 0;
            for (var i = 0; i < looked.Length; i++)
            {
                if (watcher.IsDueSynced(false, looked[i], now))
                {
                    watcher.Look(now);
                    looked[i] = now;
                    looks[i]++;
                    at++;
                }
            }

            Assert.That(at, Is.LessThanOrEqualTo(16));
        }

        Assert.That(looks.Max(), Is.EqualTo(1));
        Assert.That(looks.Sum(), Is.InRange(4900, 5000));
    }

    [Test]
    public void AllInDoubtAtOnce_AreLookedAtByAndBy()
    {
        var watcher = new SelectionWatcher();
        var at = 0;
        while (at < 1000 && watcher.IsDueSynced(true, TimeSpan.FromMinutes(-1), TimeSpan.Zero))
        {
            watcher.Look(TimeSpan.Zero);
            at++;
        }

        Assert.That(at, Is.EqualTo(16));
        Assert.That(watcher.IsDueSynced(true, TimeSpan.Zero, TimeSpan.FromSeconds(10)), Is.True);
    }

    private static InfoHash Id(int i)
    {
        Span<byte> bytes = stackalloc byte[20];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)i * 2654435761);
        return InfoHash.FromBytes(bytes);
    }
}
