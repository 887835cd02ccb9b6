using System.Globalization;
using QbSync.Host.Configuration;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Configuration;

internal sealed class UnitsTests
{
    [TestCase("250ms", 250)]
    [TestCase("30s", 30_000)]
    [TestCase("1h30m", 5_400_000)]
    [TestCase("2d", 172_800_000)]
    [TestCase("30", 30_000)]
    [TestCase("0.5s", 500)]
    [TestCase("0", 0)]
    public void Duration_WellFormed_IsExact(string text, long milliseconds)
    {
        Assert.That(Units.TryParseDuration(text, TimeSpan.FromSeconds(1), out var value), Is.True);
        Assert.That(value, Is.EqualTo(TimeSpan.FromMilliseconds(milliseconds)));
    }

    [TestCase("")]
    [TestCase("abc")]
    [TestCase("-1s")]
    [TestCase("1,5s")]
    [TestCase("5parsecs")]
    [TestCase("1s2")]
    [TestCase("99999999999999d")]
    [TestCase("NaN")]
    public void Duration_Anything_Else_IsRefused(string text) =>
        Assert.That(Units.TryParseDuration(text, TimeSpan.FromSeconds(1), out _), Is.False);

    [TestCase("512KiB", 524_288)]
    [TestCase("20MB", 20_000_000)]
    [TestCase("50GiB", 53_687_091_200)]
    [TestCase("1.5GiB", 1_610_612_736)]
    [TestCase("50", 53_687_091_200)]
    [TestCase("7B", 7)]
    [TestCase("0", 0)]
    public void Size_WellFormed_IsExact(string text, long bytes)
    {
        Assert.That(Units.TryParseSize(text, 1L << 30, out var value), Is.True);
        Assert.That(value, Is.EqualTo(bytes));
    }

    [TestCase("")]
    [TestCase("GiB")]
    [TestCase("-1GiB")]
    [TestCase("10gib")]
    [TestCase("99999999999TiB")]
    public void Size_AnythingElse_IsRefused(string text) => Assert.That(Units.TryParseSize(text, 1, out _), Is.False);

    [TestCase("20MiB/s", 20_971_520)]
    [TestCase("200Mbit/s", 25_000_000)]
    [TestCase("65536", 65_536)]
    [TestCase("0", 0)]
    public void Rate_WellFormed_IsExact(string text, long bytesPerSecond)
    {
        Assert.That(Units.TryParseRate(text, out var value), Is.True);
        Assert.That(value, Is.EqualTo(bytesPerSecond));
    }

    [TestCase("20MiB")]
    [TestCase("fast")]
    [TestCase("-5")]
    [TestCase("5/s")]
    public void Rate_AnythingElse_IsRefused(string text) => Assert.That(Units.TryParseRate(text, out _), Is.False);

    [TestCase("127.0.0.1:50051", "127.0.0.1", 50051, true)]
    [TestCase("[::1]:80", "::1", 80, true)]
    [TestCase(":8080", "", 8080, false)]
    [TestCase("8080", "", 8080, false)]
    [TestCase("nas.lan:50051", "nas.lan", 50051, false)]
    [TestCase("localhost:1", "localhost", 1, true)]
    public void Address_WellFormed_HostAndPort(string text, string host, int port, bool loopback)
    {
        Assert.That(Units.TryParseAddress(text, out var value), Is.True);
        Assert.That((value.Host, value.Port, value.IsLoopback), Is.EqualTo((host, port, loopback)));
    }

    [TestCase("")]
    [TestCase("host")]
    [TestCase("host:99999")]
    [TestCase("::1:80")]
    [TestCase("[zz]:80")]
    [TestCase("host:-1")]
    public void Address_AnythingElse_IsRefused(string text) => Assert.That(Units.TryParseAddress(text, out _), Is.False);

    /// <summary>Plain, with a suffix, a fraction, negative, too large, with another culture's comma: the exact value, or none.</summary>
    [TestCase("dur 0", 0L)]
    [TestCase("dur 1", 1000L)]
    [TestCase("dur 1.5", 1500L)]
    [TestCase("dur .5s", 500L)]
    [TestCase("dur 1ms", 1L)]
    [TestCase("dur 90m", 5_400_000L)]
    [TestCase("dur 1d1h1m1s1ms", 90_061_001L)]
    [TestCase("dur 1,5s", null)]
    [TestCase("dur -1s", null)]
    [TestCase("dur +1s", null)]
    [TestCase("dur 1 s", null)]
    [TestCase("dur 1S", null)]
    [TestCase("dur 1e3", null)]
    [TestCase("dur 10675200d", null)]
    [TestCase("dur 0x10", null)]
    [TestCase("size 0", 0L)]
    [TestCase("size 3", 3_221_225_472L)]
    [TestCase("size 0.5", 536_870_912L)]
    [TestCase("size 1B", 1L)]
    [TestCase("size 1KB", 1_000L)]
    [TestCase("size 1TB", 1_000_000_000_000L)]
    [TestCase("size 8388607TiB", 9_223_370_937_343_148_032L)]
    [TestCase("size 8388608TiB", null)]
    [TestCase("size 79228162514264337593543950336", null)]
    [TestCase("size 1,5GiB", null)]
    [TestCase("size 1.000.000", null)]
    [TestCase("size -1", null)]
    [TestCase("size 1Gib", null)]
    [TestCase("size 1 GiB", null)]
    [TestCase("size 1PiB", null)]
    [TestCase("rate 0", 0L)]
    [TestCase("rate 100", 100L)]
    [TestCase("rate 1MiB/s", 1_048_576L)]
    [TestCase("rate 1MB/s", 1_000_000L)]
    [TestCase("rate 8bit/s", 1L)]
    [TestCase("rate 1Gbit/s", 125_000_000L)]
    [TestCase("rate 1MiB", null)]
    [TestCase("rate 1Mbit", null)]
    [TestCase("rate 1MiB/h", null)]
    [TestCase("rate -1MiB/s", null)]
    [TestCase("rate 9999999999999Gbit/s", null)]
    [HostCase(6)]
    public void Value_OfTheTable_IsExactOrRefused(string given, long? expected)
    {
        var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        (culture.NumberFormat.NumberDecimalSeparator, culture.NumberFormat.NumberGroupSeparator) = (",", ".");
        var before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = culture;
        try
        {
            Assert.That(Parse(given), Is.EqualTo(expected));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    private static long? Parse(string given)
    {
        var (kind, text) = (given.Split(' ', 2)[0], given.Split(' ', 2)[1]);
        long value;
        var isGood = kind switch
        {
            "dur" => TryMilliseconds(text, out value),
            "size" => Units.TryParseSize(text, 1L << 30, out value),
            _ => Units.TryParseRate(text, out value),
        };
        return isGood ? value : null;
    }

    private static bool TryMilliseconds(string text, out long value)
    {
        var isGood = Units.TryParseDuration(text, TimeSpan.FromSeconds(1), out var time);
        value = time.Ticks / TimeSpan.TicksPerMillisecond;
        return isGood;
    }
}
