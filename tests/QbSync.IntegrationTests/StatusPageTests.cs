using QbSync.Host.Reporting;
using QbSync.Testing.Browsers;
using QbSync.Testing.Specifications;

namespace QbSync.IntegrationTests;

/// <summary>The status page of a real source as a real browser shows it.</summary>
internal sealed class StatusPageTests
{
    private const string Hostile = "<img src=x onerror=document.title=1>";

    /// <summary>Texts whose color is too near to what lies behind them, by the formula of the accessibility guidelines.</summary>
    private const string PoorContrast = """
        (() => {
          const part = text => (text.match(/[\d.]+/g) || []).map(Number);
          const light = ([r, g, b]) => [r, g, b].map(c => (c /= 255) <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4).reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
          const behind = at => { for (; at; at = at.parentElement) { const c = part(getComputedStyle(at).backgroundColor); if (c.length && (c.length < 4 || c[3] > 0)) return c; } return [255, 255, 255]; };
          return [...document.querySelectorAll('body *')]
            .filter(at => at.checkVisibility() && [...at.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
            .map(at => { const [a, b] = [light(part(getComputedStyle(at).color)), light(behind(at))]; return [at.textContent, (Math.max(a, b) + .05) / (Math.min(a, b) + .05)]; })
            .filter(([, ratio]) => ratio < 4.5).map(([text, ratio]) => `${ratio.toFixed(2)} ${text}`);
        })()
        """;

    [Test]
    [HostCase(29)]
    public async Task Page_RealTransfer_ReachesAHundredPerCentWithoutBeingLoadedAgain()
    {
        await using var browser = await Chromium.StartAsync();
        await using var nodes = new TwoNodes();
        await nodes.StartAsync();
        await browser.ShowAsync(360, 800, "light");
        await browser.NavigateAsync(nodes.Source.HealthAddress!);
        await browser.EvaluateAsync<bool>("window.isFirst = true");
        Assert.That(await browser.EvaluateAsync<int>("document.querySelectorAll('#torrents li').length"), Is.Zero);

        nodes.AddAtSource(new TorrentBuilder("film") { Length = 3 << 20 }.Build());
        await Eventually.BecomesTrueAsync(() => browser.EvaluateAsync<bool>(
            "window.isFirst && document.querySelector('#torrents progress')?.value === 100 && document.querySelector('#torrents li').dataset.finished === 'true'"));
        Assert.That(await browser.EvaluateAsync<string>("document.querySelector('#torrents [data-f=percent]').textContent"), Is.EqualTo("100 %"));
        foreach (var scheme in (string[])["light", "dark"])
        {
            await browser.ShowAsync(360, 800, scheme);
            Assert.That(await browser.EvaluateAsync<string[]>(PoorContrast), Is.Empty, scheme);
        }

        Assert.That(await browser.EvaluateAsync<int>("document.documentElement.scrollWidth"), Is.LessThanOrEqualTo(360));
        var focused = new List<string>();
        for (var i = 0; i < 2; i++)
        {
            await browser.PressAsync("Tab", 9);
            focused.Add(await browser.EvaluateAsync<string>("document.activeElement.textContent"));
        }

        Assert.That(focused, Is.EqualTo(new[] { "To the torrents", "As JSON" }));
        Assert.That(browser.Requests.Where(address => !address.StartsWith($"{nodes.Source.HealthAddress}", StringComparison.Ordinal)), Is.Empty);
        Assert.That(browser.Faults, Is.Empty);
    }

    [Test]
    [HostCase(30)]
    public async Task Page_ScriptsOffAndHostileName_ShowsIt()
    {
        await using var browser = await Chromium.StartAsync();
        await using var nodes = new TwoNodes();
        nodes.AddAtSource(new TorrentBuilder(Hostile) { Length = 100_000 }.Build());
        await nodes.StartAsync();
        await nodes.AllSyncedAsync(1);
        await Eventually.BecomesTrueAsync(() => nodes.Source.Board!.Current.Document.Totals.Finished == 1);

        // With scripts it is the script that puts the name there, too: the row is made anew by what events bring.
        await browser.NavigateAsync(nodes.Source.HealthAddress!);
        await Eventually.BecomesTrueAsync(async () => (await browser.GetMarkupAsync()).Contains("100 %", StringComparison.Ordinal));
        Assert.That(await browser.EvaluateAsync<int>("document.images.length"), Is.Zero);
        Assert.That(await browser.EvaluateAsync<string>("document.querySelector('#torrents .name').textContent"), Is.EqualTo(Hostile));

        await browser.DisableScriptsAsync();
        await browser.NavigateAsync(nodes.Source.HealthAddress!);
        var markup = await browser.GetMarkupAsync();
        Assert.That(markup, Does.Contain("&lt;img src=x").And.Contain("100 %").And.Not.Contain("<img"));
        Assert.That(browser.Faults, Is.Empty);
    }

    [Test]
    [HostCase(29)]
    public void Page_AllOfIt_IsSmall() =>
        Assert.That(((string[])["page.html", "page.css", "page.js"]).Sum(name => StatusPage.Read(name).Length), Is.LessThanOrEqualTo(64 << 10));
}
