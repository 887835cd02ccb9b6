using QbSync.Host.Configuration;

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
}
