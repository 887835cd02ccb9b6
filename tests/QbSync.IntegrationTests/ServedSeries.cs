using QbSync.Host;
using QbSync.Host.Lifetime;
using QbSync.Testing.Metrics;

namespace QbSync.IntegrationTests;

/// <summary>What a role serves before its engine runs: all of it is in each later scrape too, until the role has ended.</summary>
internal sealed class ServedSeries
{
    private static readonly MetricsContract Contract = MetricsContract.Read();
    private static readonly HttpClient Http = new() { Timeout = Testing.Waiting.TaskExtensions.Timeout };

    private readonly RoleNode _node;
    private readonly HashSet<string> _born;
    private readonly bool _hasClient;

    private ServedSeries(RoleNode node, bool hasClient, Exposition first) => (_node, _hasClient, _born) = (node, hasClient, [.. MetricsContract.ListLasting(first)]);

    /// <summary>Reads what a role serves that has started, and whose engine does not run yet.</summary>
    /// <param name="hasClient">Whether its client is a qBittorrent.</param>
    public static async Task<ServedSeries> BeginAsync(RoleNode node, bool hasClient)
    {
        var first = Exposition.Parse(await Http.GetStringAsync(new Uri(node.HealthAddress!, "/metrics")));
        var served = new ServedSeries(node, hasClient, first);
        served.Verify(first, "before the engine runs");
        return served;
    }

    /// <summary>Reads it over HTTP, and holds that nothing is missing.</summary>
    public async Task<Exposition> ReadAsync(string when)
    {
        var served = Exposition.Parse(await Http.GetStringAsync(new Uri(_node.HealthAddress!, "/metrics")));
        Verify(served, when);
        return served;
    }

    /// <summary>The same of the registry alone, when nobody serves it any more.</summary>
    public async Task VerifyAsync(string when) => Verify(Exposition.Parse((await TwoNodes.ScrapeAsync(_node.Registry)).Text), when);

    private void Verify(Exposition scrape, string when)
    {
        var role = _node is SourceNode ? "source" : "destination";
        Assert.That(Contract.FindMissing(role, _hasClient, scrape), Is.Empty, $"families of the {role} that are missing {when}");
        Assert.That(_born.Except(MetricsContract.ListLasting(scrape)), Is.Empty, $"series of the {role} that are missing {when}");
    }
}
