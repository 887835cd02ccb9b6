using System.Reflection;
using QbSync.Ports;
using QbSync.Testing.Specifications;

namespace QbSync.ClientTests;

/// <summary>A destination whose client cannot be told other names than those of the <c>.torrent</c>.</summary>
[Category("Long")]
internal sealed class SourceNamesTests
{
    [Test]
    [SourceCase(40)]
    public async Task Renamed_ToAClientThatCannotRename_ArrivesUnderItsOwnNames_WithOneWarning()
    {
        await using var lab = await EnginesLab.StartAsync(new EnginesLabOptions { WrapDestinationClient = NoRenames.Of });
        var torrent = new TorrentBuilder("own names") { Seed = 641 }.AddFile("a.bin", 700_001).AddFile("sub/b.bin", 300_000).Build();
        await lab.SeedAsync(torrent, async id =>
        {
            await Person.PostAsync(lab.Source, "torrents/renameFile", ("hash", id.Value), ("oldPath", "own names/a.bin"), ("newPath", "own names/other.bin"));
            await Eventually.BecomesTrueAsync(async () => (await EnginesLab.ListNamesAsync(lab.SourceClient, id)).Contains("own names/other.bin"));
        });
        await lab.SyncedAsync(torrent);
        await lab.AssertSyncedAsync(torrent);
        Assert.That(lab.SourceLogs.Entries.Where(static entry => entry.Id.Name == "OwnNames"), Has.Exactly(1).Items);
    }

    /// <summary>Made by the runtime: the client in every point but one.</summary>
    internal class NoRenames : DispatchProxy
    {
        private ITorrentClient _client = null!;

        public static ITorrentClient Of(ITorrentClient client)
        {
            var proxy = Create<ITorrentClient, NoRenames>();
            ((NoRenames)(object)proxy)._client = client;
            return proxy;
        }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod!.Name == nameof(ITorrentClient.DescribeAsync)
            ? DescribeAsync((bool)args![0]!, (CancellationToken)args[1]!)
            : targetMethod.Invoke(_client, BindingFlags.DoNotWrapExceptions, null, args, null);

        private async ValueTask<ClientDescription> DescribeAsync(bool refresh, CancellationToken cancellationToken)
        {
            var description = await _client.DescribeAsync(refresh, cancellationToken);
            return description with { Capabilities = description.Capabilities with { RenamesFiles = false } };
        }
    }
}
