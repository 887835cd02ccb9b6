using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using QbSync.Engine.Status;
using QbSync.Host.Lifetime;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Lifetime;

[HostCase(20)]
internal sealed class SystemdReportTests
{
    private static readonly EngineStatus Idle = new() { At = DateTimeOffset.UnixEpoch, IsStarted = true };

    [TestCase(false)]
    [TestCase(true)]
    public async Task Report_OfALife_TellsEachStateInItsPlace(bool isAbstract)
    {
        using var folder = new TempDirectory();
        var address = isAbstract ? $"@qbsync-{Guid.NewGuid():N}" : folder["notify"];
        using var supervisor = Listen(address);
        var time = new FakeTimeProvider();
        var status = Idle;
        var isAlive = true;
        using var stop = new CancellationTokenSource();
        using var notifier = SystemdNotifier.Create(
            new Dictionary<string, string> { ["NOTIFY_SOCKET"] = address, ["WATCHDOG_USEC"] = "8000000", ["WATCHDOG_PID"] = "17" }, processId: 17);
        var report = new SystemdReport(notifier, () => status, () => isAlive, stop.Token, time);
        Assert.That(await ReadAsync(supervisor), Is.EqualTo("READY=1\nSTATUS=0 torrents, 0 under way, 0.0 MiB/s."));

        // Half of the watchdog's eight seconds; what it does has not changed.
        time.Advance(TimeSpan.FromSeconds(4));
        Assert.That(await ReadAsync(supervisor), Is.EqualTo("WATCHDOG=1"));
        status = Idle with { BytesPerSecond = 3 << 20, Problem = "The client\nis away." };
        time.Advance(TimeSpan.FromSeconds(4));
        Assert.That(await ReadAsync(supervisor), Is.EqualTo("WATCHDOG=1\nSTATUS=0 torrents, 0 under way, 3.0 MiB/s. The client?is away."));

        report.Reloading();
        Assert.That(await ReadAsync(supervisor), Does.Match("^RELOADING=1\nMONOTONIC_USEC=[0-9]+$"));
        report.Reloaded();
        Assert.That(await ReadAsync(supervisor), Is.EqualTo("READY=1"));

        // One whose loop hangs is silent, so that it is ended; what it does is told all the same.
        isAlive = false;
        status = Idle;
        time.Advance(TimeSpan.FromSeconds(4));
        Assert.That(await ReadAsync(supervisor), Is.EqualTo("STATUS=0 torrents, 0 under way, 0.0 MiB/s."));

        isAlive = true;
        await stop.CancelAsync();
        Assert.That(await ReadAsync(supervisor), Is.EqualTo("STOPPING=1\nSTATUS=Stopping.\nEXTEND_TIMEOUT_USEC=60000000"));
        time.Advance(TimeSpan.FromSeconds(4));
        Assert.That(await ReadAsync(supervisor), Is.EqualTo("WATCHDOG=1\nEXTEND_TIMEOUT_USEC=60000000"));
        await report.DisposeAsync().AsTask().DefaultTimeout();
    }

    /// <summary>A stop in the middle of a reload: whoever hears that it is ready again would wait for it in vain.</summary>
    [Test]
    public async Task Reloaded_AfterTheStop_IsNotTold()
    {
        using var folder = new TempDirectory();
        using var supervisor = Listen(folder["notify"]);
        var time = new FakeTimeProvider();
        using var stop = new CancellationTokenSource();
        using var notifier = SystemdNotifier.Create(new Dictionary<string, string> { ["NOTIFY_SOCKET"] = folder["notify"], ["WATCHDOG_USEC"] = "8000000" }, processId: 17);
        await using var report = new SystemdReport(notifier, () => Idle, () => true, stop.Token, time);
        Assert.That(await ReadAsync(supervisor), Does.StartWith("READY=1"));
        report.Reloading();
        Assert.That(await ReadAsync(supervisor), Does.StartWith("RELOADING=1"));
        await stop.CancelAsync();
        report.Reloaded();
        time.Advance(TimeSpan.FromSeconds(4));
        Assert.That(await ReadAsync(supervisor), Does.StartWith("STOPPING=1"));
        Assert.That(await ReadAsync(supervisor), Is.EqualTo("WATCHDOG=1\nEXTEND_TIMEOUT_USEC=60000000"));
    }

    [Test]
    public async Task Report_WithoutASocket_SaysNothingAndEnds()
    {
        using var stop = new CancellationTokenSource();
        using var notifier = SystemdNotifier.Create(new Dictionary<string, string>(), processId: 17);
        await using var report = new SystemdReport(notifier, () => null, () => true, stop.Token, new FakeTimeProvider());
        report.Reloading();
        report.Reloaded();
        await stop.CancelAsync();
        Assert.That((notifier.IsOn, notifier.Watchdog), Is.EqualTo((false, (TimeSpan?)null)));
    }

    [Test]
    public void Watchdog_MeantForAnotherProcess_IsNotOurs()
    {
        var environment = new Dictionary<string, string> { ["WATCHDOG_USEC"] = "8000000", ["WATCHDOG_PID"] = "18" };
        using var notifier = SystemdNotifier.Create(environment, processId: 17);
        Assert.That(notifier.Watchdog, Is.Null);
    }

    /// <summary>A supervisor that went away is no reason to fail.</summary>
    [Test]
    public void Notifier_ToNobody_SaysNothing()
    {
        using var folder = new TempDirectory();
        using var notifier = SystemdNotifier.Create(new Dictionary<string, string> { ["NOTIFY_SOCKET"] = folder["nobody"] }, processId: 17);
        Assert.That(() => notifier.Tell("READY=1"), Throws.Nothing);
    }

    private static Socket Listen(string address)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(address[0] == '@' ? '\0' + address[1..] : address));
        return socket;
    }

    private static async Task<string> ReadAsync(Socket supervisor)
    {
        var bytes = new byte[4096];
        var length = await supervisor.ReceiveAsync(bytes).DefaultTimeout();
        return Encoding.UTF8.GetString(bytes, 0, length);
    }
}
