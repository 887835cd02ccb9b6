using Microsoft.Extensions.Logging.Abstractions;
using QbSync.QBittorrent.Pipeline;
using QbSync.QBittorrent.Tests.Scripted;

namespace QbSync.QBittorrent.Tests.Pipeline;

internal sealed class LoginLedgerTests
{
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly QBittorrentCredentials Wrong = new() { Username = "u", Password = "wrong" }, Other = new() { Username = "u", Password = "other" },
        Third = new() { Username = "u", Password = "third" };

    private readonly MemoryRecords _records = new();
    private LoginLedger _ledger = null!;

    [SetUp]
    public async Task SetUp()
    {
        _records.Content.Clear();
        _ledger = await OpenAsync(0);
    }

    [Test]
    public async Task Refusals_ThreeOfTheSame_AreTenAndSixtyMinutesApartAndThenNoMore()
    {
        Assert.That(Wait(0), Is.EqualTo(TimeSpan.Zero));
        Assert.That(await RefuseAsync(0), Is.EqualTo(TimeSpan.FromMinutes(10)));
        Assert.That(Wait(9), Is.EqualTo(TimeSpan.FromMinutes(1)));
        Assert.That(Wait(10), Is.EqualTo(TimeSpan.Zero));
        Assert.That(await RefuseAsync(10), Is.EqualTo(TimeSpan.FromMinutes(60)));
        Assert.That(await RefuseAsync(70), Is.Null);
        Assert.That(Wait(60 * 24 * 365), Is.Null);
        await _ledger.AcceptedAsync(Wrong);
        Assert.That(Wait(71), Is.EqualTo(TimeSpan.Zero));
    }

    [Test]
    public async Task Ban_OfAnotherProgram_IsWaitedForEachTime()
    {
        foreach (var minute in new[] { 0, 65, 130, 195 })
        {
            Assert.That(Wait(minute), Is.EqualTo(TimeSpan.Zero));
            Assert.That(await EndAsync(minute, LoginEnd.Banned), Is.EqualTo(TimeSpan.FromMinutes(65)));
        }
    }

    [Test]
    public async Task Restart_WithTheSameCredentials_AddsNoTry()
    {
        await RefuseAsync(0);
        _ledger = await OpenAsync(1);
        Assert.That(Wait(1), Is.EqualTo(TimeSpan.FromMinutes(9)));
        await _ledger.BeginAsync(Start.AddMinutes(10), Wrong, default);
        for (var crash = 0; crash < 5; crash++)
        {
            _ledger = await OpenAsync(11);
            if (Wait(11) == TimeSpan.Zero)
            {
                await _ledger.BeginAsync(Start.AddMinutes(11), Wrong, default);
            }
        }

        Assert.That(Wait(12), Is.EqualTo(TimeSpan.FromMinutes(48)), "a login whose answer nobody saw may have been refused");
    }

    [Test]
    public async Task OtherCredentials_MayTryAtOnceButNotForEver()
    {
        await RefuseAsync(0);
        await RefuseAsync(10);
        await RefuseAsync(70);
        Assert.That(Wait(71, Other), Is.EqualTo(TimeSpan.Zero));
        await EndAsync(71, LoginEnd.Refused, Other);
        Assert.That(Wait(82, Other), Is.Null, "the next would be the fifth in a row");
        Assert.That(Wait(82, Third), Is.EqualTo(TimeSpan.Zero));
    }

    [Test]
    public async Task Asked_OverAndOver_LeavesOneForOtherCredentialsAndNeverReachesFive()
    {
        var refused = new List<int>();
        for (var minute = 0; minute < 60 * 24; minute++)
        {
            if (Wait(minute, cause: LoginCause.Asked) == TimeSpan.Zero)
            {
                refused.Add(minute);
                await RefuseAsync(minute);
            }

            Assert.That(refused.Count(at => at > minute - 60), Is.LessThan(3));
        }

        Assert.That(refused, Is.EqualTo(new[] { 0, 1, 60, 61 }), "four in a row are one less than the client bans for");
        Assert.That(Wait(60 * 24, Other), Is.EqualTo(TimeSpan.Zero));
    }

