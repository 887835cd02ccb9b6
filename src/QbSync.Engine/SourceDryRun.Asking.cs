using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using QbSync.Engine.Plans;
using QbSync.Engine.Source.Peers;
using QbSync.Engine.Source.Phases;
using QbSync.Engine.Source.Planning;
using QbSync.Engine.Source.Records;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine;

/// <summary>What a dry run says when it is asked, whether it runs or not: then it greets the destination for each question.</summary>
public sealed partial class SourceDryRun
{
    /// <summary>What would be done with each torrent now.</summary>
    /// <exception cref="StorageException">A record was written by a newer version.</exception>
    public async Task<SourcePlan> PlanAsync(CancellationToken cancellationToken)
    {
        var planner = await _planner.Value.WaitAsync(cancellationToken).ConfigureAwait(false);
        return await planner.Desk.PlanAsync(await AskAsync(planner, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What would be done with one torrent, and every condition of that as it is now.</summary>
    /// <exception cref="StorageException">A record was written by a newer version.</exception>
    public async Task<TorrentExplanation> ExplainAsync(InfoHash id, CancellationToken cancellationToken)
    {
        var planner = await _planner.Value.WaitAsync(cancellationToken).ConfigureAwait(false);
        return await planner.Desk.ExplainAsync(id, await AskAsync(planner, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
    }

    private async Task<Planner> MakePlannerAsync()
    {
        var ledger = await _records.LoadLedgerAsync(_disposed.Token).ConfigureAwait(false);
        var records = await _records.LoadAsync(ledger, _disposed.Token).ConfigureAwait(false);
        var sourceId = await _records.GetSourceIdAsync(static () => new Guid(RandomNumberGenerator.GetBytes(16)), _disposed.Token).ConfigureAwait(false);
        var caller = new Caller(sourceId, _options.Current.Name) { Incarnation = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))) };
        var peer = new PeerWatcher(_destination, caller, _options.Current, _clock, _chance, _metrics, OnPeerAsync, _loggers.CreateLogger<PeerWatcher>());
        var maker = new PlanMaker(
            new PlanRules(_options),
            new ContentLoader(_client, _reader, _options, _clock),
            new DestinationCalls(_destination, caller, peer, _options.Current.CallTimeout, _clock),
            _clock.Provider);
        return new Planner(caller, peer, new PlanDesk(maker, _clock), records.ToDictionary(static record => InfoHash.Parse(record.Id)));
    }

    private async Task<PlanQuestion> AskAsync(Planner planner, CancellationToken cancellationToken)
    {
        var problem = _running is not null ? _peerProblem ?? "" : await GreetAsync(planner, cancellationToken).ConfigureAwait(false);
        try
        {
            // Not while a cycle asks the same of a client that tells what changed since the last answer.
            var update = await planner.Desk.UseAsync(_ => _client.PollAsync([], cancellationToken).AsTask(), cancellationToken).ConfigureAwait(false);
            var isReady = _running is not null ? IsPeerReady(planner) : problem.Length == 0;
            return new PlanQuestion(new PlanBasis(update, planner.Records, isReady), problem);
        }
        catch (Exception e) when (e is TorrentClientException or TimeoutException)
        {
            return new PlanQuestion(null, e.Message);
        }
    }

    /// <summary>Why the destination cannot be asked; empty when it can.</summary>
    private async Task<string> GreetAsync(Planner planner, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            await _destination.HelloAsync(planner.Caller, ended.Token).AsTask()
                .WaitAsync(_options.Current.CallTimeout, _clock.Provider, cancellationToken).ConfigureAwait(false);
            return "";
        }
        catch (Exception e) when (e is QbSyncException or TimeoutException)
        {
            return e is TimeoutException ? $"The destination did not answer within {_options.Current.CallTimeout.TotalSeconds:0} s." : e.Message;
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
        }
    }

    private bool IsPeerReady(Planner planner) => _isGreeted && planner.Peer.State == PeerGateState.Closed;

    /// <summary>What plans are made with; one for the life of a dry run.</summary>
    private sealed record Planner(Caller Caller, PeerWatcher Peer, PlanDesk Desk, IReadOnlyDictionary<InfoHash, TorrentRecord> Records);
}
