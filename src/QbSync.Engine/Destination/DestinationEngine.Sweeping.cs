using QbSync.Engine.Destination.Initialization;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination;

public sealed partial class DestinationEngine
{
    /// <summary>The unfinished torrents that the next scan for orphans ends, with every path that goes; empty while the client is not known to lack them.</summary>
    public IReadOnlyList<OrphanTorrent> ListOrphans() => _sweeper.List(_sessions.Values);

    private Task SweepAsync(CancellationToken cancellationToken) =>
        _sweeper.ScanAsync([.. _sessions.Values.Where(static session => !session.View.IsRetired)], cancellationToken);

    /// <summary>What a dry run answers to Init: what the request lacks, what is in its way, or what it would do.</summary>
    private async ValueTask<InitOutcome> DescribeAsync(Caller caller, InitRequest request, CancellationToken cancellationToken) => new InitOutcome.Refused(
        OpeningPlan.CheckEnvelope(request) ?? GrantRules.CheckOpening(caller.Grants, request) ?? CheckParts(request)
            ?? await new SessionOpener(_options, _store, _client, _quotas).DescribeAsync(caller, request, cancellationToken).ConfigureAwait(false));
}
