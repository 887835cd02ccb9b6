using System.Net;
using Microsoft.Extensions.Time.Testing;
using QbSync.Testing.Specifications;
using QbSync.Transport.Security;

namespace QbSync.Transport.Tests.Security;

internal sealed class PreAuthenticationLimitsTests
{
    private FakeTimeProvider _time = null!;
    private PreAuthenticationLimits _limits = null!;

    [SetUp]
    public void SetUp()
    {
        _time = new FakeTimeProvider();
        _limits = new PreAuthenticationLimits(_time);
    }

    [Test]
    [TransportCase(45)]
    public void Sockets_ThirtyThirdOfAll_IsRefusedUntilOneLeaves()
    {
        for (var i = 0; i < PreAuthenticationLimits.MostSockets; i++)
        {
            Assert.That(_limits.TryEnter(Address(i / 8)), Is.True);
        }

        Assert.That(_limits.TryEnter(Address(99)), Is.False);
        _limits.Leave(Address(0));
        Assert.That(_limits.TryEnter(Address(99)), Is.True);
        Assert.That(_limits.Sockets, Is.EqualTo(PreAuthenticationLimits.MostSockets));
    }

    [TestCase("10.0.0.1", "10.0.0.1", "10.0.0.2")]
    [TestCase("::ffff:10.0.0.1", "10.0.0.1", "::ffff:10.0.0.2")]
    [TestCase("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1")]
    public void Sockets_NinthOfAnAddress_IsRefusedAndOthersAreNot(string first, string same, string other)
    {
        for (var i = 0; i < PreAuthenticationLimits.MostPerAddress; i++)
        {
            Assert.That(_limits.TryEnter(IPAddress.Parse(first)), Is.True);
        }

        Assert.That(_limits.TryEnter(IPAddress.Parse(same)), Is.False);
        Assert.That(_limits.TryEnter(IPAddress.Parse(other)), Is.True);
    }

    [Test]
    [TransportCase(45)]
    public void Failures_ThirtyInAMinute_RefuseTheAddressForAMinute()
    {
        for (var i = 0; i < PreAuthenticationLimits.MostFailures; i++)
        {
            Assert.That(_limits.TryEnter(Address(1)), Is.True, $"failure {i}");
            _limits.CountFailure(Address(1));
            _limits.Leave(Address(1));
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.That(_limits.TryEnter(Address(1)), Is.False);
        Assert.That(_limits.TryEnter(Address(2)), Is.True, "others come in");
        _time.Advance(TimeSpan.FromSeconds(58));
        Assert.That(_limits.TryEnter(Address(1)), Is.False);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.That(_limits.TryEnter(Address(1)), Is.True);
    }

    [Test]
    public void Failures_ThirtyInMoreThanAMinute_RefuseNobody()
    {
        for (var i = 0; i < 200; i++)
        {
            Assert.That(_limits.TryEnter(Address(1)), Is.True);
            _limits.CountFailure(Address(1));
            _limits.Leave(Address(1));
            _time.Advance(TimeSpan.FromSeconds(2.5));
        }
    }

    /// <summary>Memory is bounded, and who failed is not forgotten for who comes new.</summary>
    [Test]
    public void Addresses_Endless_AreForgottenOnlyWhenTheyMayBe()
    {
        for (var i = 0; i < 10_000; i++)
        {
            if (_limits.TryEnter(Address(i)))
            {
                _limits.Leave(Address(i));
            }
        }

        for (var i = 0; i < PreAuthenticationLimits.MostFailures; i++)
        {
            _limits.CountFailure(Address(1));
        }

        for (var i = 20_000; i < 30_000; i++)
        {
            _limits.CountFailure(Address(i));
        }

        Assert.That(_limits.TryEnter(Address(1)), Is.False);
    }

    private static IPAddress Address(int number) => new([10, (byte)(number >> 16), (byte)(number >> 8), (byte)number]);
}
