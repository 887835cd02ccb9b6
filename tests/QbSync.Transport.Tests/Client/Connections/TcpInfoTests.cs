using System.Runtime.InteropServices;
using QbSync.Testing.Specifications;
using QbSync.Transport.Client.Connections;

namespace QbSync.Transport.Tests.Client.Connections;

internal sealed class TcpInfoTests
{
    [Test]
    [TransportCase(32)]
    public void Decode_OldKernel_GivesTheRoundTripAlone()
    {
        var info = TcpInfo.Decode(Row(104));

        Assert.That(info, Is.EqualTo(new TcpInfo { RoundTrip = TimeSpan.FromMilliseconds(25), LargestWindow = 65_535 }));
    }

    [Test]
    [TransportCase(32)]
    public void Decode_192Bytes_GivesTheTimesToo()
    {
        var info = TcpInfo.Decode(Row(192));

        Assert.That(info, Is.EqualTo(new TcpInfo
        {
            RoundTrip = TimeSpan.FromMilliseconds(25),
            LeastRoundTrip = TimeSpan.FromMilliseconds(20),
            Busy = TimeSpan.FromSeconds(3),
            ReceiverLimited = TimeSpan.FromSeconds(1),
            BufferLimited = TimeSpan.FromSeconds(2),
            IsApplicationLimited = true,
            Acknowledged = 5_000_000_000,
            DeliveryRate = 12_500_000,
            NotSent = 7000,
            LargestWindow = 65_535,
        }));
    }

    [TestCase(4, 0x97, 65_535L << 7)]
    [TestCase(3, 0x97, 65_535L)]
    public void Decode_WindowsThatAreScaledOrNot_GivesTheMostThatThePeerCanOffer(byte options, byte scales, long window)
    {
        var row = Row(104);
        (row[5], row[6]) = (options, scales);

        Assert.That(TcpInfo.Decode(row)!.Value.LargestWindow, Is.EqualTo(window));
    }

    [Test]
    [TransportCase(32)]
    public void Decode_280Bytes_GivesWhatWasResentToo() =>
        Assert.That(TcpInfo.Decode(Row(280))?.Resent, Is.EqualTo(65_536));

    [TestCase(0)]
    [TestCase(103)]
    public void Decode_LessThanAnyKernelGives_GivesNothing(int length) => Assert.That(TcpInfo.Decode(Row(280)[..length]), Is.Null);

    [Test]
    public void Decode_NoRoundTripYet_KnowsNoLeast()
    {
        var row = Row(280);
        Write(row, 148, uint.MaxValue);

        Assert.That(TcpInfo.Decode(row)!.Value.LeastRoundTrip, Is.Null);
    }

    [Test]
    public void Decode_EveryLengthAndLargestNumbers_DoesNotThrow()
    {
        var row = new byte[280];
        row.AsSpan().Fill(byte.MaxValue);

        Assert.That(() =>
        {
            for (var length = 0; length <= row.Length; length++)
            {
                TcpInfo.Decode(row.AsSpan(0, length));
            }
        }, Throws.Nothing);
    }

    /// <summary>As a kernel fills it; one that knows less returns less.</summary>
    internal static byte[] Row(int length)
    {
        var row = new byte[280];
        row[7] = 1;
        Write(row, 68, 25_000u);
        Write(row, 120, 5_000_000_000UL);
        Write(row, 144, 7000u);
        Write(row, 148, 20_000u);
        Write(row, 160, 12_500_000UL);
        Write(row, 168, 3_000_000UL);
        Write(row, 176, 1_000_000UL);
        Write(row, 184, 2_000_000UL);
        Write(row, 208, 65_536UL);
        return row[..length];
    }

    private static void Write<T>(byte[] row, int offset, T value)
        where T : struct => MemoryMarshal.Write(row.AsSpan(offset), value);
}
