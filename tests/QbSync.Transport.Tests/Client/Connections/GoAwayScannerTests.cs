using CsCheck;
using QbSync.Transport.Client.Connections;

namespace QbSync.Transport.Tests.Client.Connections;

internal sealed class GoAwayScannerTests
{
    private static readonly byte[] Settings = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 7];
    private static readonly byte[] GoAway = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0];

    [Test]
    public void Scan_FramesInPartsOfAnySize_FindsGoAway() =>
        Gen.Int[1, 400].List[1, 100].Sample(parts =>
        {
            byte[] bytes = [.. Settings, .. Data(300, 7), .. Data(0, 0), .. GoAway];
            return Feed(bytes, parts) && !Feed(bytes[..^GoAway.Length], parts);
        }, iter: 1000);

    [Test]
    public void Scan_LargestFrame_IsSkippedWhole()
    {
        var scanner = new GoAwayScanner();
        scanner.Scan(Data(0xffffff, 7));
        Assert.That(scanner.HasGoneAway, Is.False);

        scanner.Scan(GoAway.AsSpan(0, 9));

        Assert.That(scanner.HasGoneAway, Is.True);
    }

    /// <summary>A DATA frame whose payload looks like headers of GOAWAY.</summary>
    private static byte[] Data(int length, byte fill)
    {
        var frame = new byte[9 + length];
        (frame[0], frame[1], frame[2]) = ((byte)(length >> 16), (byte)(length >> 8), (byte)length);
        frame.AsSpan(9).Fill(fill);
        return frame;
    }

    private static bool Feed(byte[] bytes, List<int> parts)
    {
        var scanner = new GoAwayScanner();
        var rest = bytes.AsSpan();
        for (var i = 0; rest.Length > 0; i++)
        {
            var taken = Math.Min(parts[i % parts.Count], rest.Length);
            scanner.Scan(rest[..taken]);
            rest = rest[taken..];
        }

        return scanner.HasGoneAway;
    }
}