    [Test]
    public async Task ClientRestarted_MayTryAgainButNeverFourTimesInAnHour()
    {
        await RefuseAsync(0);
        Assert.That(Wait(1, cause: LoginCause.Restarted), Is.EqualTo(TimeSpan.Zero));
        await RefuseAsync(1);
        await RefuseAsync(2);
        Assert.That(Wait(3, cause: LoginCause.Restarted), Is.EqualTo(TimeSpan.FromMinutes(57)));
        Assert.That(Wait(60, cause: LoginCause.Restarted), Is.EqualTo(TimeSpan.Zero));
    }

    [Test]
    public async Task LostAnswers_OfCredentialsThatWorked_CostNoHour()
    {
        await _ledger.AcceptedAsync(Wrong);
        for (var login = 0; login < 6; login++)
        {
            Assert.That(Wait(1), Is.EqualTo(TimeSpan.Zero));
            await _ledger.BeginAsync(Start.AddMinutes(1), Wrong, default);
        }

        Assert.That(await RefuseAsync(2), Is.Null, "now that they are refused, the others may have been, too");
    }

    [Test]
    public async Task Record_HoldsNoSecret_AndOneOfNonsenseIsNone()
    {
        await RefuseAsync(0);
        var text = System.Text.Encoding.UTF8.GetString(_records.Content["qb-login"]);
        Assert.That(text, Does.StartWith("qb-login 1 ").And.Not.Contain("wrong"));
        foreach (var nonsense in new[] { "", "x", "qb-login 1 zz\n", "qb-login 1 00\n1 1", "qb-login 1 00\n99999999999999999999999 1 x", "qb-login 2 00\n1 1 x" })
        {
            _records.Content["qb-login"] = System.Text.Encoding.UTF8.GetBytes(nonsense);
            _ledger = await OpenAsync(1);
            Assert.That(Wait(1), Is.EqualTo(TimeSpan.Zero), nonsense);
        }
    }

    [Test]
    public async Task Clock_SetBackOverARestart_DoesNotWaitForTheFuture()
    {
        await RefuseAsync(60 * 24 * 365);
        _ledger = await OpenAsync(0);
        Assert.That(Wait(0), Is.EqualTo(TimeSpan.FromMinutes(10)));
        Assert.That(Wait(10), Is.EqualTo(TimeSpan.Zero));
    }

    [Test]
    public async Task Records_ThatFail_LeaveTheCountInMemory()
    {
        _records.IsBroken = true;
        _ledger = await OpenAsync(0);
        await RefuseAsync(0);
        _records.IsBroken = false;
        Assert.That(Wait(5), Is.EqualTo(TimeSpan.FromMinutes(5)));
    }

    private async Task<LoginLedger> OpenAsync(int minute)
    {
        var ledger = new LoginLedger(_records, "http://qb.test/", NullLogger.Instance);
        await ledger.LoadAsync(Start.AddMinutes(minute), default);
        return ledger;
    }

    private TimeSpan? Wait(int minute, QBittorrentCredentials? credentials = null, LoginCause cause = LoginCause.Planned)
    {
        var may = _ledger.MayTry(Start.AddMinutes(minute), credentials ?? Wrong, cause, out var wait);
        Assert.That(may, Is.EqualTo(wait == TimeSpan.Zero));
        return wait;
    }

    private ValueTask<TimeSpan?> RefuseAsync(int minute) => EndAsync(minute, LoginEnd.Refused);

    private async ValueTask<TimeSpan?> EndAsync(int minute, LoginEnd end, QBittorrentCredentials? credentials = null)
    {
        await _ledger.BeginAsync(Start.AddMinutes(minute), credentials ?? Wrong, default);
        return await _ledger.FailedAsync(Start.AddMinutes(minute), credentials ?? Wrong, end);
    }
}
